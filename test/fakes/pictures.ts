/** Pictures as odd cameras send them, made of pictures that are good. */
import { execFileSync } from 'node:child_process';
import { crc32, deflateSync } from 'node:zlib';

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

/** All of it black, one bit a pixel (PNG specification, 11.2): 50 MB of pixels in 50 kB. */
export function blackPng(side: number): Buffer {
  const chunk = (type: string, data: Uint8Array) => {
    const named = Buffer.concat([Buffer.from(type), data]);
    const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    check.writeUInt32BE(crc32(named));
    return Buffer.concat([length, named, check]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(side, 0);
  head.writeUInt32BE(side, 4);
  head[8] = 1;
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  const pixels = deflateSync(Buffer.alloc(side * (Math.ceil(side / 8) + 1)));
  return Buffer.concat([signature, chunk('IHDR', head), chunk('IDAT', pixels), chunk('IEND', new Uint8Array())]);
}
