/**
 * A clip for Chromium's fake camera: pictures of a demo person (who does not exist) go in, as somebody who moves a
 * little before it; the path of an MJPEG file comes out. Chromium plays it again and again.
 */
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { demoPeopleFolder } from '../../src/adapters/basics.ts';
import { writeWhole } from '../../src/base/whole-file.ts';

const [width, height] = [640, 480];
const frames = 24;

/** In the folder for temporary files, where another worker may have made it. */
export async function cameraClip(person: string): Promise<string> {
  const file = join(tmpdir(), `facelatch-clip-${person}.mjpeg`);
  if (existsSync(file)) return file;
  const looks = ['neutral', 'smiling'].map((look) => readFileSync(join(demoPeopleFolder, `${person}-${look}.jpg`)));
  const all = Array.from({ length: frames }, (_, n) => frame(looks[Math.floor((2 * n) / frames)] as Uint8Array, n));
  writeWhole(file, Buffer.concat(await Promise.all(all)));
  return file;
}

/** Larger and farther right with each frame. Baseline JPEG with the usual tables, as Chromium reads it. */
async function frame(picture: Uint8Array, n: number): Promise<Buffer> {
  const side = height + 2 * n;
  const square = await sharp(picture)
    .resize(side, side)
    .extract({ left: 0, top: n, width: Math.min(side, width), height })
    .toBuffer();
  const shown = sharp({ create: { width, height, channels: 3, background: '#7f8a86' } }).composite([
    { input: square, left: Math.floor((width - Math.min(side, width)) / 2), top: 0 },
  ]);
  return await shown.jpeg({ quality: 92, optimiseCoding: false, chromaSubsampling: '4:2:0' }).toBuffer();
}
