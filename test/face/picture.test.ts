import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodePicture } from '../../src/face/picture.ts';
import { markedJpeg } from '../fakes/pictures.ts';

/** Left half red, right half blue. */
const twoHalves = (width = 64, height = 32) => {
  const rgb = Buffer.alloc(width * height * 3);
  for (let i = 0; i < width * height; i++) rgb.set(i % width < width / 2 ? [230, 20, 20] : [20, 20, 230], i * 3);
  return sharp(rgb, { raw: { width, height, channels: 3 } });
};
const pixel = ({ width, rgb }: { width: number; rgb: Uint8Array }, x: number, y: number) => [
  ...rgb.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
];
const isRed = ([r = 0, , b = 0]: number[]) => r - b > 60;
const isBlue = ([r = 0, , b = 0]: number[]) => b - r > 60;

/** A PNG that says it is of this size and holds next to nothing (PNG specification, 11.2.2): what a decompression bomb begins with. */
function pngOfSize(width: number, height: number): Buffer {
  const header = Buffer.from('IHDR0000000000000');
  header.writeUInt32BE(width, 4);
  header.writeUInt32BE(height, 8);
  header.set([8, 2, 0, 0, 0], 12);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(header));
  const end = Buffer.from('\0\0\0\0IDAT\x35\xaf\x06\x1e', 'latin1');
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\x0d', 'latin1'), header, checksum, end]);
}

describe('pictures that are read', () => {
  it.each([
    ['JPEG', () => twoHalves().jpeg().toBuffer()],
    ['PNG', () => twoHalves().png().toBuffer()],
    ['WebP', () => twoHalves().webp().toBuffer()],
    ['TIFF', () => twoHalves().tiff().toBuffer()],
    ['CMYK JPEG', () => twoHalves().toColourspace('cmyk').jpeg().toBuffer()],
    ['16-bit PNG', () => twoHalves().toColourspace('rgb16').png().toBuffer()],
    ['palette PNG', () => twoHalves().png({ palette: true }).toBuffer()],
    ['PNG with transparency', () => twoHalves().ensureAlpha(1).png().toBuffer()],
  ])('%s', async (_, make) => {
    const picture = await decodePicture(await make());
    expect([picture.width, picture.height]).toEqual([64, 32]);
    expect(isRed(pixel(picture, 10, 16))).toBe(true);
    expect(isBlue(pixel(picture, 54, 16))).toBe(true);
  });

  it('a picture that its EXIF says is turned is turned upright', async () => {
    const turned = await twoHalves().jpeg().withMetadata({ orientation: 6 }).toBuffer();
    const picture = await decodePicture(turned);
    expect([picture.width, picture.height]).toEqual([32, 64]);
    expect(isRed(pixel(picture, 16, 10))).toBe(true);
    expect(isBlue(pixel(picture, 16, 54))).toBe(true);
  });

  it('a grey JPEG gets three equal channels', async () => {
    const [r, g, b] = pixel(await decodePicture(await twoHalves().greyscale().jpeg().toBuffer()), 10, 10);
    expect(new Set([r, g, b]).size).toBe(1);
  });

  it('transparency is laid on white', async () => {
    const clear = await sharp({ create: { width: 32, height: 32, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } })
      .png()
      .toBuffer();
    expect(pixel(await decodePicture(clear), 5, 5)).toEqual([255, 255, 255]);
  });

  it('PGM and BMP, which sharp does not read, through ffmpeg', async () => {
    const pgm = Buffer.concat([Buffer.from('P5\n32 16\n255\n'), Buffer.alloc(32 * 16, 77)]);
    const picture = await decodePicture(pgm);
    expect([picture.width, picture.height]).toEqual([32, 16]);
    expect(pixel(picture, 3, 3)).toEqual([77, 77, 77]);
  });

  it('a very large picture is shrunk while it is read', async () => {
    const { width, height } = await decodePicture(
      await sharp({ create: { width: 8192, height: 2048, channels: 3, background: 'grey' } })
        .jpeg()
        .toBuffer(),
    );
    expect([width, height]).toEqual([4096, 1024]);
  });
});

describe('pictures that are refused with one clear sentence', () => {
  it.each([
    ['nothing', async () => Buffer.alloc(0), /empty/],
    ['text', async () => Buffer.from('this is no picture at all, only some text'), /not a picture in a known format/],
    [
      '1×1',
      () =>
        sharp({ create: { width: 1, height: 1, channels: 3, background: 'red' } })
          .jpeg()
          .toBuffer(),
      /1×1 pixels: too small/,
    ],
    ['30,000 pixels wide and high', async () => pngOfSize(30_000, 30_000), /more than 50 million pixels: save it smaller/],
    ['HEIC', async () => Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1'), /HEIC is not read here: export the picture as JPEG/],
    ['a PNG with a broken header', async () => Buffer.from('\x89PNG\r\n\x1a\nrubbish', 'latin1'), /cannot be read/],
    ['a PGM that promises more than it holds', async () => Buffer.from('P5\n99999 99999\n255\nx'), /cannot be read/],
  ])('%s', async (_, make, message) => {
    await expect(decodePicture(await make())).rejects.toMatchObject({
      name: 'Fault',
      code: 'bad-picture',
      message: expect.stringMatching(message),
    });
  });
});

describe('pictures of which a part is missing', () => {
  const end = Buffer.from([0xff, 0xd9]);
  const person = readFileSync(new URL('../../config/demo-people/p03-neutral.jpg', import.meta.url));
  /** A picture with restart markers, and where they are. */
  const withMarkers = () => {
    const picture = markedJpeg(person);
    const markers = [...picture.keys()].filter(
      (at) => picture[at] === 0xff && (picture[at + 1] ?? 0) >= 0xd0 && (picture[at + 1] ?? 0) <= 0xd7,
    );
    return { picture, markers };
  };
  const without = (picture: Uint8Array, from: number, to: number) => Buffer.concat([picture.subarray(0, from), picture.subarray(to)]);
  const withBytes = (picture: Uint8Array, at: number) =>
    Buffer.concat([picture.subarray(0, at), Buffer.from([0x5a, 0x11, 0x33]), picture.subarray(at)]);
  const middle = person.length >> 1;

  it.each([
    ['cut in the middle', () => person.subarray(0, middle)],
    ['cut in the middle and ended properly', () => Buffer.concat([person.subarray(0, middle), end])],
    ['with a hole', () => without(person, middle, middle + 700)],
    [
      'overwritten in the middle',
      () => Buffer.concat([person.subarray(0, middle), Buffer.alloc(200, 0x55), person.subarray(middle + 200)]),
    ],
    ['only its first bytes', () => Buffer.from([0xff, 0xd8, 0xff])],
    [
      'without an interval between two restart markers',
      () => {
        const { picture, markers } = withMarkers();
        return without(picture, markers[7] ?? 0, markers[9] ?? 0);
      },
    ],
    [
      'with extra bytes first and a hole later, of which libjpeg says nothing',
      () => {
        const { picture, markers } = withMarkers();
        const at = markers[12] ?? 0;
        return withBytes(without(picture, at + 2, at + 150), markers[3] ?? 0);
      },
    ],
  ])('a JPEG %s is refused', async (_, make) => {
    await expect(decodePicture(make())).rejects.toMatchObject({
      code: 'picture-damaged',
      message: expect.stringMatching(/part of the picture/),
    });
  });

  it.each([
    ['before a restart marker, as some Logitech cameras write them', () => withBytes(withMarkers().picture, withMarkers().markers[3] ?? 0)],
    ['before its end', () => withBytes(person, person.length - 2)],
    ['after its end', () => withBytes(person, person.length)],
  ])('a JPEG with extra bytes %s is read', async (_, make) => {
    const { rgb } = await decodePicture(make());
    expect(rgb.length).toBeGreaterThan(0);
  });
});
