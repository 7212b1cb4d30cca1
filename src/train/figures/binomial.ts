/**
 * The uncertainty of a share. In: counts. Out: the exact interval of Clopper and Pearson (The use of confidence or
 * fiducial limits, Biometrika 26, 1934).
 */

export type Interval = readonly [low: number, high: number];

/** The exact two-sided interval of a share: `hits` of `trials` (1 or more), at `confidence`, 0…1. */
export function clopperPearson(hits: number, trials: number, confidence = 0.95): Interval {
  const tail = (1 - confidence) / 2;
  const low = hits === 0 ? 0 : betaQuantile(tail, hits, trials - hits + 1);
  const high = hits === trials ? 1 : betaQuantile(1 - tail, hits + 1, trials - hits);
  return [low, high];
}

/** By bisection: the incomplete beta function rises in x. */
function betaQuantile(p: number, a: number, b: number): number {
  let [low, high] = [0, 1];
  for (let turn = 0; turn < 100 && high - low > 1e-15 * high; turn++) {
    const middle = (low + high) / 2;
    if (incompleteBeta(middle, a, b) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/**
 * Regularised incomplete beta function by Lentz's continued fraction (Numerical Recipes, third edition, section 6.4).
 */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x)) / a;
  const held = (value: number) => (Math.abs(value) < 1e-300 ? 1e-300 : value);
  let c = 1;
  let d = 1 / held(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m <= 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    for (const term of [even, odd]) {
      d = 1 / held(1 + term * d);
      c = held(1 + term / c);
      fraction *= d * c;
    }
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return front * fraction;
}

/**
 * Logarithm of the gamma function for x ≥ 1: Stirling's series, after x is shifted up to where it is exact to the
 * last digits.
 */
function logGamma(x: number): number {
  let [shift, z] = [0, x];
  for (; z < 12; z++) shift += Math.log(z);
  const inverse = 1 / (z * z);
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / z;
  return (z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + series - shift;
}
