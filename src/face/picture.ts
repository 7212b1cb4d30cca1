/**
 * An encoded picture goes in, upright 8-bit RGB pixels come out: through sharp for what its library reads, through
 * ffmpeg for the rest (PGM, BMP …). Limits on size protect against hostile files.
 */
import { execFile } from 'node:child_process';
import sharp from 'sharp';
import { Fault, messageOf } from '../base/errors.ts';
import { requireDecodable } from './header.ts';
import { holdsWholeScan } from './pixels/jpeg-scan.ts';

/** Interleaved RGB, 3 bytes per pixel, rows from top to bottom. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

/** No door camera delivers more; a larger picture is a mistake or an attack. */
export const maxPixels = 50_000_000;
/** Pictures whose longer side is larger are shrunk to this while they are decoded: no face needs more. Pixels. */
const maxSide = 4096;
const smallestSide = 16;
const ffmpegTimeoutMs = 15_000;

/**
 * Decodes one picture: applies the EXIF orientation, converts CMYK, grey, palette and 16-bit to 8-bit sRGB, lays
 * transparency on white.
 * @throws Fault `picture-damaged` if a part of it is missing, `bad-picture` that names what else is wrong,
 * `tool-missing` if the format needs ffmpeg and it is not installed.
 */
export async function decodePicture(encoded: Uint8Array, longestSide = maxSide): Promise<Picture> {
  if (encoded.length === 0) throw new Fault('bad-picture', 'The picture is empty (0 bytes)');
  requireDecodable(encoded);
  const known = isReadBySharp(encoded) ? encoded : await throughFfmpeg(encoded);
  try {
    return await decodeWhole(known, longestSide);
  } catch (error) {
    if (error instanceof Fault) throw error;
    const [said = ''] = messageOf(error).split('\n');
    const why = said.includes('exceeds pixel limit')
      ? `The picture has more than ${maxPixels / 1e6} million pixels: save it smaller, ${maxSide} pixels are enough for its longer side`
      : `The picture cannot be read: ${said}`;
    throw new Fault('bad-picture', why, error);
  }
}

/** What libjpeg says about scan data that is missing or wrong. It puts grey in its place and goes on. */
const damage = /premature end|corrupt jpeg data/i;
/** What it says about bytes too many, as some Logitech cameras write them into good pictures. */
const harmless = /extraneous bytes before marker/;

async function decodeWhole(encoded: Uint8Array, longestSide: number): Promise<Picture> {
  try {
    return await decodeWithSharp(encoded, longestSide, 'warning');
  } catch (error) {
    if (error instanceof Fault) throw error;
    const said = messageOf(error).split('\n');
    const flaw = said.find((line) => damage.test(line) && !harmless.test(line));
    if (flaw !== undefined || (said.some((line) => harmless.test(line)) && holdsWholeScan(encoded) === false))
      throw new Fault(
        'picture-damaged',
        `A part of the picture is missing or wrong (${flaw ?? 'its data ends too early'}): send it again, or try another cable or a lower camera.fps`,
        error,
      );
    return await decodeWithSharp(encoded, longestSide, 'truncated');
  }
}

async function decodeWithSharp(encoded: Uint8Array, longestSide: number, failOn: 'truncated' | 'warning'): Promise<Picture> {
  const image = sharp(encoded, { limitInputPixels: maxPixels, failOn, pages: 1 });
  const plain = isPlainJpeg(encoded, longestSide);
  if (!plain) {
    const { width, height, hasAlpha } = await image.metadata();
    if (width > longestSide || height > longestSide)
      image.resize({ width: longestSide, height: longestSide, fit: 'inside', withoutEnlargement: true });
    image.autoOrient();
    if (hasAlpha) image.flatten({ background: '#ffffff' });
    image.toColourspace('srgb');
  }
  const { data, info } = await image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  if (Math.min(info.width, info.height) < smallestSide) {
    throw new Fault(
      'bad-picture',
      `The picture is ${info.width}×${info.height} pixels: too small to hold a face (at least ${smallestSide}×${smallestSide})`,
    );
  }
  return { width: info.width, height: info.height, rgb: info.channels === 3 ? data : grey(data, info.width * info.height, info.channels) };
}

/** Copies one channel (perhaps followed by alpha) to three. */
function grey(data: Uint8Array, pixels: number, channels: number): Uint8Array {
  const rgb = new Uint8Array(pixels * 3);
  for (let i = 0; i < pixels; i++) rgb.fill(data[i * channels] ?? 0, i * 3, i * 3 + 3);
  return rgb;
}

/**
 * True for a JPEG as cameras make it (three components of 8 bits, no EXIF or Adobe segment, not too large). It needs
 * no conversion, which halves the time for a frame. Segments: ITU-T T.81 annex B.
 */
function isPlainJpeg(bytes: Uint8Array, longestSide: number): boolean {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return false;
  let at = 2;
  while (at + 9 < bytes.length) {
    if (bytes[at] !== 0xff) return false;
    const marker = bytes[at + 1] ?? 0;
    const size = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
    if (marker === 0xe1 || marker === 0xe2 || marker === 0xee) return false;
    if (marker === 0xc0 || marker === 0xc2) {
      const height = ((bytes[at + 5] ?? 0) << 8) | (bytes[at + 6] ?? 0);
      const width = ((bytes[at + 7] ?? 0) << 8) | (bytes[at + 8] ?? 0);
      return bytes[at + 9] === 3 && bytes[at + 4] === 8 && width <= longestSide && height <= longestSide;
    }
    if (marker === 0xda || size < 2) return false;
    at += 2 + size;
  }
  return false;
}

/**
 * Formats that sharp's prebuilt library reads, by their first bytes: JPEG, PNG, GIF, WebP, TIFF, AVIF/HEIF. SVG is
 * refused.
 */
function isReadBySharp(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes.subarray(0, 12)).toString('latin1');
  return (
    text.startsWith('\xff\xd8') ||
    text.startsWith('\x89PNG') ||
    text.startsWith('GIF8') ||
    (text.startsWith('RIFF') && text.endsWith('WEBP')) ||
    text.startsWith('II*\0') ||
    text.startsWith('MM\0*') ||
    text.slice(4, 8) === 'ftyp'
  );
}

/** Netpbm and BMP, the formats for ffmpeg; anything else is refused before a process is started. */
function isReadByFfmpeg(bytes: Uint8Array): boolean {
  const [a, b] = bytes;
  return (a === 0x50 && b !== undefined && b >= 0x31 && b <= 0x37) || (a === 0x42 && b === 0x4d);
}

function throughFfmpeg(encoded: Uint8Array): Promise<Uint8Array> {
  if (!isReadByFfmpeg(encoded)) {
    return Promise.reject(
      new Fault('bad-picture', 'This is not a picture in a known format (JPEG, PNG, WebP, TIFF, GIF, AVIF, PGM/PPM, BMP)'),
    );
  }
  return new Promise((resolve, reject) => {
    const options = { encoding: 'buffer', maxBuffer: 4 * maxPixels, timeout: ffmpegTimeoutMs } as const;
    const codec = encoded[0] === 0x42 ? 'bmp_pipe' : 'pgm_pipe';
    const child = execFile(
      'ffmpeg',
      ['-v', 'error', '-f', codec, '-i', 'pipe:0', '-frames:v', '1', '-f', 'image2pipe', '-c:v', 'png', 'pipe:1'],
      options,
      (error, stdout, stderr) => {
        if (!error && stdout.length > 0) return resolve(stdout);
        if ((error as NodeJS.ErrnoException | null)?.code === 'ENOENT')
          return reject(
            new Fault('tool-missing', 'This kind of picture is read by ffmpeg, which is not installed: apt install ffmpeg', error),
          );
        reject(
          new Fault(
            'bad-picture',
            `The picture cannot be read: ${stderr.toString().trim().split('\n')[0] || 'ffmpeg found no picture in it'}`,
            error,
          ),
        );
      },
    );
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(encoded);
  });
}
