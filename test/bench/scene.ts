/** Frames for the benches: 640×480 JPEG with one synthetic person, or nobody; each frame's bytes differ so that none counts as a repeat. */
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { type Clock, systemClock } from '../../src/base/time.ts';
import type { Camera, Frame } from '../../src/camera/port.ts';
import { personFrame } from '../../src/cli/door/bench.ts';

const people = new URL('../../config/demo-people/', import.meta.url).pathname;

export const pictureOf = (name: string) => readFileSync(`${people}${name}.jpg`);

/** A wall and a floor, 640×480. */
export async function emptyFrame(): Promise<Buffer> {
  const floor = await sharp({ create: { width: 640, height: 140, channels: 3, background: '#6b5a48' } })
    .png()
    .toBuffer();
  const noise = { type: 'gaussian', mean: 128, sigma: 12 } as const;
  const wall = await sharp({ create: { width: 640, height: 480, channels: 3, background: '#b8b4ae', noise } })
    .png()
    .toBuffer();
  return sharp(wall)
    .composite([{ input: floor, left: 0, top: 340 }])
    .jpeg({ quality: 85 })
    .toBuffer();
}

/** A resident in eight places, to be shown one after the other: a face that never moves is a poster, and masked out. */
export const movingFace = (): Promise<readonly Buffer[]> => Promise.all(Array.from({ length: 8 }, (_, place) => faceAt(24 * place - 84)));

async function faceAt(offsetPx: number): Promise<Buffer> {
  const wide = await sharp(await personFrame('p01-smiling'))
    .extend({ left: 100, right: 100, background: '#b8b4ae' })
    .toBuffer();
  return await sharp(wide)
    .extract({ left: 100 + offsetPx, top: 0, width: 640, height: 480 })
    .jpeg({ quality: 85 })
    .toBuffer();
}

/** The same picture with other bytes: what stands behind a JPEG's end is not decoded. */
export function another(picture: Buffer, seq: number): Buffer {
  return Buffer.concat([picture, Buffer.from(String(seq).padStart(8, '0'))]);
}

/** A camera that shows `picture(seq)` at `fps` (0: as fast as it is asked) for `frames` frames. */
export function benchCamera(picture: (seq: number) => Buffer, fps: number, frames: number, clock: Clock = systemClock): Camera {
  return {
    label: 'bench',
    frames: async function* (signal): AsyncGenerator<Frame> {
      const startMs = clock.now();
      for (let seq = 1; seq <= frames && !signal.aborted; seq++) {
        const waitMs = fps > 0 ? startMs + (seq * 1000) / fps - clock.now() : 0;
        if (waitMs > 0) await clock.sleep(waitMs, signal).catch(() => undefined);
        yield { seq, capturedAtMs: clock.now(), picture: another(picture(seq), seq) };
      }
    },
  };
}
