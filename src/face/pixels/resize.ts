/** Resizes a picture, or a part of it: shrunk by area, enlarged bilinearly. Pixels go in and come out. Pure. */
import type { Picture } from '../picture.ts';

/** A part of a picture, pixels. */
export interface PixelRegion {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * For each output position: the first input position that it covers, and the share of each covered input. Each covers
 * `ratio` input positions.
 */
function areaWeights(
  from: number,
  ratio: number,
  start: number,
  count: number,
): { first: Int32Array; taps: number; weights: Float32Array } {
  const taps = Math.ceil(ratio) + 1;
  const first = new Int32Array(count);
  const weights = new Float32Array(count * taps);
  for (let i = 0; i < count; i++) {
    const begin = (start + i) * ratio;
    const end = Math.min(from, begin + ratio);
    const f = Math.min(from - 1, Math.floor(begin));
    first[i] = f;
    for (let t = 0; t < taps && f + t < from; t++) {
      const share = Math.min(end, f + t + 1) - Math.max(begin, f + t);
      // OpenCV leaves out what is covered by less than a thousandth, and so does the reference.
      weights[i * taps + t] = share > 1e-3 ? share / (end - begin) : 0;
    }
  }
  return { first, taps, weights };
}

/**
 * Shrinks by area: every output pixel is the mean of the input that it covers, fractions included. `region` (in output
 * pixels) limits the work to a part of the output. `ratio`: input pixels that an output pixel covers, where that is
 * not the ratio of the sizes (the reference pipeline shrinks faces by cv2.resize with a factor, which covers exactly
 * 1 / factor whatever the rounded size).
 */
export function shrinkByArea(
  picture: Picture,
  width: number,
  height: number,
  region: PixelRegion = { x: 0, y: 0, width, height },
  ratio = { across: picture.width / width, down: picture.height / height },
): Picture {
  if (ratio.across === 2 && ratio.down === 2) return halve(picture, region);
  const across = areaWeights(picture.width, ratio.across, region.x, region.width);
  const down = areaWeights(picture.height, ratio.down, region.y, region.height);
  const rgb = new Uint8Array(region.width * region.height * 3);
  // Rows first, which runs along memory. Only the columns that the region needs are summed.
  const from = (across.first[0] as number) * 3;
  const to = Math.min(picture.width, (across.first[region.width - 1] as number) + across.taps) * 3;
  const sums = new Float32Array(picture.width * 3);
  for (let y = 0; y < region.height; y++) {
    sums.fill(0, from, to);
    const weights = down.weights.subarray(y * down.taps, (y + 1) * down.taps);
    for (let t = 0; t < down.taps; t += rowsAtOnce) addRows(sums, picture, (down.first[y] as number) + t, weights.subarray(t), from, to);
    shrinkRow(sums, across, rgb, y * region.width * 3);
  }
  return { width: region.width, height: region.height, rgb };
}

const rowsAtOnce = 4;

/** The weighted rows from `y` on, several at once: with one after the other, a picture of 600×600 took 1 ms more. */
function addRows(sums: Float32Array, { rgb, width, height }: Picture, y: number, weights: Float32Array, from: number, to: number): void {
  // A row without weight may lie outside: then another one stands in for it.
  const row = (t: number): number => 3 * width * Math.min(height - 1, y + t);
  const [row0, row1, row2, row3] = [row(0), row(1), row(2), row(3)];
  const [w0 = 0, w1 = 0, w2 = 0, w3 = 0] = weights;
  if (w3 > 0)
    for (let i = from; i < to; i++)
      sums[i] =
        (sums[i] as number) +
        w0 * (rgb[row0 + i] as number) +
        w1 * (rgb[row1 + i] as number) +
        w2 * (rgb[row2 + i] as number) +
        w3 * (rgb[row3 + i] as number);
  else
    for (let i = from; i < to; i++)
      sums[i] = (sums[i] as number) + w0 * (rgb[row0 + i] as number) + w1 * (rgb[row1 + i] as number) + w2 * (rgb[row2 + i] as number);
}

/** Half the size, as for a 640×480 camera and a 320-wide detector: four times faster than the general case. */
function halve(picture: Picture, region: PixelRegion): Picture {
  const source = picture.rgb;
  const rowLength = picture.width * 3;
  const rgb = new Uint8Array(region.width * region.height * 3);
  let o = 0;
  for (let y = 0; y < region.height; y++) {
    let p = (y + region.y) * 2 * rowLength + region.x * 6;
    for (let x = 0; x < region.width; x++, p += 6, o += 3) {
      const q = p + rowLength;
      rgb[o] = ((source[p] as number) + (source[p + 3] as number) + (source[q] as number) + (source[q + 3] as number) + 2) >> 2;
      rgb[o + 1] = ((source[p + 1] as number) + (source[p + 4] as number) + (source[q + 1] as number) + (source[q + 4] as number) + 2) >> 2;
      rgb[o + 2] = ((source[p + 2] as number) + (source[p + 5] as number) + (source[q + 2] as number) + (source[q + 5] as number) + 2) >> 2;
    }
  }
  return { width: region.width, height: region.height, rgb };
}

/** Shrinks one row of sums across and rounds it into `out` at `place`. */
function shrinkRow(sums: Float32Array, { first, taps, weights }: ReturnType<typeof areaWeights>, out: Uint8Array, place: number): void {
  let o = place;
  for (let x = 0; x < first.length; x++) {
    let r = 0.5;
    let g = 0.5;
    let b = 0.5;
    let p = (first[x] as number) * 3;
    for (let t = x * taps; t < (x + 1) * taps; t++, p += 3) {
      const weight = weights[t] as number;
      if (weight === 0) continue;
      r += weight * (sums[p] as number);
      g += weight * (sums[p + 1] as number);
      b += weight * (sums[p + 2] as number);
    }
    out[o++] = r;
    out[o++] = g;
    out[o++] = b;
  }
}

/** The picture at the same size or enlarged, bilinearly, pixel centres aligned (like cv2.INTER_LINEAR). */
export function enlarge(picture: Picture, width: number, height: number): Picture {
  const sx = picture.width / width;
  const sy = picture.height / height;
  const rgb = new Uint8Array(width * height * 3);
  const maxX = picture.width - 1;
  const maxY = picture.height - 1;
  let o = 0;
  for (let v = 0; v < height; v++) {
    const y = Math.min(maxY, Math.max(0, (v + 0.5) * sy - 0.5));
    const y0 = y | 0;
    const fy = y - y0;
    const down = y0 < maxY ? picture.width * 3 : 0;
    for (let u = 0; u < width; u++) {
      const x = Math.min(maxX, Math.max(0, (u + 0.5) * sx - 0.5));
      const x0 = x | 0;
      const fx = x - x0;
      const p = (y0 * picture.width + x0) * 3;
      const right = x0 < maxX ? 3 : 0;
      for (let c = 0; c < 3; c++) {
        const top = (picture.rgb[p + c] as number) * (1 - fx) + (picture.rgb[p + right + c] as number) * fx;
        const bottom = (picture.rgb[p + down + c] as number) * (1 - fx) + (picture.rgb[p + down + right + c] as number) * fx;
        rgb[o++] = top * (1 - fy) + bottom * fy + 0.5;
      }
    }
  }
  return { width, height, rgb };
}
