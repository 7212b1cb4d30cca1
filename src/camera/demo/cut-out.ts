/**
 * Cuts a demo person out of a studio picture: from the encoded picture (600×600, plain grey backdrop) to the person
 * in a drawn jacket on a transparent background, at a few sizes, ready to be laid on another background.
 */
import { Matrix, solve } from 'ml-matrix';
import sharp from 'sharp';

/** Side of the studio pictures; all positions below are in these pixels. */
const studioSide = 600;
/** Mean point between the eyes over all demo people; the eyes are 82…97 px apart. */
export const studioEyes = { x: 297, y: 275 };

/** Pixels of a person, colour already multiplied by opacity. */
export interface Sprite {
  readonly width: number;
  readonly height: number;
  /** Sprite pixels for one studio pixel. */
  readonly scale: number;
  /** One number per pixel, bytes R G B A in memory order (little-endian), premultiplied. */
  readonly pixels: Uint32Array;
}

/** The same person at falling sizes. */
export type CutOut = readonly [Sprite, ...Sprite[]];

const scales = [0.9, 0.64, 0.45, 0.32];

/** Cuts the person out of `picture` and dresses them in `jacket` (a CSS colour). */
export async function cutOut(picture: Uint8Array | string, jacket: string): Promise<CutOut> {
  const studio = await sharp(picture).resize(studioSide, studioSide, { fit: 'fill' }).removeAlpha().toColourspace('srgb').raw().toBuffer();
  const person = keyed(studio, backdrop(studio));
  const raw = { width: studioSide, height: studioSide, channels: 4 as const };
  const dressed = await sharp(person, { raw })
    .composite([{ input: Buffer.from(jacketSvg(jacket)) }])
    .raw()
    .toBuffer();
  const [first, ...rest] = await Promise.all(scales.map((scale) => sprite(dressed, scale)));
  if (!first) throw new RangeError('no sizes');
  return [first, ...rest];
}

async function sprite(dressed: Buffer, scale: number): Promise<Sprite> {
  const raw = { width: studioSide, height: studioSide, channels: 4 as const };
  const side = Math.round(studioSide * scale);
  const rgba = await sharp(dressed, { raw }).resize(side, side).raw().toBuffer();
  const pixels = new Uint32Array(side * side);
  const bytes = new Uint8Array(pixels.buffer);
  for (let i = 0; i < bytes.length; i += 4) {
    const a = rgba[i + 3] ?? 0;
    for (let c = 0; c < 3; c++) bytes[i + c] = Math.round(((rgba[i + c] ?? 0) * a) / 255);
    bytes[i + 3] = a;
  }
  return { width: side, height: side, scale, pixels };
}

/** Six coefficients a channel: 1, x, y, x², xy, y² with x and y in −1…1. */
type Backdrop = readonly [number[], number[], number[]];

function terms(px: number, py: number): number[] {
  const x = (2 * px) / studioSide - 1;
  const y = (2 * py) / studioSide - 1;
  return [1, x, y, x * x, x * y, y * y];
}

/** The backdrop's light as a paraboloid, fitted (least squares) to the sides, where nobody stands. */
function backdrop(studio: Buffer): Backdrop {
  const ata = Array.from({ length: 6 }, () => new Array<number>(6).fill(0));
  const atb = [0, 1, 2].map(() => new Array<number>(6).fill(0));
  for (let y = 4; y < 430; y += 6) {
    for (let x = 4; x < studioSide; x += 6) {
      if (x > 100 && x < 500 && !(y < 24 && (x < 170 || x > 430))) continue;
      const t = terms(x, y);
      for (let i = 0; i < 6; i++) {
        for (let j = 0; j < 6; j++) (ata[i] as number[])[j] = at(ata[i], j) + at(t, i) * at(t, j);
        for (let c = 0; c < 3; c++) (atb[c] as number[])[i] = at(atb[c], i) + at(t, i) * (studio[(y * studioSide + x) * 3 + c] ?? 0);
      }
    }
  }
  const [r = [], g = [], b = []] = solve(new Matrix(ata), new Matrix(atb).transpose()).transpose().to2DArray();
  return [r, g, b];
}

function at<T>(list: readonly T[] | undefined, index: number): T {
  const value = list?.[index];
  if (value === undefined) throw new RangeError(`no element ${index}`);
  return value;
}

const smooth = (from: number, to: number, v: number): number => {
  const t = Math.min(1, Math.max(0, (v - from) / (to - from)));
  return t * t * (3 - 2 * t);
};

/** The backdrop's light, a channel of one row: the polynomial's terms in x added up. */
function backdropRow(k: readonly number[], py: number): Float64Array {
  const y = (2 * py) / studioSide - 1;
  const [c0 = 0, cx = 0, cy = 0, cxx = 0, cxy = 0, cyy = 0] = k;
  const row = new Float64Array(studioSide);
  for (let px = 0; px < studioSide; px++) {
    const x = (2 * px) / studioSide - 1;
    row[px] = c0 + cy * y + cyy * y * y + x * (cx + cxy * y + cxx * x);
  }
  return row;
}

/**
 * Opacity from how much darker (hair) or redder (skin) than the backdrop a pixel is; full in the face, the neck and
 * below the hair line. Each person is the average of three, and hair that only one of them has is a pale shadow: the
 * key starts above that.
 */
function keyed(studio: Buffer, fit: Backdrop): Buffer {
  const out = Buffer.alloc(studioSide * studioSide * 4);
  // Opaque rows so far in each column: after four of them the head is solid down to the eyes.
  const solid = new Uint8Array(studioSide);
  for (let y = 0; y < studioSide; y++) {
    const backR = backdropRow(fit[0], y);
    const backG = backdropRow(fit[1], y);
    const backB = backdropRow(fit[2], y);
    for (let x = 0; x < studioSide; x++) {
      const i = y * studioSide + x;
      const r = studio[i * 3] as number;
      const g = studio[i * 3 + 1] as number;
      const b = studio[i * 3 + 2] as number;
      const br = backR[x] as number;
      const bg = backG[x] as number;
      const bb = backB[x] as number;
      let a = Math.max(smooth(0.3, 0.55, (bg - g) / bg), smooth(16, 38, r - b - (br - bb)), inBody(x, y));
      if (y < 330 && Math.abs(x - 297) < 82) {
        if (a > 0.5) solid[x] = (solid[x] as number) + 1;
        if ((solid[x] as number) > 4) a = 1;
      }
      if (a < 0.02) continue;
      // Remove the grey backdrop that shows through at the edge, or the person would have a pale rim.
      out[i * 4] = unmixed(r, br, a);
      out[i * 4 + 1] = unmixed(g, bg, a);
      out[i * 4 + 2] = unmixed(b, bb, a);
      out[i * 4 + 3] = Math.round(255 * a);
    }
  }
  return out;
}

const unmixed = (v: number, back: number, a: number): number => Math.min(255, Math.max(0, Math.round((v - (1 - a) * back) / a)));

/** 1 where the face (an ellipse) and the neck always are, falling to 0 at their edges. */
function inBody(x: number, y: number): number {
  const ex = (x - 297) / 92;
  const ey = (y - 320) / 140;
  const face = 1 - smooth(0.85, 1.1, Math.sqrt(ex * ex + ey * ey));
  return y > 380 ? Math.max(face, 1 - smooth(48, 62, Math.abs(x - 297))) : face;
}

/**
 * A jacket over the white shirts: shoulders, an opening that shows the neck, lapels, a zip. Its last row continues
 * downwards.
 */
function jacketSvg(colour: string): string {
  const half = 'M226 482 C205 502 150 512 110 528 C58 548 26 566 14 600 L300 600 Z';
  const lapel = 'M226 480 L212 506 L292 600 L300 600 L236 500 Z';
  const mirror = 'translate(600 0) scale(-1 1)';
  const side = (transform: string, shade: number): string =>
    `<g transform="${transform}"><path d="${half}" fill="url(#c)"/><path d="${half}" fill="#000" opacity="${shade}"/><path d="${lapel}" fill="#000" opacity="0.28"/></g>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="600" height="600"><defs>
<linearGradient id="c" x1="0" x2="1" y1="0" y2="0"><stop offset="0" stop-color="${colour}" stop-opacity="1"/><stop offset="1" stop-color="${colour}"/></linearGradient>
<linearGradient id="s" x1="0" x2="1"><stop offset="0" stop-opacity="0.45"/><stop offset="0.2" stop-opacity="0.05"/><stop offset="0.5" stop-opacity="0"/><stop offset="0.8" stop-opacity="0.05"/><stop offset="1" stop-opacity="0.45"/></linearGradient></defs>
${side('', 0)}${side(mirror, 0.06)}<path d="${half}" fill="url(#s)" opacity="0.5"/><rect x="298" y="592" width="4" height="8" fill="#ddd"/></svg>`;
}
