/**
 * Regression by a Gaussian process with a Matérn 5/2 kernel and one length scale per dimension. In: points of the unit
 * cube and their values. Out: mean and standard deviation at any point.
 * Rasmussen, Williams, Gaussian Processes for Machine Learning, 2006: algorithm 2.1.
 */
import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import { newRandom, normal, type Random } from '../../base/random.ts';

/** A point of the unit cube: one number in 0…1 per dimension. */
export type UnitPoint = readonly number[];

export interface Process {
  predict(at: UnitPoint): { readonly mean: number; readonly deviation: number };
}

/** Logarithms, so that the search has no bounds to respect. */
interface Hyperparameters {
  readonly lengths: readonly number[];
  readonly noise: number;
}

/**
 * Fits length scales and noise by the likelihood (random search from a prior, then refinement; repeatable), then
 * conditions on the values.
 */
export function fitProcess(points: readonly UnitPoint[], values: readonly number[], seed: number): Process {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) || 1;
  const normalised = values.map((value) => (value - mean) / spread);
  const chosen = likeliest(points, normalised, newRandom(seed));
  const { cholesky, weights } = condition(points, normalised, chosen);
  // There are hundreds of predictions for one fit: the inverse once costs less than a solve for each.
  const inverse = cholesky.solve(Matrix.eye(points.length));
  return {
    predict: (at) => {
      const near = Matrix.columnVector(points.map((point) => matern(point, at, chosen.lengths)));
      const variance = 1 - near.dot(inverse.mmul(near));
      return { mean: mean + spread * near.dot(weights), deviation: spread * Math.sqrt(Math.max(variance, 1e-12)) };
    },
  };
}

/** (1 + √5 r + 5r²/3)·exp(−√5 r), where r is the distance in length scales: equation 4.17 of the book. */
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
  // Prior: length scales around 0.4 of the cube, mostly within a factor of two; noise around 1 % of the spread.
  const draw = (): Hyperparameters => ({
    lengths: Array.from({ length: dimensions }, () => Math.log(0.4) + 0.8 * normal(random)),
    noise: Math.log(1e-2) + 1.5 * normal(random),
  });
  let best: Hyperparameters = { lengths: Array.from({ length: dimensions }, () => Math.log(0.4)), noise: Math.log(1e-2) };
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

/** Log marginal likelihood (equation 2.30 of the book, without its constant) plus the log prior. */
function posterior(points: readonly UnitPoint[], values: readonly number[], tried: Hyperparameters): number {
  const { cholesky, weights } = condition(points, values, tried);
  const fit = weights.dot(Matrix.columnVector([...values]));
  const complexity = cholesky.lowerTriangularMatrix.diag().reduce((sum, value) => sum + Math.log(value), 0);
  const prior =
    tried.lengths.reduce((sum, length) => sum + ((length - Math.log(0.4)) / 0.8) ** 2, 0) + ((tried.noise - Math.log(1e-2)) / 1.5) ** 2;
  return -0.5 * fit - complexity - 0.5 * prior;
}

function condition(
  points: readonly UnitPoint[],
  values: readonly number[],
  { lengths, noise }: Hyperparameters,
): { readonly cholesky: CholeskyDecomposition; readonly weights: Matrix } {
  // The addend keeps the matrix positive definite for two equal points and hardly any noise.
  const variance = Math.exp(2 * noise) + 1e-8;
  const covariance = new Matrix(points.length, points.length);
  for (const [row, a] of points.entries())
    for (const [column, b] of points.slice(0, row + 1).entries()) {
      const value = matern(a, b, lengths) + (row === column ? variance : 0);
      covariance.set(row, column, value).set(column, row, value);
    }
  const cholesky = new CholeskyDecomposition(covariance);
  return { cholesky, weights: cholesky.solve(Matrix.columnVector([...values])) };
}

/**
 * How much less than `best` the value at a point is expected to be (Jones, Schonlau, Welch 1998, eq. 15); at least 0.
 */
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
