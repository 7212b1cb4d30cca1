/** Pictures as odd cameras send them, made of pictures that are good. */
import { execFileSync } from 'node:child_process';

/** A JPEG with a restart marker after each row of blocks: ffmpeg writes them when it encodes in slices. */
export function markedJpeg(picture: Uint8Array): Buffer {
  const slices = ['-c:v', 'mjpeg', '-q:v', '3', '-threads', '4', '-slices', '4', '-thread_type', 'slice'];
  return execFileSync('ffmpeg', ['-v', 'error', '-f', 'mjpeg', '-i', 'pipe:0', '-frames:v', '1', ...slices, '-f', 'mjpeg', 'pipe:1'], {
    input: picture,
  });
}

/** A JPEG that ends in the middle of its data and ends properly: decoders fill the rest with grey. */
export function halfJpeg(picture: Uint8Array, share = 0.5): Buffer {
  return Buffer.concat([picture.subarray(0, Math.round(picture.length * share)), Buffer.from([0xff, 0xd9])]);
}
