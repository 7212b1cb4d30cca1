/**
 * Pictures as the network takes them. In: encoded files. Out: side × side × 3 numbers, 0…1. Bytes stay in memory
 * after the first read.
 */
import { readFile } from 'node:fs/promises';
import sharp, { type Sharp } from 'sharp';
import { Fault, messageOf } from '../../base/errors.ts';
import type { Crop, FaceCrops } from './face-crops.ts';

/** Where the face is in a picture, by path; undefined without one. */
export type Locate = (path: string) => Promise<Crop | undefined>;

export interface Pictures {
  /** Throws Fault `bad-picture` where the file cannot be decoded or shows no face. */
  read(path: string): Promise<Float32Array>;
}

/** Reads at `side`: the whole picture, as in the tutorial, or what `locate` finds. */
export function openPictures(side: number, locate?: Locate): Pictures {
  const kept = new Map<string, Uint8Array>();
  return {
    read: async (path) => {
      const bytes = kept.get(path) ?? (await decode(path, side, locate));
      kept.set(path, bytes);
      return toNumbers(bytes);
    },
  };
}

/** Pictures cut to the faces that were found, or whole where no faces were looked for. */
export const openPicturesOf = (side: number, faces: FaceCrops | undefined): Pictures =>
  openPictures(side, faces && (async (path) => faces.get(path)));

/** Bytes to 0…1. A plain loop: `Float32Array.from` with a function takes twenty times as long. */
export function toNumbers(bytes: Uint8Array): Float32Array {
  const numbers = new Float32Array(bytes.length);
  for (let index = 0; index < bytes.length; index++) numbers[index] = (bytes[index] as number) / 255;
  return numbers;
}

/** 0…1 to bytes; values outside are clamped. */
export function toBytes(numbers: Float32Array): Uint8Array {
  const bytes = new Uint8ClampedArray(numbers.length); // rounds and clamps
  for (let index = 0; index < numbers.length; index++) bytes[index] = (numbers[index] as number) * 255;
  return new Uint8Array(bytes.buffer);
}

async function decode(path: string, side: number, locate: Locate | undefined): Promise<Uint8Array> {
  try {
    const encoded = await readFile(path);
    let picture = netpbm(encoded) ?? sharp(encoded).autoOrient();
    if (locate) {
      const crop = await locate(path);
      if (!crop) throw new Fault('bad-picture', `No face was found in ${path}: take the picture out of the data.`);
      picture = await cropped(picture, crop);
    }
    return await picture.resize(side, side, { fit: 'fill' }).toColourspace('srgb').removeAlpha().raw().toBuffer();
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault(
      'bad-picture',
      `${path} cannot be read as a picture (${messageOf(error)}): repair it or take it out of the data.`,
      error,
    );
  }
}

async function cropped(picture: Sharp, { left, top, width, height }: Crop): Promise<Sharp> {
  // Width and height are known only after the picture is turned upright.
  const { data, info } = await picture.png({ compressionLevel: 1 }).toBuffer({ resolveWithObject: true });
  const place = (share: number, whole: number) => Math.min(Math.round(share * whole), whole - 1);
  const [x, y] = [place(left, info.width), place(top, info.height)];
  const size = (share: number, whole: number, from: number) => Math.min(Math.max(1, Math.round(share * whole)), whole - from);
  return sharp(data).extract({ left: x, top: y, width: size(width, info.width, x), height: size(height, info.height, y) });
}

/** A small square JPEG of a picture, for a page; undefined where it cannot be read. */
export async function squareThumbnail(path: string, side: number): Promise<Buffer | undefined> {
  try {
    const encoded = await readFile(path);
    const picture = netpbm(encoded) ?? sharp(encoded).autoOrient();
    return await picture.resize(side, side, { fit: 'cover' }).toColourspace('srgb').jpeg({ quality: 80 }).toBuffer();
  } catch {
    return undefined; // the page then shows only its name
  }
}

/**
 * Binary PGM and PPM (https://netpbm.sourceforge.net/doc/pgm.html, 8 bits): the format of ORL, which sharp does not
 * read.
 */
function netpbm(encoded: Buffer): Sharp | undefined {
  const header = /^P([56])(?:\s+|#[^\n]*\n)+(\d+)(?:\s+|#[^\n]*\n)+(\d+)(?:\s+|#[^\n]*\n)+255\s/.exec(encoded.toString('latin1', 0, 512));
  if (!header) return undefined;
  const [width, height, channels] = [Number(header[2]), Number(header[3]), header[1] === '6' ? 3 : 1] as const;
  const pixels = encoded.subarray(header[0].length);
  if (channels === 3) return sharp(pixels, { raw: { width, height, channels } });
  const rgb = Buffer.alloc(3 * pixels.length);
  for (let index = 0; index < rgb.length; index++) rgb[index] = pixels[Math.floor(index / 3)] as number;
  return sharp(rgb, { raw: { width, height, channels: 3 } });
}
