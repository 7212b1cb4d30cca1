/**
 * Points followed from one grey picture to another: Lucas and Kanade's method on a pyramid, in its inverse form (S.
 * Baker and I. Matthews, "Lucas-Kanade 20 years on", IJCV 56, 2004), with brightness and contrast left free. Two
 * pictures and places go in, the places in the second picture and how exact they are come out. Pure.
 */

/** One byte a pixel. */
export interface Grey {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

/** The picture, and halves of it. */
export type Pyramid = readonly Grey[];

/** A point with what its surroundings look like at each level. */
interface Patch {
  readonly x: number;
  readonly y: number;
  readonly levels: readonly Level[];
}

interface Level {
  readonly x: number;
  readonly y: number;
  /** What was seen, and what one level of difference at each pixel says about the shift. */
  readonly seen: Float32Array;
  readonly acrossOf: Float32Array;
  readonly downOf: Float32Array;
  /** Variance of the shift along both axes for noise of variance 1. */
  readonly variance: number;
  readonly contrast: number;
}

export interface FollowedPlace {
  readonly x: number;
  readonly y: number;
  /** Expected error of the place, pixels. */
  readonly errorPx: number;
}

const radius = 4;
const side = 2 * radius + 1;
const area = side * side;
const levelCount = 3;
const mostSteps = 6;
/** A shift smaller than this is none. Pixels. */
const settledPx = 0.01;
/** A patch that differs from what was seen by more than this share of its contrast is another thing. */
const mostDifference = 0.5;
const noiseLevels = 6;
/** Of the direction that holds least: levels² over the patch. */
const leastGradient = area / 2;

export function pyramidOf(grey: Grey): Pyramid {
  const levels = [grey];
  for (let i = 1; i < levelCount; i++) levels.push(halved(levels[i - 1] as Grey));
  return levels;
}

function halved({ width, height, pixels }: Grey): Grey {
  const w = width >> 1;
  const h = height >> 1;
  const out = new Uint8Array(w * h);
  for (let y = 0, o = 0; y < h; y++) {
    let i = 2 * y * width;
    for (let x = 0; x < w; x++, i += 2, o++) {
      const sum = (pixels[i] as number) + (pixels[i + 1] as number) + (pixels[i + width] as number) + (pixels[i + width + 1] as number);
      out[o] = (sum + 2) >> 2;
    }
  }
  return { width: w, height: h, pixels: out };
}

/** Undefined: too near to the edge, or nothing to hold on to. */
export function patchOf(pyramid: Pyramid, x: number, y: number): Patch | undefined {
  const levels: Level[] = [];
  for (const [index, grey] of pyramid.entries()) {
    const scale = 2 ** index;
    const level = levelOf(grey, (x + 0.5) / scale - 0.5, (y + 0.5) / scale - 0.5);
    // A level that does not hold the patch is left out; the finest has to be there.
    if (!level) break;
    levels.push(level);
  }
  return levels.length > 0 ? { x, y, levels } : undefined;
}

function levelOf(grey: Grey, x: number, y: number): Level | undefined {
  if (x < radius + 1 || y < radius + 1 || x > grey.width - radius - 3 || y > grey.height - radius - 3) return undefined;
  const wide = side + 2;
  const around = new Float32Array(wide * wide);
  sample(grey, x - radius - 1, y - radius - 1, wide, around);
  const seen = new Float32Array(area);
  const across = new Float32Array(area);
  const down = new Float32Array(area);
  for (let v = 0, o = 0; v < side; v++) {
    for (let u = 0; u < side; u++, o++) {
      const i = (v + 1) * wide + u + 1;
      seen[o] = around[i] as number;
      across[o] = ((around[i + 1] as number) - (around[i - 1] as number)) / 2;
      down[o] = ((around[i + wide] as number) - (around[i - wide] as number)) / 2;
    }
  }
  return solved(x, y, seen, across, down);
}

/** The rows of the pseudo-inverse for the shift, brightness and contrast being free. `across`, `down`: gradients. */
function solved(x: number, y: number, seen: Float32Array, across: Float32Array, down: Float32Array): Level | undefined {
  const plain = Float32Array.from(seen);
  centre(plain);
  const contrast = dot(plain, plain);
  for (const gradient of [across, down]) {
    centre(gradient);
    const share = contrast > 0 ? dot(gradient, plain) / contrast : 0;
    for (let i = 0; i < area; i++) gradient[i] = (gradient[i] as number) - share * (plain[i] as number);
  }
  const xx = dot(across, across);
  const xy = dot(across, down);
  const yy = dot(down, down);
  const determinant = xx * yy - xy * xy;
  if (!(determinant > leastGradient * (xx + yy))) return undefined;
  for (let i = 0; i < area; i++) {
    const [a, b] = [across[i] as number, down[i] as number];
    across[i] = (yy * a - xy * b) / determinant;
    down[i] = (xx * b - xy * a) / determinant;
  }
  return { x, y, seen, acrossOf: across, downOf: down, contrast, variance: (xx + yy) / determinant / 2 };
}

function centre(values: Float32Array): void {
  let mean = 0;
  for (let i = 0; i < values.length; i++) mean += values[i] as number;
  mean /= values.length;
  for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) - mean;
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** A square of `wide` pixels from (x, y), bilinearly; it lies within the picture. */
function sample({ width, pixels }: Grey, x: number, y: number, wide: number, into: Float32Array): void {
  const x0 = Math.floor(x);
  const y0 = Math.floor(y);
  const fx = x - x0;
  const fy = y - y0;
  const w00 = (1 - fx) * (1 - fy);
  const w01 = fx * (1 - fy);
  const w10 = (1 - fx) * fy;
  const w11 = fx * fy;
  for (let v = 0, o = 0; v < wide; v++) {
    let i = (y0 + v) * width + x0;
    for (let u = 0; u < wide; u++, i++, o++) {
      into[o] =
        w00 * (pixels[i] as number) +
        w01 * (pixels[i + 1] as number) +
        w10 * (pixels[i + width] as number) +
        w11 * (pixels[i + width + 1] as number);
    }
  }
}

/** Follows a patch into another picture, from a guess of where it is. Undefined: it is not there. */
export function followPatch(patch: Patch, pyramid: Pyramid, guess: { readonly x: number; readonly y: number }): FollowedPlace | undefined {
  let dx = guess.x - patch.x;
  let dy = guess.y - patch.y;
  let errorPx: number | undefined;
  const now = new Float32Array(area);
  for (let index = patch.levels.length - 1; index >= 0; index--) {
    const scale = 2 ** index;
    const settled = settle(patch.levels[index] as Level, pyramid[index] as Grey, dx / scale, dy / scale, now);
    // The coarse levels only bring the guess nearer.
    if (!settled) continue;
    dx = settled.dx * scale;
    dy = settled.dy * scale;
    if (index === 0) errorPx = settled.errorPx;
  }
  return errorPx === undefined ? undefined : { x: patch.x + dx, y: patch.y + dy, errorPx };
}

function settle(level: Level, grey: Grey, fromX: number, fromY: number, now: Float32Array) {
  let dx = fromX;
  let dy = fromY;
  const { seen, acrossOf, downOf } = level;
  for (let step = 0; ; step++) {
    const x = level.x + dx - radius;
    const y = level.y + dy - radius;
    if (!(x >= 0 && y >= 0 && x < grey.width - side - 1 && y < grey.height - side - 1)) return undefined;
    sample(grey, x, y, side, now);
    if (step === mostSteps) break;
    let across = 0;
    let down = 0;
    for (let i = 0; i < area; i++) {
      const difference = (now[i] as number) - (seen[i] as number);
      across += (acrossOf[i] as number) * difference;
      down += (downOf[i] as number) * difference;
    }
    dx -= across;
    dy -= down;
    if (Math.abs(dx - fromX) > side || Math.abs(dy - fromY) > side) return undefined;
    if (Math.abs(across) < settledPx && Math.abs(down) < settledPx) break;
  }
  const variance = differenceOf(level, now);
  if (variance * area > mostDifference ** 2 * level.contrast + noiseLevels ** 2 * area) return undefined;
  return { dx, dy, errorPx: Math.sqrt(variance * level.variance) };
}

/** Variance of what brightness and contrast do not explain. */
function differenceOf({ seen, contrast }: Level, now: Float32Array): number {
  let sumNow = 0;
  let sumSeen = 0;
  let square = 0;
  let along = 0;
  for (let i = 0; i < area; i++) {
    const b = seen[i] as number;
    const difference = (now[i] as number) - b;
    sumNow += difference;
    sumSeen += b;
    square += difference * difference;
    along += difference * b;
  }
  along -= (sumNow * sumSeen) / area;
  const rest = square - (sumNow * sumNow) / area - (contrast > 0 ? (along * along) / contrast : 0);
  return Math.max(0, rest) / (area - 4);
}
