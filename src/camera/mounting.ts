/**
 * How a camera is mounted: frames of a camera on its side, upside down or behind a mirror go in, upright ones come out.
 * Where ffmpeg makes the JPEG, a filter turns it. A JPEG that the camera made gets an EXIF orientation instead: nothing
 * is decoded, and damage in it stays visible to the face reader.
 */
import sharp from 'sharp';
import type { Camera, Frame } from './port.ts';

export interface Mounting {
  /** Clockwise turn after which the picture is upright. */
  readonly rotate: 0 | 90 | 180 | 270;
  /** Then left and right are exchanged. */
  readonly mirror: boolean;
}

export const upright: Mounting = { rotate: 0, mirror: false };

/** ffmpeg's filters that turn the picture; none for a camera that is upright. */
export function mountingFilters({ rotate, mirror }: Mounting): readonly string[] {
  const turn = { 0: [], 90: ['transpose=clock'], 180: ['hflip', 'vflip'], 270: ['transpose=cclock'] }[rotate];
  return [...turn, ...(mirror ? ['hflip'] : [])];
}

/** `camera` with every frame turned as `mounting` says. */
export function mounted(camera: Camera, mounting: Mounting): Camera {
  if (mounting.rotate === 0 && !mounting.mirror) return camera;
  return {
    label: camera.label,
    frames: (signal) => turnedFrames(camera.frames(signal), mounting),
  };
}

export async function* turnedFrames(frames: AsyncIterable<Frame>, mounting: Mounting = upright): AsyncGenerator<Frame, void, void> {
  const isUpright = mounting.rotate === 0 && !mounting.mirror;
  for await (const frame of frames) yield isUpright ? frame : { ...frame, picture: await turned(frame.picture, mounting) };
}

async function turned(picture: Uint8Array, mounting: Mounting): Promise<Uint8Array> {
  if (isBareJpeg(picture)) return withOrientation(picture, orientations[mounting.rotate][mounting.mirror ? 1 : 0]);
  const { rotate, mirror } = mounting;
  try {
    // Another format, or a JPEG with an orientation of its own, as in a replay of a phone's pictures.
    const plain = await sharp(picture, { limitInputPixels: 50_000_000 }).autoOrient().toBuffer();
    // sharp exchanges left and right before it turns, whatever the order of the calls.
    const image = sharp(rotate === 0 ? plain : await sharp(plain).rotate(rotate).toBuffer()).flop(mirror);
    return new Uint8Array(await image.flatten({ background: '#ffffff' }).jpeg({ quality: 95 }).toBuffer());
  } catch {
    // The face reader says what is wrong with it.
    return picture;
  }
}

/** EXIF 2.3, table 6, tag Orientation: what undoes the mounting, without and with the mirror. */
const orientations = { 0: [1, 2], 90: [6, 5], 180: [3, 4], 270: [8, 7] } as const;

/** A JPEG without an EXIF segment of its own before its frame header. */
function isBareJpeg(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return false;
  for (let at = 2; at + 4 < bytes.length && bytes[at] === 0xff; ) {
    const code = bytes[at + 1] ?? 0;
    if (code === 0xe1) return false;
    if (code >= 0xc0 && code <= 0xcf && code !== 0xc4) return true;
    at += 2 + (((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0));
  }
  return false;
}

/** The JPEG with an EXIF segment that holds nothing but the orientation. */
function withOrientation(jpeg: Uint8Array, orientation: number): Uint8Array {
  const segment = Buffer.alloc(36);
  segment.writeUInt16BE(0xffe1, 0);
  segment.writeUInt16BE(34, 2);
  segment.write('Exif\0\0II*\0', 4, 'latin1');
  segment.writeUInt32LE(8, 14);
  segment.writeUInt16LE(1, 18);
  // Tag, type (3: a 16-bit number), count, value.
  segment.writeUInt16LE(0x0112, 20);
  segment.writeUInt16LE(3, 22);
  segment.writeUInt32LE(1, 24);
  segment.writeUInt16LE(orientation, 28);
  return Buffer.concat([jpeg.subarray(0, 2), segment, jpeg.subarray(2)]);
}
