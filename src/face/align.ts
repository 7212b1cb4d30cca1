/**
 * Aligns a face: a picture and five landmarks go in, the face turned, scaled and moved into its frame comes out
 * (similarity transform, bilinear sampling). Pure.
 */
import type { Picture } from './picture.ts';
import { type PixelRegion, shrinkByArea } from './pixels/resize.ts';
import type { Point } from './port.ts';

/** x' = a·x − b·y + tx, y' = b·x + a·y + ty. */
export interface Similarity {
  readonly a: number;
  readonly b: number;
  readonly tx: number;
  readonly ty: number;
}

/**
 * The least-squares similarity (rotation, uniform scale, shift; never a reflection) from `from` to `to`, in pixels: the
 * closed form of S. Umeyama, "Least-squares estimation of transformation parameters between two point patterns", IEEE
 * PAMI 13(4), 1991, in two dimensions.
 */
export function similarityOf(from: readonly (readonly [number, number])[], to: readonly (readonly [number, number])[]): Similarity {
  const n = Math.min(from.length, to.length);
  let mx = 0;
  let my = 0;
  let mu = 0;
  let mv = 0;
  for (let i = 0; i < n; i++) {
    mx += (from[i]?.[0] ?? 0) / n;
    my += (from[i]?.[1] ?? 0) / n;
    mu += (to[i]?.[0] ?? 0) / n;
    mv += (to[i]?.[1] ?? 0) / n;
  }
  let along = 0;
  let across = 0;
  let spread = 0;
  for (let i = 0; i < n; i++) {
    const x = (from[i]?.[0] ?? 0) - mx;
    const y = (from[i]?.[1] ?? 0) - my;
    const u = (to[i]?.[0] ?? 0) - mu;
    const v = (to[i]?.[1] ?? 0) - mv;
    along += x * u + y * v;
    across += x * v - y * u;
    spread += x * x + y * y;
  }
  const a = spread > 0 ? along / spread : 1;
  const b = spread > 0 ? across / spread : 0;
  return { a, b, tx: mu - a * mx + b * my, ty: mv - b * mx - a * my };
}

function pairsOf(landmarks: readonly Point[]): [number, number][] {
  return landmarks.map((p) => [p.x, p.y]);
}

/**
 * The aligned face: `width`×`height` interleaved RGB, sampled bilinearly; outside the picture its border is repeated. A
 * picture that would shrink to less than half is first shrunk by area, because bilinear sampling would skip pixels and
 * alias.
 */
export function alignFace(
  picture: Picture,
  landmarks: readonly Point[],
  template: readonly (readonly [number, number])[],
  width: number,
  height: number,
): Uint8Array {
  const points = pairsOf(landmarks);
  const direct = similarityOf(points, template);
  const scale = Math.hypot(direct.a, direct.b);
  if (scale >= 0.5) return warpSimilarity(picture, direct, width, height);
  const shrunkWidth = Math.max(1, Math.round(picture.width * scale));
  const shrunkHeight = Math.max(1, Math.round(picture.height * scale));
  const fx = shrunkWidth / picture.width;
  const fy = shrunkHeight / picture.height;
  const transform = similarityOf(
    points.map(([x, y]) => [x * fx, y * fy]),
    template,
  );
  const region = sampledRegion(transform, width, height, shrunkWidth, shrunkHeight);
  const shrunk = shrinkByArea(picture, shrunkWidth, shrunkHeight, region, { across: 1 / scale, down: 1 / scale });
  // The corner of the region becomes the origin.
  const shifted = {
    ...transform,
    tx: transform.tx + transform.a * region.x - transform.b * region.y,
    ty: transform.ty + transform.b * region.x + transform.a * region.y,
  };
  return warpSimilarity(shrunk, shifted, width, height);
}

/** The part of a picture that the warped output samples; the rest need not be computed. */
function sampledRegion(t: Similarity, width: number, height: number, pictureWidth: number, pictureHeight: number): PixelRegion {
  const back = inverse(t);
  const corners = [
    [0, 0],
    [width, 0],
    [0, height],
    [width, height],
  ].map(([x = 0, y = 0]) => [back.a * x - back.b * y + back.tx, back.b * x + back.a * y + back.ty] as const);
  const clamp = (v: number, max: number) => Math.min(max, Math.max(0, v));
  const x = clamp(Math.floor(Math.min(...corners.map((c) => c[0]))) - 2, pictureWidth - 1);
  const y = clamp(Math.floor(Math.min(...corners.map((c) => c[1]))) - 2, pictureHeight - 1);
  const right = clamp(Math.ceil(Math.max(...corners.map((c) => c[0]))) + 3, pictureWidth);
  const bottom = clamp(Math.ceil(Math.max(...corners.map((c) => c[1]))) + 3, pictureHeight);
  return { x, y, width: Math.max(1, right - x), height: Math.max(1, bottom - y) };
}

function inverse({ a, b, tx, ty }: Similarity): Similarity {
  const d = a * a + b * b || 1;
  const ia = a / d;
  const ib = -b / d;
  return { a: ia, b: ib, tx: -(ia * tx - ib * ty), ty: -(ib * tx + ia * ty) };
}

/** Samples the picture bilinearly under `transform` (picture → output); outside the picture its border is repeated. */
export function warpSimilarity(picture: Picture, transform: Similarity, width: number, height: number): Uint8Array {
  const { a, b, tx, ty } = inverse(transform);
  const source = picture.rgb;
  const maxX = picture.width - 1;
  const maxY = picture.height - 1;
  const row = picture.width * 3;
  const out = new Uint8Array(width * height * 3);
  let o = 0;
  for (let v = 0; v < height; v++) {
    const startX = tx - b * v;
    const startY = ty + a * v;
    for (let u = 0; u < width; u++, o += 3) {
      let x = a * u + startX;
      let y = b * u + startY;
      let right = 3;
      let down = row;
      // Within the picture, as nearly always, nothing is held to its border: a quarter faster.
      if (!(x >= 0 && x < maxX && y >= 0 && y < maxY)) {
        x = Math.min(maxX, Math.max(0, x));
        y = Math.min(maxY, Math.max(0, y));
        if (x >= maxX) right = 0;
        if (y >= maxY) down = 0;
      }
      const x0 = x | 0;
      const y0 = y | 0;
      const fx = x - x0;
      const fy = y - y0;
      const w11 = fx * fy;
      const w01 = fx - w11;
      const w10 = fy - w11;
      const w00 = 1 - fx - w10;
      const p00 = y0 * row + x0 * 3;
      const p01 = p00 + right;
      const p10 = p00 + down;
      const p11 = p10 + right;
      // Written out: a loop or a function over the three colours takes twice as long.
      out[o] =
        w00 * (source[p00] as number) + w01 * (source[p01] as number) + w10 * (source[p10] as number) + w11 * (source[p11] as number) + 0.5;
      out[o + 1] =
        w00 * (source[p00 + 1] as number) +
        w01 * (source[p01 + 1] as number) +
        w10 * (source[p10 + 1] as number) +
        w11 * (source[p11 + 1] as number) +
        0.5;
      out[o + 2] =
        w00 * (source[p00 + 2] as number) +
        w01 * (source[p01 + 2] as number) +
        w10 * (source[p10 + 2] as number) +
        w11 * (source[p11 + 2] as number) +
        0.5;
    }
  }
  return out;
}
