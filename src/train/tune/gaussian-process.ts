/**
 * Regression by a Gaussian process with a Matérn 5/2 kernel, one length scale per dimension: points in the unit cube and values
 * in, mean and standard deviation anywhere out. Rasmussen, Williams, «Gaussian Processes for Machine Learning», 2006: algorithm 2.1.
 */
import { newRandom, normal, type Random } from '../../base/random.ts';

/** Places in 0…1, one number per dimension. */
export type UnitPoint = readonly number[];

export interface Process {
  predict(at: UnitPoint): { readonly mean: number; readonly deviation: number };
}

interface Hyperparameters {
  /** Logarithms, so that a search may wander freely. */
  readonly lengths: readonly number[];
  readonly noise: number;
}

/** Fits length scales and noise by the likelihood (random search from a prior, then refinement; repeatable), then conditions. */
export function fitProcess(points: readonly UnitPoint[], values: readonly number[], seed: number): Process {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) || 1;
  const normalised = values.map((value) => (value - mean) / spread);
  const chosen = likeliest(points, normalised, newRandom(seed));
  const { factor, weights } = condition(points, normalised, chosen);
  return {
    predict: (at) => {
      const near = points.map((point) => matern(point, at, chosen.lengths));
      const solved = forward(factor, near);
      const predicted = near.reduce((sum, value, index) => sum + value * (weights[index] as number), 0);
      const variance = 1 - solved.reduce((sum, value) => sum + value * value, 0);
      return { mean: mean + spread * predicted, deviation: spread * Math.sqrt(Math.max(variance, 1e-12)) };
    },
  };
}

/** (1 + √5 r + 5r²/3)·exp(−√5 r), r the distance in length scales: their equation 4.17. */
function matern(a: UnitPoint, b: UnitPoint, lengths: readonly number[]): number {
  let squared = 0;
  for (let index = 0; index < a.length; index++)
    squared += (((a[index] as number) - (b[index] as number)) / Math.exp(lengths[index] as number)) ** 2;
  const r = Math.sqrt(5 * squared);
  return (1 + r + (r * r) / 3) * Math.exp(-r);
}

const candidates = 60;
const refinements = 60;

function likeliest(points: readonly UnitPoint[], values: readonly number[], random: Random): Hyperparameters {
  const dimensions = points[0]?.length ?? 0;
  // Prior: length scales around 0.4 of the cube, within a factor of two mostly; noise around a hundredth of the spread.
  const draw = (): Hyperparameters => ({
    lengths: Array.from({ length: dimensions }, () => Math.log(0.4) + 0.8 * normal(random)),
    noise: Math.log(1e-2) + 1.5 * normal(random),
  });
  let best = { lengths: Array.from({ length: dimensions }, () => Math.log(0.4)), noise: Math.log(1e-2) } as Hyperparameters;
  let score = posterior(points, values, best);
  for (let round = 0; round < candidates + refinements; round++) {
    const step = 0.3 * normal(random);
    const tried: Hyperparameters =
      round < candidates ? draw() : { lengths: best.lengths.map((length) => length + 0.3 * normal(random)), noise: best.noise + step };
    const found = posterior(points, values, tried);
    if (found > score) [best, score] = [tried, found];
  }
  return best;
}

/** Log marginal likelihood (their equation 2.30, without its constant) plus the log prior. */
function posterior(points: readonly UnitPoint[], values: readonly number[], tried: Hyperparameters): number {
  const { factor, weights } = condition(points, values, tried);
  const fit = values.reduce((sum, value, index) => sum + value * (weights[index] as number), 0);
  const complexity = factor.reduce((sum, row, index) => sum + Math.log(row[index] as number), 0);
  const prior =
    tried.lengths.reduce((sum, length) => sum + ((length - Math.log(0.4)) / 0.8) ** 2, 0) + ((tried.noise - Math.log(1e-2)) / 1.5) ** 2;
  return -0.5 * fit - complexity - 0.5 * prior;
}

function condition(
  points: readonly UnitPoint[],
  values: readonly number[],
  { lengths, noise }: Hyperparameters,
): { factor: number[][]; weights: number[] } {
  const variance = Math.exp(2 * noise) + 1e-8;
  const covariance = points.map((a, row) =>
    points.slice(0, row + 1).map((b, column) => matern(a, b, lengths) + (row === column ? variance : 0)),
  );
  const factor = cholesky(covariance);
  return { factor, weights: backward(factor, forward(factor, values)) };
}

/** The lower triangle L with L·Lᵀ = `lower` (given by its lower triangle). */
function cholesky(lower: readonly (readonly number[])[]): number[][] {
  const factor: number[][] = [];
  lower.forEach((given, row) => {
    const out: number[] = [];
    for (let column = 0; column <= row; column++) {
      const other = factor[column] ?? out;
      let sum = given[column] as number;
      for (let index = 0; index < column; index++) sum -= (out[index] as number) * (other[index] as number);
      out.push(column === row ? Math.sqrt(Math.max(sum, 1e-12)) : sum / (other[column] as number));
    }
    factor.push(out);
  });
  return factor;
}

/** x with L·x = b. */
function forward(factor: readonly (readonly number[])[], b: readonly number[]): number[] {
  const x: number[] = [];
  factor.forEach((row, index) => {
    const known = x.reduce((sum, value, column) => sum + value * (row[column] as number), 0);
    x.push(((b[index] as number) - known) / (row[index] as number));
  });
  return x;
}

/** x with Lᵀ·x = b. */
function backward(factor: readonly (readonly number[])[], b: readonly number[]): number[] {
  const x = [...b];
  for (let row = x.length - 1; row >= 0; row--) {
    for (let below = row + 1; below < x.length; below++)
      x[row] = (x[row] as number) - (factor[below]?.[row] as number) * (x[below] as number);
    x[row] = (x[row] as number) / (factor[row]?.[row] as number);
  }
  return x;
}

/** How much less than `best` a value at a place is expected to be (Jones, Schonlau, Welch 1998, eq. 15); at least 0. */
export function expectedImprovement({ mean, deviation }: { readonly mean: number; readonly deviation: number }, best: number): number {
  const standard = (best - mean) / deviation;
  const density = Math.exp(-0.5 * standard * standard) / Math.sqrt(2 * Math.PI);
  return Math.max(0, (best - mean) * cumulative(standard) + deviation * density);
}

/** The normal distribution function, within 7.5e-8 (Abramowitz, Stegun 26.2.17). */
function cumulative(x: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(x));
  const tail = ((((1.330274429 * t - 1.821255978) * t + 1.781477937) * t - 0.356563782) * t + 0.31938153) * t;
  const upper = (Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI)) * tail;
  return x >= 0 ? 1 - upper : upper;
}
