/**
 * Points that can be followed: a grey picture goes in, the best corner of each cell comes out (Shi and Tomasi, 1994).
 * Pure.
 */
import type { Grey } from './tracks.ts';

export interface Corner {
  readonly x: number;
  readonly y: number;
}

const half = 3;
const window = (2 * half + 1) ** 2;
/** Patches need this much room. Pixels. */
const margin = 6;

/**
 * `cell`: side of a cell, pixels. `least`: the smaller eigenvalue of the mean structure tensor has to be at least this,
 * (levels a pixel)².
 */
export function cornersOf(
  grey: Grey,
  region: { readonly x1: number; readonly y1: number; readonly x2: number; readonly y2: number },
  cell: number,
  least: number,
): Corner[] {
  const x1 = Math.max(margin, Math.floor(region.x1));
  const y1 = Math.max(margin, Math.floor(region.y1));
  const x2 = Math.min(grey.width - margin - 1, Math.ceil(region.x2));
  const y2 = Math.min(grey.height - margin - 1, Math.ceil(region.y2));
  const corners: Corner[] = [];
  if (x2 <= x1 || y2 <= y1) return corners;
  const strength = strengths(grey, x1, y1, x2, y2);
  const columns = Math.max(1, Math.round((x2 - x1) / cell));
  const rows = Math.max(1, Math.round((y2 - y1) / cell));
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const best = bestOf(
        strength,
        x2 - x1,
        Math.round((column * (x2 - x1)) / columns),
        Math.round((row * (y2 - y1)) / rows),
        Math.round(((column + 1) * (x2 - x1)) / columns),
        Math.round(((row + 1) * (y2 - y1)) / rows),
      );
      if (best.strength >= least) corners.push({ x: x1 + best.x, y: y1 + best.y });
    }
  }
  return corners;
}

function bestOf(strength: Float32Array, width: number, fromX: number, fromY: number, toX: number, toY: number) {
  let best = { x: 0, y: 0, strength: -1 };
  for (let y = fromY; y < toY; y++) {
    for (let x = fromX; x < toX; x++) {
      const value = strength[y * width + x] as number;
      if (value > best.strength) best = { x, y, strength: value };
    }
  }
  return best;
}

/** The smaller eigenvalue of the mean structure tensor around each pixel of the region. */
function strengths({ width, pixels }: Grey, x1: number, y1: number, x2: number, y2: number): Float32Array {
  const w = x2 - x1;
  const h = y2 - y1;
  const wide = w + 2 * half;
  // Sums along the rows first, then down the columns.
  const [xx, xy, yy] = [0, 1, 2].map(() => new Float32Array(w * (h + 2 * half))) as [Float32Array, Float32Array, Float32Array];
  const products = new Float32Array(3 * wide);
  for (let row = 0; row < h + 2 * half; row++) {
    const at = (y1 - half + row) * width + x1 - half;
    for (let column = 0; column < wide; column++) {
      const i = at + column;
      const gx = ((pixels[i + 1] as number) - (pixels[i - 1] as number)) / 2;
      const gy = ((pixels[i + width] as number) - (pixels[i - width] as number)) / 2;
      products[3 * column] = gx * gx;
      products[3 * column + 1] = gx * gy;
      products[3 * column + 2] = gy * gy;
    }
    summed(products, 0, w, xx, row * w);
    summed(products, 1, w, xy, row * w);
    summed(products, 2, w, yy, row * w);
  }
  const out = new Float32Array(w * h);
  for (let column = 0; column < w; column++) {
    let a = 0;
    let b = 0;
    let c = 0;
    for (let row = 0; row < h + 2 * half; row++) {
      const i = row * w + column;
      a += xx[i] as number;
      b += xy[i] as number;
      c += yy[i] as number;
      if (row < 2 * half) continue;
      out[(row - 2 * half) * w + column] = ((a + c) / 2 - Math.hypot((a - c) / 2, b)) / window;
      const old = (row - 2 * half) * w + column;
      a -= xx[old] as number;
      b -= xy[old] as number;
      c -= yy[old] as number;
    }
  }
  return out;
}

function summed(products: Float32Array, which: number, width: number, into: Float32Array, at: number): void {
  let sum = 0;
  for (let column = 0; column < 2 * half; column++) sum += products[3 * column + which] as number;
  for (let x = 0; x < width; x++) {
    sum += products[3 * (x + 2 * half) + which] as number;
    into[at + x] = sum;
    sum -= products[3 * x + which] as number;
  }
}
