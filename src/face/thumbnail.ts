/** A small picture of a frame for people to look at: an encoded picture goes in, a JPEG without metadata comes out. */
import sharp from 'sharp';
import { maxPixels } from './picture.ts';

/** The longer side, pixels. */
const thumbnailSide = 480;

/** Throws sharp's error if the picture cannot be read. */
export async function frameThumbnail(encoded: Uint8Array): Promise<Buffer> {
  const image = sharp(encoded, { limitInputPixels: maxPixels, pages: 1 }).autoOrient();
  const small = image.resize({ width: thumbnailSide, height: thumbnailSide, fit: 'inside', withoutEnlargement: true });
  return await small.flatten({ background: '#ffffff' }).jpeg({ quality: 80 }).toBuffer();
}
