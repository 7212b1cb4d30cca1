/**
 * Which way up a picture is: detections of the picture in its four orientations go in; the turn after which its face
 * is found better comes out. The detector finds "upright" faces in turned pictures too, with a lower score: of 300
 * faces of LFW one scores higher on its side than upright, by 0.007.
 */
import sharp from 'sharp';
import type { Detection, Detector } from './detect.ts';
import type { Picture } from './picture.ts';
import { shrinkByArea } from './pixels/resize.ts';
import type { QuarterTurn } from './port.ts';
import { byDominance } from './quality.ts';

/** Scores closer than this do not tell which way up a face is. */
const leastLead = 0.02;
const turns: readonly QuarterTurn[] = [90, 180, 270];

/** `unsure`: the face may as well be turned. */
export type Turned = { readonly kind: 'upright' | 'unsure' } | { readonly kind: 'turned'; readonly byDeg: QuarterTurn };

/**
 * Looks for the face in the other three orientations. `upright` is the dominant face as the picture is, if any; `next`
 * is waited for before each look.
 */
export async function turnOf(
  picture: Picture,
  upright: Detection | undefined,
  { detector, next }: { readonly detector: Detector; readonly next: () => Promise<void> },
): Promise<Turned> {
  const score = upright?.score ?? 0;
  let best: { readonly byDeg: QuarterTurn; readonly score: number } | undefined;
  const small = shrunk(picture, detector.longestSide);
  for (const byDeg of turns) {
    await next();
    const turned = quarterTurned(small, byDeg);
    const [face] = byDominance(await detector.detect(turned), turned.width, turned.height);
    if (face && face.score > (best?.score ?? 0)) best = { byDeg, score: face.score };
  }
  if (!best || best.score < score - leastLead) return { kind: 'upright' };
  return best.score > score + leastLead ? { kind: 'turned', byDeg: best.byDeg } : { kind: 'unsure' };
}

/** Turning a picture of some megapixels three times would take longer than the detections do. */
function shrunk(picture: Picture, longestSide: number): Picture {
  const factor = longestSide / Math.max(picture.width, picture.height);
  const sideOf = (px: number) => Math.max(1, Math.round(px * factor));
  return factor < 1 ? shrinkByArea(picture, sideOf(picture.width), sideOf(picture.height)) : picture;
}

/** The picture, turned clockwise. */
function quarterTurned({ width, height, rgb }: Picture, byDeg: QuarterTurn): Picture {
  const sideways = byDeg !== 180;
  const turned = new Uint8Array(rgb.length);
  // Where the first pixel goes, and how far apart two neighbours in a row, and two rows, are afterwards.
  const [first, across, down] =
    byDeg === 90 ? [height - 1, height, -1] : byDeg === 180 ? [width * height - 1, -1, -width] : [(width - 1) * height, -height, 1];
  for (let y = 0, from = 0; y < height; y++) {
    for (let x = 0, to = (first + y * down) * 3; x < width; x++, from += 3, to += across * 3) {
      turned[to] = rgb[from] as number;
      turned[to + 1] = rgb[from + 1] as number;
      turned[to + 2] = rgb[from + 2] as number;
    }
  }
  return { width: sideways ? height : width, height: sideways ? width : height, rgb: turned };
}

/** The turned picture as a file: a JPEG without metadata. */
export async function turnedJpeg(picture: Picture, byDeg: QuarterTurn): Promise<Uint8Array> {
  const { width, height, rgb } = quarterTurned(picture, byDeg);
  const image = sharp(rgb, { raw: { width, height, channels: 3 } });
  return new Uint8Array(await image.jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toBuffer());
}
