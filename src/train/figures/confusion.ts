/**
 * Pairs that are right and wrong at a threshold. In: scores with their truth. Out: accuracy, precision, recall and F1
 * with 95 % intervals.
 */

import { below, newRandom } from '../../base/random.ts';
import { clopperPearson, type Interval } from './binomial.ts';

/** A share, 0…1, with its interval; null where there is nothing to count (precision, when no pair was accepted). */
export type Share = { readonly value: number; readonly interval: Interval } | null;

export interface Confusion {
  readonly threshold: number;
  readonly pairs: number;
  /** Those that show one person. */
  readonly samePairs: number;
  readonly accuracy: Share;
  /** Of the accepted pairs, those of one person. */
  readonly precision: Share;
  /** Of the pairs of one person, those accepted: 1 − FNMR. */
  readonly recall: Share;
  readonly f1: Share;
}

/** One pair's score, 0…1, and its truth. */
export interface Told {
  readonly score: number;
  readonly same: boolean;
}

/**
 * Intervals: Clopper–Pearson for shares of pairs; for F1, which is not such a share, the bootstrap over pairs (Efron
 * 1979; 1,000 draws, seeded).
 */
export function confusionAt(told: readonly Told[], threshold: number): Confusion {
  const counts = countAt(told, threshold);
  const share = (hits: number, trials: number): Share =>
    trials === 0 ? null : { value: hits / trials, interval: clopperPearson(hits, trials) };
  return {
    threshold,
    pairs: told.length,
    samePairs: counts.hits + counts.misses,
    accuracy: share(counts.hits + counts.rejections, told.length),
    precision: share(counts.hits, counts.hits + counts.falseMatches),
    recall: share(counts.hits, counts.hits + counts.misses),
    f1: told.length === 0 ? null : { value: f1(counts), interval: bootstrap(told, threshold) },
  };
}

interface Counts {
  hits: number;
  misses: number;
  falseMatches: number;
  rejections: number;
}

function countAt(told: readonly Told[], threshold: number): Counts {
  const counts = { hits: 0, misses: 0, falseMatches: 0, rejections: 0 };
  for (const { score, same } of told) {
    const accepted = score > threshold;
    counts[same ? (accepted ? 'hits' : 'misses') : accepted ? 'falseMatches' : 'rejections']++;
  }
  return counts;
}

/** 0 without hits, by convention. */
function f1({ hits, misses, falseMatches }: Counts): number {
  return hits === 0 ? 0 : (2 * hits) / (2 * hits + misses + falseMatches);
}

function bootstrap(told: readonly Told[], threshold: number): Interval {
  const random = newRandom(1979);
  const draws = Array.from({ length: 1000 }, () => {
    const drawn = told.map(() => told[below(random, told.length)] as Told);
    return f1(countAt(drawn, threshold));
  }).sort((a, b) => a - b);
  return [draws[24] as number, draws[974] as number];
}
