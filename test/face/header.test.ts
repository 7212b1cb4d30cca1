/** What a picture says of itself decides whether it is decoded at all; nothing here decodes one. */
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { requireDecodable, requireFromOutside } from '../../src/face/header.ts';

const plain = (width: number, height: number) => sharp({ create: { width, height, channels: 3, background: '#678' } });

/** A JPEG with other numbers in its frame header. */
async function jpegOf(width: number, height: number): Promise<Buffer> {
  const jpeg = await plain(64, 48).jpeg().toBuffer();
  const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
  jpeg.writeUInt16BE(height, frame + 5);
  jpeg.writeUInt16BE(width, frame + 7);
  return jpeg;
}

async function pngOf(width: number, height: number): Promise<Buffer> {
  const png = await plain(64, 48).png().toBuffer();
  png.writeUInt32BE(width, 16);
  png.writeUInt32BE(height, 20);
  return png;
}

/** Only the first chunk: as lossy, lossless or extended WebP. */
function webpOf(chunk: 'VP8 ' | 'VP8L' | 'VP8X', width: number, height: number): Buffer {
  const webp = Buffer.alloc(40);
  webp.write('RIFF', 0, 'latin1');
  webp.write(`WEBP${chunk}`, 8, 'latin1');
  if (chunk === 'VP8 ') {
    webp.writeUInt16LE(width, 26);
    webp.writeUInt16LE(height, 28);
  } else if (chunk === 'VP8L') webp.writeUInt32LE((((height - 1) << 14) | (width - 1)) >>> 0, 21);
  else {
    webp.writeUIntLE(width - 1, 24, 3);
    webp.writeUIntLE(height - 1, 27, 3);
  }
  return webp;
}

/** The first box, and a size as AVIF and HEIC state it. */
function isoOf(brand: string, width: number, height: number): Buffer {
  const iso = Buffer.alloc(200);
  iso.writeUInt32BE(24, 0);
  iso.write(`ftyp${brand}\0\0\0\0mif1miaf`, 4, 'latin1');
  iso.write('ispe', 100, 'latin1');
  iso.writeUInt32BE(width, 108);
  iso.writeUInt32BE(height, 112);
  return iso;
}

describe('a picture from outside', () => {
  it.each<[string, () => Promise<Buffer> | Buffer]>([
    ['a JPEG', () => plain(640, 480).jpeg().toBuffer()],
    [
      'a JPEG with a profile, EXIF and text before its size',
      () => plain(640, 480).withMetadata({ orientation: 6 }).withIccProfile('p3').jpeg().toBuffer(),
    ],
    ['a progressive JPEG', () => plain(640, 480).jpeg({ progressive: true }).toBuffer()],
    ['a JPEG of an iPhone, 4032×3024', () => jpegOf(4032, 3024)],
    ['a JPEG of a Pixel, 4080×3072', () => jpegOf(4080, 3072)],
    ['a PNG', () => plain(640, 480).png().toBuffer()],
    ['a WebP', () => plain(640, 480).webp().toBuffer()],
    ['a lossless WebP', () => plain(640, 480).webp({ lossless: true }).toBuffer()],
    ['a WebP with transparency', () => plain(640, 480).ensureAlpha(0.5).webp().toBuffer()],
  ])('%s is taken', async (_, make) => {
    requireFromOutside(await make());
  });

  it.each<[string, () => Promise<Buffer> | Buffer]>([
    ['JPEG', () => jpegOf(5000, 4000)],
    ['PNG', () => pngOf(5000, 4000)],
    ['lossy WebP', () => webpOf('VP8 ', 5000, 4000)],
    ['lossless WebP', () => webpOf('VP8L', 5000, 4000)],
    ['extended WebP', () => webpOf('VP8X', 5000, 4000)],
  ])('%s of 20 megapixels is refused by what it says', async (_, make) => {
    const picture = await make();
    expect(() => requireFromOutside(picture)).toThrow(
      /has 5000×4000 pixels, that is 20 megapixels, and at most 12 are taken: make it smaller/,
    );
  });

  it.each<[string, () => Promise<Buffer> | Buffer, RegExp]>([
    ['HEIC', () => isoOf('heic', 100, 100), /This is a HEIC picture, which is not taken\. Convert it to JPEG \(on an iPhone/],
    ['HEIC under its general brand', () => isoOf('mif1', 100, 100), /This is a HEIC picture/],
    ['AVIF, however small', () => isoOf('avif', 100, 100), /This is an AVIF picture: JPEG, PNG and WebP are taken\. Convert it to JPEG/],
    ['a film', () => isoOf('isom', 100, 100).fill(0, 16, 24), /not a picture in a known format/],
    ['TIFF', () => plain(64, 48).tiff().toBuffer(), /not a picture in a known format: JPEG, PNG and WebP/],
    ['GIF', () => plain(64, 48).gif().toBuffer(), /not a picture in a known format/],
    ['SVG', () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'), /not a picture in a known format/],
    ['a bitmap', () => Buffer.from('BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0', 'latin1'), /not a picture in a known format/],
    ['a portable pixmap', () => Buffer.from('P6\n1 1\n255\nabc'), /not a picture in a known format/],
    ['text', () => Buffer.from('hello'), /not a picture in a known format/],
    ['nothing', () => Buffer.alloc(0), /not a picture in a known format/],
    ['a JPEG of three bytes', () => Buffer.from([0xff, 0xd8, 0xff]), /does not say how large it is/],
    ['a JPEG without a size', () => Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xda]), Buffer.alloc(50)]), /does not say how large/],
    ['a JPEG of no height', () => jpegOf(640, 0), /does not say how large it is/],
    [
      'a JPEG of endless segments',
      () => Buffer.concat([Buffer.from([0xff, 0xd8]), Buffer.alloc(4_000_000, Buffer.from([0xff, 0xfe, 0, 2]))]),
      /does not say how large/,
    ],
    [
      'a JPEG of fill bytes alone',
      () => Buffer.concat([Buffer.from([0xff, 0xd8]), Buffer.alloc(4_000_000, 0xff)]),
      /does not say how large/,
    ],
    [
      'a PNG that begins with another chunk',
      () => Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\x0dIDATxxxxxxxxxxxxx', 'latin1'),
      /does not say how large/,
    ],
  ])('%s is refused, and what to do is said', async (_, make, says) => {
    const picture = await make();
    expect(() => requireFromOutside(picture)).toThrow(
      expect.objectContaining({ code: 'bad-picture', message: expect.stringMatching(says) }),
    );
  });
});

describe('a picture of this machine', () => {
  it('may have other formats', async () => {
    for (const picture of [await plain(64, 48).tiff().toBuffer(), isoOf('avif', 4000, 3000), await jpegOf(9000, 5000)])
      requireDecodable(picture);
  });

  it('is refused as HEIC, with what to do, and as an AVIF that would take a gigabyte', () => {
    expect(() => requireDecodable(isoOf('heic', 100, 100))).toThrow(/HEIC is not read here: export the picture as JPEG/);
    expect(() => requireDecodable(isoOf('avif', 7000, 7000))).toThrow(/7000×7000 pixels, that is 49 megapixels/);
    expect(() => requireDecodable(isoOf('avif', 0, 0))).toThrow(/does not say how large it is/);
  });
});
