/**
 * How sure figures are where pairs share people: compared pairs with whom they show in; 95 % intervals out, from drawing the people anew, with
 * replacement. A pair of one person then counts as often as that person was drawn, a pair of two as often as both were, multiplied
 * (subsets bootstrap: R. Bolle, N. Ratha, S. Pankanti, Error analysis of pattern recognition systems, CVIU 93, 2004).
 */
import type { Interval } from './binomial.ts';
import type { Comparison } from './evaluate.ts';
import { below, newRandom } from './random.ts';

/** A comparison, and whose the two pictures are. */
export interface PairOfPeople extends Comparison {
  readonly people: readonly [string, string];
}

/** Rates on one draw of people, each 0…1. */
export interface DrawnRates {
  readonly eer: number;
  /** False non-match rate at each asked false-match rate, at the threshold of this very draw. */
  readonly fnmrs: readonly number[];
  /** At each given threshold the share of pairs of one person, and of two, that are accepted. */
  readonly accepted: readonly Accepted[];
}

export interface Accepted {
  readonly matched: number;
  readonly falseMatched: number;
}

/** Fewer people with a pair of their own make no bootstrap: one person drawn again and again is always as alike. */
export const leastPeople = 10;
const draws = 1000;

export interface PeopleBootstrap {
  /** People with a pair of their own. */
  readonly matedPeople: number;
  /** The interval of whatever the rates give; never narrower at 0 or 1 than the rule of three over people: 3 / matedPeople. */
  interval(figure: (rates: DrawnRates) => number): Interval;
}

/** Draws the people 1,000 times, seeded. Undefined where they are too few. */
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
    interval: (figure) => {
      const values = drawn
        .map(figure)
        .filter(Number.isFinite)
        .sort((a, b) => a - b);
      const at = (share: number) => values[Math.min(values.length - 1, Math.floor(share * values.length))] ?? Number.NaN;
      const [low, high] = [at(0.025), at(0.975)];
      const bound = Math.min(1, 3 / matedPeople);
      return [low === 1 ? 1 - bound : low, high === 0 ? bound : high];
    },
  };
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
  /** The person of each mated pair that could not be compared: rejected at every threshold. */
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
    notCompared: numbered.flatMap(({ score, one, other }) => (score === null && other < 0 ? [one] : [])),
  };
}

/** One walk down the scores; equal scores are accepted together. `times` says how often each person counts; `fmrs` fall. */
function ratesOf(pairs: SortedPairs, times: Float64Array, thresholds: readonly number[], fmrs: readonly number[]): DrawnRates {
  const { scores, one, other, notCompared } = pairs;
  const weights = new Float64Array(scores.length);
  let [mated, impostors] = [notCompared.reduce((sum, person) => sum + (times[person] as number), 0), 0];
  for (let i = 0; i < scores.length; i++) {
    const first = times[one[i] as number] as number;
    const second = other[i] as number;
    const weight = second < 0 ? first : first * (times[second] as number);
    weights[i] = weight;
    if (second < 0) mated += weight;
    else impostors += weight;
  }
  const falling = thresholds.map((threshold, index) => ({ threshold, index })).sort((a, b) => b.threshold - a.threshold);
  const accepted = new Array<Accepted>(thresholds.length);
  const fnmrs = fmrs.map(() => 1);
  let open = fmrs.length; // so many rates, the greatest first, are not exceeded yet
  let [matched, falseMatched, next] = [0, 0, 0];
  let eer = Number.NaN;
  const before = { fmr: 0, fnmr: 1 };
  const reach = (score: number) => {
    for (let at = falling[next]; at && score <= at.threshold; at = falling[++next])
      accepted[at.index] = { matched: matched / mated, falseMatched: falseMatched / impostors };
  };
  for (let i = 0; i < scores.length; ) {
    const score = scores[i] as number;
    reach(score);
    for (; i < scores.length && scores[i] === score; i++) {
      if ((other[i] as number) < 0) matched += weights[i] as number;
      else falseMatched += weights[i] as number;
    }
    const [fmr, fnmr] = [falseMatched / impostors, 1 - matched / mated];
    while (open > 0 && falseMatched > (fmrs[open - 1] as number) * impostors + 1e-9) fnmrs[--open] = before.fnmr;
    if (Number.isNaN(eer) && fmr >= fnmr) {
      const part = (before.fnmr - before.fmr) / (fmr - fnmr + before.fnmr - before.fmr);
      eer = before.fmr + part * (fmr - before.fmr);
    }
    before.fmr = fmr;
    before.fnmr = fnmr;
  }
  fnmrs.fill(before.fnmr, 0, open);
  reach(Number.NEGATIVE_INFINITY);
  return { eer: Number.isNaN(eer) && mated * impostors > 0 ? 1 : eer, fnmrs, accepted };
}
