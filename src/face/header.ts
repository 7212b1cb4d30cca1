/**
 * What an encoded picture says of itself in its first bytes: format and size, without decoding anything. Decoders use
 * memory and time by that size, so it is judged first.
 */
import { Fault } from '../base/errors.ts';

interface PictureHeader {
  readonly format: 'JPEG' | 'PNG' | 'WebP' | 'AVIF' | 'HEIC' | 'other';
  /** Pixels, before any turn. Absent if the header does not say it. */
  readonly size?: { readonly width: number; readonly height: number };
}

/** Most pixels of a picture from outside. Phones that are sold as 12 megapixels make up to 4080×3072. */
const mostPixels = 12_600_000;
/** Segments before the size in a JPEG; pictures of phones have about twenty. */
const mostSegments = 500;
/** Where the boxes of an AVIF picture stand that say its size, bytes. */
const boxesEnd = 65_536;

const convert = 'Convert it to JPEG';
const onIphone = 'on an iPhone, Settings > Camera > Formats > Most Compatible makes JPEG';

/** @throws Fault `bad-picture` unless it is a JPEG, PNG or WebP of at most 12 megapixels. */
export function requireFromOutside(encoded: Uint8Array): void {
  const { format, size } = headerOf(encoded);
  if (format === 'HEIC') throw new Fault('bad-picture', `This is a HEIC picture, which is not taken. ${convert} (${onIphone})`);
  if (format === 'AVIF' || format === 'other')
    throw new Fault(
      'bad-picture',
      `${format === 'AVIF' ? 'This is an AVIF picture' : 'This is not a picture in a known format'}: JPEG, PNG and WebP are taken. ${convert}`,
    );
  if (!size) throw new Fault('bad-picture', `The picture cannot be read: its header does not say how large it is`);
  requireSmall(size);
}

/**
 * For pictures of this machine, which may have more formats: refuses what cannot be decoded, or only at great cost.
 * @throws Fault `bad-picture`.
 */
export function requireDecodable(encoded: Uint8Array): void {
  const { format, size } = headerOf(encoded);
  if (format === 'HEIC')
    throw new Fault(
      'bad-picture',
      `HEIC is not read here: export the picture as JPEG (${onIphone}; on this machine: heif-convert in.heic out.jpg)`,
    );
  if (format !== 'AVIF') return;
  // A few bytes of AVIF may stand for a gigabyte.
  if (!size) throw new Fault('bad-picture', `This AVIF picture does not say how large it is. ${convert}`);
  requireSmall(size);
}

function requireSmall({ width, height }: { readonly width: number; readonly height: number }): void {
  if (width * height > mostPixels)
    throw new Fault(
      'bad-picture',
      `The picture has ${width}×${height} pixels, that is ${Math.ceil((width * height) / 1e6)} megapixels, and at most 12 are taken: make it smaller (2000 pixels are enough)`,
    );
}

function headerOf(bytes: Uint8Array): PictureHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const start = latin1(bytes, 0, 16);
  if (start.startsWith('\xff\xd8\xff')) return { format: 'JPEG', ...found(jpegSize(view)) };
  if (start.startsWith('\x89PNG\r\n\x1a\n')) return { format: 'PNG', ...found(pngSize(bytes, view)) };
  if (start.startsWith('RIFF') && start.slice(8, 12) === 'WEBP') return { format: 'WebP', ...found(webpSize(bytes, view)) };
  if (start.slice(4, 8) === 'ftyp') return isoMedia(bytes, view);
  return { format: 'other' };
}

type Size = NonNullable<PictureHeader['size']>;

const latin1 = (bytes: Uint8Array, from: number, to: number): string => Buffer.from(bytes.subarray(from, to)).toString('latin1');

const found = (size: Size | undefined): Pick<PictureHeader, 'size'> => (size && size.width > 0 && size.height > 0 ? { size } : {});

/** From the frame header, SOFn (ITU-T T.81, B.2.2). */
function jpegSize(view: DataView): Size | undefined {
  let at = 2;
  for (let segment = 0; segment < mostSegments && at + 9 <= view.byteLength; segment++) {
    if (view.getUint8(at) !== 0xff) return undefined;
    const marker = view.getUint8(at + 1);
    // Any number of bytes 0xff may stand before a marker.
    if (marker === 0xff) at += 1;
    else if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker))
      return { height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    else if (marker === 0xda || marker === 0xd9) return undefined;
    else at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}

/** From IHDR, the first chunk (PNG specification, 11.2.2). */
function pngSize(bytes: Uint8Array, view: DataView): Size | undefined {
  if (view.byteLength < 24 || latin1(bytes, 12, 16) !== 'IHDR') return undefined;
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

/** From the first chunk (https://developers.google.com/speed/webp/docs/riff_container). */
function webpSize(bytes: Uint8Array, view: DataView): Size | undefined {
  if (view.byteLength < 30) return undefined;
  const chunk = latin1(bytes, 12, 16);
  if (chunk === 'VP8X') return { width: 1 + uint24(view, 24), height: 1 + uint24(view, 27) };
  if (chunk === 'VP8L') {
    const bits = view.getUint32(21, true);
    return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
  }
  return chunk === 'VP8 ' ? { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff } : undefined;
}

const uint24 = (view: DataView, at: number): number => view.getUint16(at, true) | (view.getUint8(at + 2) << 16);

/** AVIF or HEIC, by the brands of the first box; the largest image that it states (`ispe`, ISO/IEC 23008-12, 6.5.3). */
function isoMedia(bytes: Uint8Array, view: DataView): PictureHeader {
  const brands = latin1(bytes, 8, Math.min(view.getUint32(0), 256));
  if (!/avi[fs]/.test(brands)) return { format: /hei|hev|mif1|msf1/.test(brands) ? 'HEIC' : 'other' };
  const boxes = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, boxesEnd));
  let largest: Size | undefined;
  for (let at = boxes.indexOf('ispe'); at >= 0 && at + 16 <= boxes.length; at = boxes.indexOf('ispe', at + 4)) {
    const size = { width: boxes.readUInt32BE(at + 8), height: boxes.readUInt32BE(at + 12) };
    if (!largest || size.width * size.height > largest.width * largest.height) largest = size;
  }
  return { format: 'AVIF', ...found(largest) };
}
