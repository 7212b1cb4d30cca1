/** A camera on its side, upside down or behind a mirror: whichever way its frames come, the reader sees them upright. */
import { execFileSync } from 'node:child_process';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { type Mounting, mounted, mountingFilters } from '../../src/camera/mounting.ts';
import type { Camera } from '../../src/camera/port.ts';
import { decodePicture, type Picture } from '../../src/face/picture.ts';
import { halfJpeg } from '../fakes/pictures.ts';

/** Four corners of different grey, wider than high. */
const corners = [20, 90, 160, 230];
const card = (): Sharp => {
  const rgb = Buffer.alloc(64 * 32 * 3);
  for (let y = 0; y < 32; y++)
    for (let x = 0; x < 64; x++) rgb.fill(corners[(y < 16 ? 0 : 2) + (x < 32 ? 0 : 1)] ?? 0, (y * 64 + x) * 3, (y * 64 + x) * 3 + 3);
  return sharp(rgb, { raw: { width: 64, height: 32, channels: 3 } });
};
const jpeg = () => card().jpeg({ quality: 95 }).toBuffer();

/** The corners of a picture, by the number that they had in the card: top left, top right, bottom left, bottom right. */
function cornersOf({ width, height, rgb }: Picture): number[] {
  const at = (x: number, y: number) => rgb[(Math.round(y * height) * width + Math.round(x * width)) * 3] ?? 0;
  const nearest = (v: number) => corners.findIndex((shade) => Math.abs(shade - v) < 30);
  return [at(0.2, 0.2), at(0.8, 0.2), at(0.2, 0.8), at(0.8, 0.8)].map(nearest);
}

async function through(picture: Uint8Array, mounting: Mounting): Promise<Uint8Array> {
  const camera: Camera = {
    label: 'card',
    frames: async function* () {
      yield { seq: 1, capturedAtMs: 0, picture };
    },
  };
  for await (const frame of mounted(camera, mounting).frames(new AbortController().signal)) return frame.picture;
  throw new Error('no frame');
}

const cases: [Mounting, number[]][] = [
  [{ rotate: 0, mirror: false }, [0, 1, 2, 3]],
  [{ rotate: 90, mirror: false }, [2, 0, 3, 1]],
  [{ rotate: 180, mirror: false }, [3, 2, 1, 0]],
  [{ rotate: 270, mirror: false }, [1, 3, 0, 2]],
  [{ rotate: 0, mirror: true }, [1, 0, 3, 2]],
  [{ rotate: 90, mirror: true }, [0, 2, 1, 3]],
  [{ rotate: 180, mirror: true }, [2, 3, 0, 1]],
  [{ rotate: 270, mirror: true }, [3, 1, 2, 0]],
];

describe.each(cases)('%o', (mounting, expected) => {
  it('a JPEG of the camera, whose data stays as it is', async () => {
    const picture = await jpeg();
    const turned = await through(picture, mounting);
    expect(Buffer.from(turned).includes(Buffer.from(picture.subarray(2)))).toBe(true);
    expect(cornersOf(await decodePicture(turned))).toEqual(expected);
  });

  it('a picture of another format', async () =>
    expect(cornersOf(await decodePicture(await through(await card().png().toBuffer(), mounting)))).toEqual(expected));

  it('a JPEG that says itself that it is turned', async () => {
    const lying = await card().rotate(270).jpeg({ quality: 95 }).withMetadata({ orientation: 6 }).toBuffer();
    expect(cornersOf(await decodePicture(await through(lying, mounting)))).toEqual(expected);
  });

  it('ffmpeg, where it makes the JPEG', async () => {
    const filters = mountingFilters(mounting).join(',') || 'null';
    const args = ['-v', 'error', '-f', 'mjpeg', '-i', 'pipe:0', '-vf', filters, '-c:v', 'mjpeg', '-q:v', '2', '-f', 'mjpeg', 'pipe:1'];
    expect(cornersOf(await decodePicture(execFileSync('ffmpeg', args, { input: await jpeg() })))).toEqual(expected);
  });
});

it('a damaged JPEG is damaged still', async () => {
  const noise = sharp(Buffer.from(Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7919) % 251)), {
    raw: { width: 64, height: 64, channels: 3 },
  });
  const turned = await through(halfJpeg(await noise.jpeg().toBuffer()), { rotate: 180, mirror: false });
  await expect(decodePicture(turned)).rejects.toMatchObject({ code: 'picture-damaged' });
});
