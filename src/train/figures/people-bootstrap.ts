/**
 * Uncertainty of figures where pairs share people. In: compared pairs with the people in them. Out: 95 % intervals,
 * by drawing the people with replacement. A pair of one person counts as often as that person was drawn; a pair of
 * two counts the product of both (subsets bootstrap: R. Bolle, N. Ratha, S. Pankanti, Error analysis of pattern
 * recognition systems, CVIU 93, 2004).
 */

import { below, newRandom } from '../../base/random.ts';
import type { Interval } from './binomial.ts';
import type { ComparedPair } from './evaluate.ts';

/** A comparison, and the people in the two pictures. */
export interface PairOfPeople extends ComparedPair {
  readonly people: readonly [string, string];
}

/** Rates of one draw of people, each 0…1. */
export interface DrawnRates {
  readonly eer: number;
  /** Area under the ROC: how often a pair of one person scores above a pair of two; equal scores count half. */
  readonly auc: number;
  /** False non-match rate at each given false-match rate, at the threshold of this draw. */
  readonly fnmrs: readonly number[];
  /** At each given threshold, the accepted share of pairs of one person, and of two. */
  readonly accepted: readonly Accepted[];
}

export interface Accepted {
  readonly matched: number;
  readonly falseMatched: number;
}

/**
 * Fewer people with a pair of their own are too few for a bootstrap: the same person drawn again is always equally
 * alike.
 */
const leastPeople = 10;
const draws = 1000;

export interface PeopleBootstrap {
  /** People with a pair of their own. */
  readonly matedPeople: number;
  /** The draws; comparisons of the same people in the same order are drawn the same, so that they can be paired. */
  readonly drawn: readonly DrawnRates[];
  /**
   * The interval of a figure of the rates. At 0 or 1 never narrower than the rule of three over people: 3 /
   * matedPeople.
   */
  interval(figure: (rates: DrawnRates) => number): Interval;
}

/** Draws the people 1,000 times, seeded. Undefined where there are too few. */
export function peopleBootstrap(
  comparisons: readonly PairOfPeople[],
  thresholds: readonly number[],
  fmrs: readonly number[],
): PeopleBootstrap | undefined {
  const pairs = sortedPairs(comparisons);
  const { people } = pairs;
  const matedPeople = new Set(comparisons.flatMap(({ same, people: [one] }) => (same ? [one] : []))).size;
  if (matedPeople < leastPeople) return undefined;
  const random = newRandom(2004);
  const drawn = Array.from({ length: draws }, () => {
    const times = new Float64Array(people);
    for (let draw = 0; draw < people; draw++) {
      const person = below(random, people);
      times[person] = (times[person] as number) + 1;
    }
    return ratesOf(pairs, times, thresholds, fmrs);
  });
  return {
    matedPeople,
    drawn,
    interval: (figure) => {
      const [low, high] = middleOf(drawn.map(figure));
      const bound = Math.min(1, 3 / matedPeople);
      return [low === 1 ? 1 - bound : low, high === 0 ? bound : high];
    },
  };
}

/** Where the middle 95 % of the finite values lie. */
export function middleOf(values: readonly number[]): Interval {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  return [at(0.025), at(0.975)];
}

/** The rates with everyone counted once. */
export function ratesOfAll(comparisons: readonly PairOfPeople[], thresholds: readonly number[], fmrs: readonly number[]): DrawnRates {
  const pairs = sortedPairs(comparisons);
  return ratesOf(pairs, new Float64Array(pairs.people).fill(1), thresholds, fmrs);
}

/** Columns, for speed: there may be 200,000 pairs in each of 1,000 draws. */
interface SortedPairs {
  readonly people: number;
  /** The most alike first. */
  readonly scores: Float64Array;
  readonly one: Int32Array;
  /** −1 where both are one person. */
  readonly other: Int32Array;
  /** Numbers of pairs after which the score changes, rising. */
  readonly ends: Int32Array;
  /** Sums of either kind, overwritten by each draw. */
  readonly matched: Float64Array;
  readonly falseMatched: Float64Array;
  /** The person of each mated pair that could not be compared: it is rejected at every threshold. */
  readonly notCompared: readonly number[];
}

function sortedPairs(comparisons: readonly PairOfPeople[]): SortedPairs {
  const numbers = new Map<string, number>();
  const numberOf = (name: string) => {
    const known = numbers.get(name) ?? numbers.size;
    numbers.set(name, known);
    return known;
  };
  const numbered = comparisons.map(({ score, same, people: [one, other] }) => {
    return { score, one: numberOf(one), other: same ? -1 : numberOf(other) };
  });
  const compared = numbered.flatMap(({ score, ...pair }) => (score === null ? [] : [{ score, ...pair }])).sort((a, b) => b.score - a.score);
  return {
    people: numbers.size,
    scores: Float64Array.from(compared, ({ score }) => score),
    one: Int32Array.from(compared, ({ one }) => one),
    other: Int32Array.from(compared, ({ other }) => other),
    ends: Int32Array.from(compared.flatMap(({ score }, index) => (score === compared[index + 1]?.score ? [] : [index + 1]))),
    matched: new Float64Array(compared.length + 1),
    falseMatched: new Float64Array(compared.length + 1),
    notCompared: numbered.flatMap(({ score, one, other }) => (score === null && other < 0 ? [one] : [])),
  };
}

/** `times`: how often each person counts. Equal scores are accepted together. */
function ratesOf(pairs: SortedPairs, times: Float64Array, thresholds: readonly number[], fmrs: readonly number[]): DrawnRates {
  const { scores, ends, notCompared, matched, falseMatched } = pairs;
  accumulate(pairs, times);
  const mated = (matched[scores.length] as number) + notCompared.reduce((sum, person) => sum + (times[person] as number), 0);
  const impostors = falseMatched[scores.length] as number;
  const [tar, fmr] = [
    (count: number) => (matched[count] as number) / mated,
    (count: number) => (falseMatched[count] as number) / impostors,
  ];
  const first = (wanted: (count: number) => boolean) => firstOf(ends.length, (group) => wanted(ends[group] as number));
  const uncrossed = mated * impostors > 0 ? 1 : Number.NaN; // no pair of one person has faces, or there is only one kind of pair
  const crossed = first((count) => fmr(count) >= 1 - tar(count));
  return {
    eer: crossed === ends.length ? uncrossed : crossing(ends[crossed - 1] ?? 0, ends[crossed] as number, fmr, tar),
    auc: areaOf(pairs) / (mated * impostors),
    fnmrs: fmrs.map((limit) => 1 - tar(ends[first((count) => (falseMatched[count] as number) > limit * impostors + 1e-9) - 1] ?? 0)),
    accepted: thresholds.map((threshold) => {
      const count = firstOf(scores.length, (place) => (scores[place] as number) <= threshold);
      return { matched: tar(count), falseMatched: fmr(count) };
    }),
  };
}

/**
 * The sums of either kind among the most alike pairs, for every number of pairs. A plain loop: it runs 1,000 times
 * over up to 200,000 pairs.
 */
function accumulate({ scores, one, other, matched, falseMatched }: SortedPairs, times: Float64Array): void {
  let [same, different] = [0, 0];
  for (let i = 0; i < scores.length; i++) {
    const second = other[i] as number;
    const weight = times[one[i] as number] as number;
    if (second < 0) same += weight;
    else different += weight * (times[second] as number);
    matched[i + 1] = same;
    falseMatched[i + 1] = different;
  }
}

/** Under the sums of matched over those of false-matched, straight between scores. A plain loop, as above. */
function areaOf({ ends, matched, falseMatched }: SortedPairs): number {
  let [area, before] = [0, 0];
  for (let i = 0; i < ends.length; i++) {
    const end = ends[i] as number;
    const across = (falseMatched[end] as number) - (falseMatched[before] as number);
    if (across > 0) area += (across * ((matched[end] as number) + (matched[before] as number))) / 2;
    before = end;
  }
  return area;
}

/** Straight between the two points of the curve where the sign of FMR − FNMR changes. */
function crossing(before: number, after: number, fmr: (count: number) => number, tar: (count: number) => number): number {
  const lack = 1 - tar(before) - fmr(before);
  const excess = fmr(after) - (1 - tar(after));
  return fmr(before) + (lack / (lack + excess)) * (fmr(after) - fmr(before));
}

/** The first of 0 … count − 1 that is wanted, where all after it are too; `count` without one. */
function firstOf(count: number, isWanted: (place: number) => boolean): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isWanted(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
