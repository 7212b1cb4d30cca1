/**
 * Whether points moved as those of one plane: places in two pictures go in, the homography that fits most of them and
 * how far each point is from it come out. Pure.
 */

/** A point in two pictures, pixels. */
export interface Moved {
  readonly x: number;
  readonly y: number;
  readonly nowX: number;
  readonly nowY: number;
  /** Expected error of the second place, pixels. */
  readonly errorPx: number;
}

/** A homography: nowX = (h0·x + h1·y + h2) / (h6·x + h7·y + 1), nowY likewise; places are centred and scaled. */
export interface FittedPlane {
  readonly h: Float64Array;
  readonly x: number;
  readonly y: number;
  readonly nowX: number;
  readonly nowY: number;
  readonly unit: number;
}

/** Fewer points than this fit any homography. */
const leastPoints = 12;
const rounds = 6;
/** The tracker is never better than this, pixels. */
const leastErrorPx = 0.03;

/** Undefined: too few points, or all on a line. Robust: points far from it count for less (Cauchy's weights). */
export function fittedPlane(points: readonly Moved[]): FittedPlane | undefined {
  if (points.length < leastPoints) return undefined;
  const frame = frameOf(points);
  let weights = points.map(({ errorPx }) => 1 / Math.max(leastErrorPx, errorPx) ** 2);
  let found: FittedPlane | undefined;
  for (let round = 0; round < rounds; round++) {
    const h = solve(normalEquations(points, weights, frame), 8);
    if (!h) return undefined;
    const homography = { ...frame, h };
    found = homography;
    const distances = points.map((point) => distanceTo(homography, point));
    const scale = Math.max(2 * leastErrorPx, 2 * medianOf(distances));
    weights = points.map(({ errorPx }, i) => 1 / Math.max(leastErrorPx, errorPx) ** 2 / (1 + ((distances[i] as number) / scale) ** 2));
  }
  return found;
}

function frameOf(points: readonly Moved[]): Omit<FittedPlane, 'h'> {
  const mean = (of: (point: Moved) => number) => points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const x = mean((p) => p.x);
  const y = mean((p) => p.y);
  const unit = Math.max(1, Math.sqrt(mean((p) => (p.x - x) ** 2 + (p.y - y) ** 2)));
  return { x, y, nowX: mean((p) => p.nowX), nowY: mean((p) => p.nowY), unit };
}

function normalEquations(points: readonly Moved[], weights: readonly number[], frame: Omit<FittedPlane, 'h'>): Float64Array {
  const sums = new Float64Array(8 * 9);
  const row = new Float64Array(9);
  points.forEach((point, i) => {
    const x = (point.x - frame.x) / frame.unit;
    const y = (point.y - frame.y) / frame.unit;
    const u = (point.nowX - frame.nowX) / frame.unit;
    const v = (point.nowY - frame.nowY) / frame.unit;
    row.set([x, y, 1, 0, 0, 0, -u * x, -u * y, u]);
    add(sums, row, weights[i] as number);
    row.set([0, 0, 0, x, y, 1, -v * x, -v * y, v]);
    add(sums, row, weights[i] as number);
  });
  return sums;
}

/** Adds weight · rowᵀ·row (the last column is the right side) to equations of `row.length - 1` unknowns. */
export function add(sums: Float64Array, row: Float64Array, weight: number): void {
  const n = row.length - 1;
  for (let i = 0; i < n; i++) {
    const share = weight * (row[i] as number);
    if (share === 0) continue;
    for (let j = 0; j <= n; j++) sums[i * (n + 1) + j] = (sums[i * (n + 1) + j] as number) + share * (row[j] as number);
  }
}

/** Gauss with the largest pivot; n rows of n + 1 numbers. Undefined: they do not determine the unknowns. */
export function solve(equations: Float64Array, n: number): Float64Array | undefined {
  const a = equations.slice();
  const wide = n + 1;
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let row = column + 1; row < n; row++) {
      if (Math.abs(a[row * wide + column] as number) > Math.abs(a[pivot * wide + column] as number)) pivot = row;
    }
    if (!(Math.abs(a[pivot * wide + column] as number) > 1e-12)) return undefined;
    for (let i = 0; i < wide; i++) {
      const kept = a[column * wide + i] as number;
      a[column * wide + i] = a[pivot * wide + i] as number;
      a[pivot * wide + i] = kept;
    }
    for (let row = 0; row < n; row++) {
      if (row === column) continue;
      const share = (a[row * wide + column] as number) / (a[column * wide + column] as number);
      for (let i = column; i < wide; i++) a[row * wide + i] = (a[row * wide + i] as number) - share * (a[column * wide + i] as number);
    }
  }
  return Float64Array.from({ length: n }, (_, i) => (a[i * wide + n] as number) / (a[i * wide + i] as number));
}

/** How far the point went from where the homography puts it, pixels. */
export function missOf({ h, x, y, nowX, nowY, unit }: FittedPlane, point: Moved): { readonly x: number; readonly y: number } {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, k = 0] = h;
  const u = (point.x - x) / unit;
  const v = (point.y - y) / unit;
  const w = g * u + k * v + 1;
  return { x: point.nowX - nowX - (unit * (a * u + b * v + c)) / w, y: point.nowY - nowY - (unit * (d * u + e * v + f)) / w };
}

export function distanceTo(homography: FittedPlane, point: Moved): number {
  const miss = missOf(homography, point);
  return Math.hypot(miss.x, miss.y);
}

export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
