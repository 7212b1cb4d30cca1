/**
 * How good a comparison is. In: scores of pairs with their truth. Out: accuracy, equal error rate, false non-match
 * rates at given false-match rates with their 95 % intervals, and the ROC curve. What the number of pairs cannot
 * support is null, with the reason.
 *
 * Units: `accuracy` and `standardError` are percent, as in the manifests of networks; every rate is a fraction, 0…1.
 * Terms and the rule of three: ISO/IEC 19795-1. A pair is accepted when its score is above the threshold.
 */
import { clopperPearson, type Interval } from './binomial.ts';

/** One compared pair. */
export interface ComparedPair {
  /** Likeness (a cosine or a logit): the higher, the more alike; null where a picture has no face. */
  readonly score: number | null;
  readonly same: boolean;
  /** Part of the cross-validation, 0 and up (see `readPairs`). */
  readonly fold: number;
}

/**
 * An error rate with its 95 % interval: exact (Clopper and Pearson 1934), with pairs taken as independent, or by
 * people (see `assess`).
 */
export interface ErrorRate {
  readonly rate: number;
  readonly interval: Interval;
  /**
   * Only where no error was observed: the rate is below this with 95 % confidence (rule of three: 3 / pairs, or 3 /
   * people).
   */
  readonly below?: number;
}

/** The false non-match rate at a given false-match rate. */
export type RateAtFmr =
  | {
      /** The false-match rate asked for. */
      readonly fmr: number;
      /** The threshold that keeps to it. */
      readonly threshold: number;
      /** The false-match rate of that threshold on these pairs: at most `fmr`. */
      readonly measuredFmr: ErrorRate;
      readonly fnmr: ErrorRate;
      /** True accept rate, 1 − fnmr, with its interval. */
      readonly tar: number;
      readonly tarInterval: Interval;
    }
  | { readonly fmr: number; readonly threshold: null; readonly fnmr: null; readonly tar: null; readonly reason: string };

export interface Evaluation {
  readonly pairs: number;
  readonly genuine: number;
  readonly impostors: number;
  /** Pictures without a face, as the caller counted them. */
  readonly noFace: number;
  /**
   * Pairs that could not be compared for that reason: wrong in `accuracy`, rejected in `fnmr`, left out of the
   * false-match rates.
   */
  readonly notCompared: number;
  /**
   * Percent right, each fold at the threshold that is best on the others; pairs of one person and of two count alike.
   * Mean over the folds, and its standard error.
   */
  readonly accuracy: number | null;
  readonly standardError: number | null;
  readonly folds: number;
  /** Equal error rate: where false-match and false non-match rate cross. */
  readonly eer: number | null;
  readonly rates: readonly RateAtFmr[];
  /** Corners of the curve from (0, 0) to the end, by rising false-match rate; scores above `threshold` are accepted. */
  readonly roc: readonly RocPoint[];
  /** Why `accuracy`, `standardError` and `eer` are null; absent when they are not. */
  readonly reason?: string;
}

export interface RocPoint {
  /** Null where nothing is accepted yet, and at the end. */
  readonly threshold: number | null;
  readonly fmr: number;
  readonly tar: number;
}

/** The false-match rates that are reported. */
export const reportedFmrs = [1e-1, 1e-2, 1e-3, 1e-4] as const;
// The rule of three: n pairs say nothing about a rate below 3 / n. 30 pairs support the loosest rate above, and
// everything else needs at least as many.
const leastPairs = 30;

/** Evaluates compared pairs; `noFace` is the number of pictures without a face. */
export function evaluate(comparisons: readonly ComparedPair[], noFace: number): Evaluation {
  const genuine = comparisons.filter((each) => each.same);
  const impostors = comparisons.filter((each) => !each.same);
  const notCompared = comparisons.filter((each) => each.score === null).length;
  const compared = impostors.filter((each) => each.score !== null).length;
  const enough = genuine.length >= leastPairs && compared >= leastPairs;
  const roc = rocOf(comparisons);
  return {
    pairs: comparisons.length,
    genuine: genuine.length,
    impostors: impostors.length,
    noFace,
    notCompared,
    ...(enough ? accuracyOf(comparisons) : { accuracy: null, standardError: null, folds: 0 }),
    eer: enough ? eerOf(roc) : null,
    rates: rateAtEach(genuine, impostors),
    roc: cornersOf(roc),
    ...(enough ? {} : { reason: `needs at least ${leastPairs} matched and ${leastPairs} mismatched pairs with a face in both pictures` }),
  };
}

/**
 * Cross-validated accuracy, as in `rates` of the reference pipeline: candidates are every fifth of the distinct
 * scores of the other folds (each of them below 500 scores, unlike the reference), and the first of the best is
 * taken. The standard error divides by n − 1 under the root (LFW, technical report 07-49, section "View 2"); the
 * reference divides by n, which is 5 % less for ten folds.
 */
function accuracyOf(comparisons: readonly ComparedPair[]): { accuracy: number; standardError: number; folds: number } {
  const folds = [...new Set(comparisons.map((each) => each.fold))];
  const genuine = comparisons.filter((each) => each.same).length;
  const impostorWeight = genuine / (comparisons.length - genuine);
  const weigh = (some: readonly ComparedPair[]) => some.reduce((sum, { same }) => sum + (same ? 1 : impostorWeight), 0);
  const shares = folds.map((fold) => {
    const threshold = bestThreshold(
      comparisons.filter((each) => each.fold !== fold),
      impostorWeight,
    );
    const own = comparisons.filter((each) => each.fold === fold);
    return weigh(own.filter(({ score, same }) => score !== null && score > threshold === same)) / weigh(own);
  });
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  const variance = shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / (shares.length - 1);
  return { accuracy: 100 * mean, standardError: 100 * Math.sqrt(variance / shares.length), folds: folds.length };
}

function bestThreshold(comparisons: readonly ComparedPair[], impostorWeight: number): number {
  const steps = stepsOf(comparisons).reverse(); // rising scores
  const genuine = steps.reduce((sum, step) => sum + step.genuine, 0);
  let best = { threshold: Number.NEGATIVE_INFINITY, right: -1 };
  const stride = steps.length < 500 ? 1 : 5;
  let right = genuine; // all accepted; then the pairs of each step are rejected
  for (const [i, step] of steps.entries()) {
    right += impostorWeight * step.impostors - step.genuine;
    if (i % stride === 0 && right > best.right) best = { threshold: step.score, right };
  }
  return best.threshold;
}

interface Step {
  readonly score: number;
  genuine: number;
  impostors: number;
}

/** Pairs at each distinct score, the highest first. */
function stepsOf(comparisons: readonly ComparedPair[]): Step[] {
  const steps = new Map<number, Step>();
  for (const { score, same } of comparisons) {
    if (score === null) continue;
    const step = steps.get(score) ?? { score, genuine: 0, impostors: 0 };
    if (same) step.genuine++;
    else step.impostors++;
    steps.set(score, step);
  }
  return [...steps.values()].sort((a, b) => b.score - a.score);
}

/** The point after each distinct score is accepted; its threshold is the next lower score. */
function rocOf(comparisons: readonly ComparedPair[]): RocPoint[] {
  const steps = stepsOf(comparisons);
  const impostors = steps.reduce((sum, step) => sum + step.impostors, 0);
  const genuine = comparisons.filter((each) => each.same).length;
  let [accepted, matched] = [0, 0];
  const points = steps.map((step, i): RocPoint => {
    accepted += step.genuine;
    matched += step.impostors;
    return { threshold: steps[i + 1]?.score ?? Number.NEGATIVE_INFINITY, fmr: matched / (impostors || 1), tar: accepted / (genuine || 1) };
  });
  return [{ threshold: steps[0]?.score ?? null, fmr: 0, tar: 0 }, ...points];
}

/** Without the points inside a straight line. JSON has no −Infinity, so the end has no threshold either. */
function cornersOf(roc: readonly RocPoint[]): RocPoint[] {
  const corners = roc.filter((point, i) => {
    const [before, after] = [roc[i - 1], roc[i + 1]];
    if (!before || !after) return true;
    return !((before.fmr === point.fmr && point.fmr === after.fmr) || (before.tar === point.tar && point.tar === after.tar));
  });
  return corners.map((point) => (Number.isFinite(point.threshold) ? point : { ...point, threshold: null }));
}

/** Straight between the two points of the curve where the sign of FMR − FNMR changes. */
function eerOf(roc: readonly RocPoint[]): number {
  const excess = (point: RocPoint) => point.fmr - (1 - point.tar);
  const after = roc.findIndex((point) => excess(point) >= 0);
  const [from, to] = [roc[after - 1], roc[after]];
  if (!from || !to) return 1; // no genuine pair was compared
  const part = -excess(from) / (excess(to) - excess(from));
  return from.fmr + part * (to.fmr - from.fmr);
}

function rateAtEach(genuine: readonly ComparedPair[], impostors: readonly ComparedPair[]): RateAtFmr[] {
  const scores = impostors.flatMap(({ score }) => (score === null ? [] : [score])).sort((a, b) => b - a);
  return reportedFmrs.map((fmr) => rateAt(fmr, genuine, scores));
}

/** `scores`: the impostors', falling. */
function rateAt(fmr: number, genuine: readonly ComparedPair[], scores: readonly number[]): RateAtFmr {
  const needed = Math.ceil(3 / fmr - 1e-9);
  const refused = (reason: string): RateAtFmr => ({ fmr, threshold: null, fnmr: null, tar: null, reason });
  if (scores.length < needed) return refused(`needs at least ${needed} mismatched pairs (rule of three), there are ${scores.length}`);
  if (genuine.length < leastPairs) return refused(`needs at least ${leastPairs} matched pairs, there are ${genuine.length}`);
  // The threshold is the highest impostor score that the rate no longer allows.
  const threshold = scores[Math.floor(fmr * scores.length + 1e-9)] ?? Number.NEGATIVE_INFINITY;
  const falseMatches = scores.filter((score) => score > threshold).length;
  const rejected = genuine.filter(({ score }) => score === null || score <= threshold).length;
  const fnmr = rateOf(rejected, genuine.length);
  const [low, high] = fnmr.interval;
  return { fmr, threshold, measuredFmr: rateOf(falseMatches, scores.length), fnmr, tar: 1 - fnmr.rate, tarInterval: [1 - high, 1 - low] };
}

function rateOf(errors: number, pairs: number): ErrorRate {
  const rate = { rate: errors / pairs, interval: clopperPearson(errors, pairs) };
  return errors === 0 ? { ...rate, below: Math.min(1, 3 / pairs) } : rate;
}
