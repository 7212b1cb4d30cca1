/** An encoded picture goes in, its grey pixels come out. */
import sharp from 'sharp';

export interface GreyPicture {
  readonly width: number;
  readonly height: number;
  /** One byte a pixel, rows from top to bottom. */
  readonly pixels: Uint8Array;
}

/** Undefined for a picture that sharp cannot read. */
export async function greyPicture(picture: Uint8Array): Promise<GreyPicture | undefined> {
  try {
    const { data, info } = await sharp(picture, { failOn: 'none', limitInputPixels: 50_000_000 })
      .toColourspace('b-w')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return info.channels === 1 ? { width: info.width, height: info.height, pixels: data } : undefined;
  } catch {
    return undefined;
  }
}
