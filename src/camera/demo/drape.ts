/**
 * Draws one picture warped onto another: a sprite and the way back from canvas pixels to its pixels go in; the canvas
 * is changed. The way back is asked on a coarse grid, so it may be costly.
 */
import type { Sprite } from './cut-out.ts';

export interface Canvas {
  readonly width: number;
  readonly height: number;
  /** Interleaved RGB. */
  readonly pixels: Uint8ClampedArray;
}

/** Writes into `to` where the sprite is seen at the canvas pixel (x, y), in studio pixels; NaN: nowhere. */
export type WayBack = (x: number, y: number, to: Float64Array) => void;

export interface Drape {
  readonly back: WayBack;
  /** Only there the canvas may change, pixels. */
  readonly box: { readonly left: number; readonly top: number; readonly right: number; readonly bottom: number };
  /** Factors of red, green and blue. Default 1. */
  readonly light?: readonly [r: number, g: number, b: number];
  /** Factors that change from pixel to pixel; (u, v) are studio pixels. Written into `to`. */
  readonly tint?: (u: number, v: number, x: number, y: number, to: Float64Array) => void;
  /** Whether the last row goes on below the sprite. */
  readonly continues?: boolean;
}

/** Canvas pixels between two points of the grid. */
const cell = 8;

/** Draws `sprite`; between the points of the grid the way back is interpolated, and pixels are sampled bilinearly. */
export function drape(canvas: Canvas, sprite: Sprite, { back, box, light = [1, 1, 1], tint, continues = false }: Drape): void {
  const left = Math.max(0, Math.floor(box.left));
  const top = Math.max(0, Math.floor(box.top));
  const right = Math.min(canvas.width, Math.ceil(box.right));
  const bottom = Math.min(canvas.height, Math.ceil(box.bottom));
  if (right <= left || bottom <= top) return;
  const columns = Math.ceil((right - left) / cell) + 1;
  const rows = Math.ceil((bottom - top) / cell) + 1;
  const grid = new Float64Array(columns * rows * 2);
  const point = new Float64Array(2);
  for (let j = 0; j < rows; j++)
    for (let i = 0; i < columns; i++) {
      const at = 2 * (j * columns + i);
      back(left + i * cell, top + j * cell, point);
      grid[at] = point[0] as number;
      grid[at + 1] = point[1] as number;
    }
  const factors = Float64Array.from(light);
  for (let y = top; y < bottom; y++) {
    const j = Math.floor((y - top) / cell);
    const down = (y - top - j * cell) / cell;
    for (let i = 0; i < columns - 1; i++) {
      const a = 2 * (j * columns + i);
      const b = a + 2 * columns;
      const from = left + i * cell;
      const until = Math.min(right, from + cell);
      const u0 = mixed(grid, a, b, down);
      const v0 = mixed(grid, a + 1, b + 1, down);
      const du = (mixed(grid, a + 2, b + 2, down) - u0) / cell;
      const dv = (mixed(grid, a + 3, b + 3, down) - v0) / cell;
      if (Number.isNaN(du + dv)) continue;
      for (let x = from, u = u0, v = v0; x < until; x++, u += du, v += dv) {
        if (tint) {
          for (let c = 0; c < 3; c++) factors[c] = light[c] as number;
          tint(u, v, x, y, factors);
        }
        lay(canvas.pixels, (y * canvas.width + x) * 3, sprite, u * sprite.scale, v * sprite.scale, factors, continues);
      }
    }
  }
}

const mixed = (grid: Float64Array, a: number, b: number, share: number): number => {
  const one = grid[a] as number;
  return one + share * ((grid[b] as number) - one);
};

/** Lays one sampled pixel over the canvas; (u, v) are pixels of the sprite. */
function lay(to: Uint8ClampedArray, at: number, sprite: Sprite, u: number, v: number, light: Float64Array, continues: boolean): void {
  const { pixels, width, height } = sprite;
  if (u < 0 || v < 0 || u >= width - 2 || (v >= height - 2 && !continues)) return;
  const sx = u | 0;
  const sy = v >= height - 2 ? height - 2 : v | 0;
  const i = sy * width + sx;
  const p00 = pixels[i] as number;
  const p01 = pixels[i + 1] as number;
  const p10 = pixels[i + width] as number;
  const p11 = pixels[i + width + 1] as number;
  if ((p00 | p01 | p10 | p11) >>> 24 === 0) return;
  const fx = ((u - sx) * 256) | 0;
  const fy = v >= height - 2 ? 255 : ((v - sy) * 256) | 0;
  const w11 = (fx * fy) >> 8;
  const w01 = fx - w11;
  const w10 = fy - w11;
  const w00 = 256 - fx - w10;
  // Two bytes at a time: weights add up to 256, so neither half overflows into the other.
  const rb =
    (Math.imul(p00 & 0xff00ff, w00) + Math.imul(p01 & 0xff00ff, w01) + Math.imul(p10 & 0xff00ff, w10) + Math.imul(p11 & 0xff00ff, w11)) >>>
    8;
  const ga =
    (Math.imul((p00 >>> 8) & 0xff00ff, w00) +
      Math.imul((p01 >>> 8) & 0xff00ff, w01) +
      Math.imul((p10 >>> 8) & 0xff00ff, w10) +
      Math.imul((p11 >>> 8) & 0xff00ff, w11)) >>>
    8;
  const rest = (255 - ((ga >>> 16) & 255)) / 255;
  to[at] = (rb & 255) * (light[0] as number) + (to[at] as number) * rest;
  to[at + 1] = (ga & 255) * (light[1] as number) + (to[at + 1] as number) * rest;
  to[at + 2] = ((rb >>> 16) & 255) * (light[2] as number) + (to[at + 2] as number) * rest;
}
