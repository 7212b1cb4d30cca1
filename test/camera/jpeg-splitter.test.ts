/** The splitter of MJPEG streams: pictures come out whole, however the stream is cut into chunks and whatever is missing. */
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { jpegSplitter } from '../../src/camera/jpeg-splitter.ts';
import { cardJpegs, greyJpeg } from './media.ts';

const card = cardJpegs(4);
const kinds: readonly Buffer[] = [
  ...card,
  await sharp(card[0]).jpeg({ progressive: true, quality: 50 }).toBuffer(),
  await sharp(card[1]).jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).withMetadata({ orientation: 6 }).toBuffer(),
  withThumbnail(card[2]!, card[3]!),
  await greyJpeg(0),
];
/** Restart markers and no Huffman tables: what UVC cameras send. */
const withoutTables = withoutSegments(cardJpegs(1, ['-huffman', 'default'])[0]!, 0xc4);

/** A picture with another one inside an EXIF segment, as photo cameras make them. */
function withThumbnail(picture: Buffer, thumbnail: Buffer): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt16BE(0xffe1, 0);
  header.writeUInt16BE(2 + thumbnail.length, 2);
  return Buffer.concat([picture.subarray(0, 2), header, thumbnail, picture.subarray(2)]);
}

function withoutSegments(picture: Buffer, marker: number): Buffer {
  const kept = [picture.subarray(0, 2)];
  let at = 2;
  for (; picture[at + 1] !== 0xda; at += 2 + picture.readUInt16BE(at + 2)) {
    if (picture[at + 1] !== marker) kept.push(picture.subarray(at, at + 2 + picture.readUInt16BE(at + 2)));
  }
  return Buffer.concat([...kept, picture.subarray(at)]);
}

const known = new Map([...kinds, withoutTables].map((p, i) => [p.toString('base64'), `picture ${i}`]));

/** Pictures by name, so that a difference can be read. */
function named(pictures: readonly Buffer[]): string[] {
  return pictures.map((p) => known.get(p.toString('base64')) ?? `unknown, ${p.length} bytes`);
}

/** Everything the splitter makes of `stream`, given in chunks of these lengths (over and over). */
function split(stream: Buffer, lengths: readonly number[], maxBytes?: number): Buffer[] {
  const splitter = jpegSplitter(maxBytes);
  const pictures: Buffer[] = [];
  for (let at = 0, i = 0; at < stream.length; i++) {
    const length = lengths[i % lengths.length] ?? 1;
    pictures.push(...splitter.push(stream.subarray(at, at + length)).map((p) => Buffer.from(p)));
    at += length;
  }
  return pictures;
}

const chunking = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 10, max: 20_000 })), { minLength: 1, maxLength: 12 });
const picture = fc.constantFrom(...kinds, withoutTables);

describe('a stream of whole pictures', () => {
  it('comes out as it went in, for any pictures and any chunks', () => {
    fc.assert(
      fc.property(fc.array(picture, { maxLength: 6 }), chunking, (pictures, lengths) => {
        expect(named(split(Buffer.concat(pictures), lengths))).toEqual(named(pictures));
      }),
      { numRuns: 150 },
    );
  });

  it('comes out the same with any padding between the pictures', () => {
    const padding = fc.oneof(
      fc.constant(Buffer.alloc(0)),
      fc.constant(Buffer.alloc(700)),
      fc.constant(Buffer.from('\r\n--boundary\r\n')),
      fc.constant(Buffer.from([0xff])),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(picture, padding), { maxLength: 5 }), chunking, (parts, lengths) => {
        expect(named(split(Buffer.concat(parts.flat()), lengths))).toEqual(named(parts.map(([p]) => p)));
      }),
      { numRuns: 100 },
    );
  });

  it('gives each picture memory of its own', () => {
    const splitter = jpegSplitter();
    const [first] = splitter.push(card[0]!);
    splitter.push(card[1]!);
    expect(Buffer.from(first!)).toEqual(card[0]);
  });
});

describe('a stream that is cut', () => {
  it('loses the cut picture and no other, wherever it was cut', () => {
    const cut = fc.tuple(fc.constantFrom(...card, kinds[4]!), fc.double({ min: 0, max: 1, noNaN: true }));
    fc.assert(
      fc.property(picture, cut, picture, chunking, (before, [victim, where], after, lengths) => {
        const part = victim.subarray(0, Math.floor(where * (victim.length - 1)));
        expect(named(split(Buffer.concat([before, part, after, before]), lengths))).toEqual(named([before, after, before]));
      }),
      { numRuns: 400 },
    );
  });

  it('loses only the cut picture at every single place of its headers', () => {
    const victim = card[0]!;
    for (let length = 0; length < 700; length++) {
      const stream = Buffer.concat([card[1]!, victim.subarray(0, length), card[2]!]);
      expect(named(split(stream, [stream.length])), `cut after ${length} bytes`).toEqual(['picture 1', 'picture 2']);
    }
  });

  it('gives nothing of a picture whose end never comes', () => {
    fc.assert(
      fc.property(fc.constantFrom(...card, withoutTables), fc.integer({ min: 1, max: 3000 }), chunking, (only, missing, lengths) => {
        expect(split(only.subarray(0, Math.max(0, only.length - missing)), lengths)).toEqual([]);
      }),
    );
  });

  it('takes up in the middle of a picture', () => {
    const stream = Buffer.concat([card[0]!.subarray(900), card[1]!]);
    expect(named(split(stream, [512]))).toEqual(['picture 1']);
  });
});

describe('a stream that is no stream of pictures', () => {
  it('never holds much more than the limit, and finds the pictures after it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 5000 }), chunking, (noise, lengths) => {
        // A start, and then nothing that ends: the worst noise there is.
        const stream = Buffer.concat([card[0]!.subarray(0, 400), Buffer.from(noise.filter((b) => b !== 0xff)), Buffer.alloc(60_000, 7)]);
        const splitter = jpegSplitter(30_000);
        for (let at = 0, i = 0; at < stream.length; at += lengths[i++ % lengths.length] ?? 1) {
          splitter.push(stream.subarray(at, at + (lengths[i % lengths.length] ?? 1)));
          expect(splitter.held).toBeLessThanOrEqual(30_000 + 20_000);
        }
        expect(splitter.push(card[0]!)).toHaveLength(1);
      }),
      { numRuns: 10 },
    );
  });

  it('survives any bytes at all', () => {
    const nasty = fc.array(fc.constantFrom(0xff, 0xd8, 0xd9, 0xda, 0xc0, 0xe1, 0, 1, 2, 0x41), { maxLength: 3000 });
    fc.assert(
      fc.property(nasty, chunking, (bytes, lengths) => {
        const pictures = split(Buffer.from(bytes), lengths);
        for (const p of pictures) {
          expect([p[0], p[1]]).toEqual([0xff, 0xd8]);
          expect([p.at(-2), p.at(-1)]).toEqual([0xff, 0xd9]);
        }
      }),
    );
  });

  it('drops a picture above the limit', () => {
    expect(split(Buffer.concat([card[0]!, card[1]!]), [1000], 2000)).toEqual([]);
  });
});

it("a USB camera's picture without Huffman tables is decoded all the same", async () => {
  const [whole, without] = await Promise.all(
    [cardJpegs(1, ['-huffman', 'default'])[0]!, withoutTables].map((p) => sharp(p).raw().toBuffer()),
  );
  expect(without).toEqual(whole);
});
