/**
 * Everything that is reported about a model that compared pairs. In: scores with their truth and people. Out: the
 * figures of `evaluate`, accuracy, precision, recall and F1 at given thresholds, intervals of the kind that the pairs
 * allow, and the worst pairs.
 */
import { clopperPearson, type Interval } from './binomial.ts';
import { type Confusion, confusionAt, type Share } from './confusion.ts';
import { type ErrorRate, type Evaluation, evaluate, type RateAtFmr, reportedFmrs } from './evaluate.ts';
import { type DrawnRates, type PairOfPeople, type PeopleBootstrap, peopleBootstrap, ratesOfAll } from './people-bootstrap.ts';

export interface AssessOptions {
  /** Pictures without a face. */
  readonly noFace: number;
  /** A pair with a score above it is taken as one person. */
  readonly thresholds: readonly number[];
  /**
   * Whether many pairs share a person or a picture (every pair of some people's pictures): then intervals come from
   * drawing people.
   */
  readonly shared: boolean;
  /** Number of worst pairs of each kind. */
  readonly worst: number;
}

export interface Assessment extends Evaluation {
  /**
   * Where the 95 % intervals come from. `clopper-pearson`: exact, with pairs taken as independent (pairs of a list,
   * or fewer than ten people with two pictures). `people`: 1,000 draws of the people. The interval of the equal error
   * rate is always by people, where there are ten.
   */
  readonly intervals: 'clopper-pearson' | 'people';
  readonly people: number;
  readonly eerInterval: Interval | null;
  /**
   * By `people`, pairs of one person and of two count alike; else pairs count as they are. A pair without a face
   * counts as rejected where it is of one person; else it is left out.
   */
  readonly atThresholds: readonly Confusion[];
  /**
   * Indices of comparisons: pairs of two people by falling score, and of one person by rising score; only the worst
   * pair of the same people.
   */
  readonly worst: { readonly impostors: readonly number[]; readonly mates: readonly number[] };
}

/** Assesses compared pairs. */
export function assess(comparisons: readonly PairOfPeople[], { noFace, thresholds, shared, worst }: AssessOptions): Assessment {
  const found = evaluate(comparisons, noFace);
  const rateThresholds = found.rates.flatMap((rate) => (rate.threshold === null ? [] : [rate.threshold]));
  const all = [...thresholds, ...rateThresholds];
  const bootstrap = peopleBootstrap(comparisons, all, reportedFmrs);
  const byPeople = shared ? bootstrap : undefined;
  const rates = found.rates.map((rate, index) => {
    return byPeople && rate.threshold !== null ? ratesByPeople(rate, index, byPeople, all.indexOf(rate.threshold)) : rate;
  });
  return {
    ...found,
    rates,
    intervals: byPeople ? 'people' : 'clopper-pearson',
    people: new Set(comparisons.flatMap(({ people }) => people)).size,
    eerInterval: found.eer !== null && bootstrap ? bootstrap.interval(({ eer }) => eer) : null,
    atThresholds: byPeople ? confusionsByPeople(comparisons, thresholds, byPeople) : thresholds.map((at) => confusionOf(comparisons, at)),
    worst: worstOf(comparisons, worst),
  };
}

function ratesByPeople(rate: RateAtFmr, index: number, bootstrap: PeopleBootstrap, at: number): RateAtFmr {
  if (rate.fnmr === null) return rate;
  const fnmr = bootstrap.interval(({ fnmrs }) => fnmrs[index] as number);
  const measuredFmr = bootstrap.interval(({ accepted }) => accepted[at]?.falseMatched as number);
  const withInterval = ({ rate: value }: ErrorRate, interval: Interval): ErrorRate =>
    value === 0 ? { rate: value, interval, below: Math.min(1, 3 / bootstrap.matedPeople) } : { rate: value, interval };
  return {
    ...rate,
    fnmr: withInterval(rate.fnmr, fnmr),
    measuredFmr: withInterval(rate.measuredFmr, measuredFmr),
    tarInterval: [1 - fnmr[1], 1 - fnmr[0]],
  };
}

/** For independent pairs, as many of one person as of two (as in the lists of LFW). */
function confusionOf(comparisons: readonly PairOfPeople[], threshold: number): Confusion {
  return confusionAt(
    comparisons.flatMap(({ score, same }) => (score === null && !same ? [] : [{ score: score ?? Number.NEGATIVE_INFINITY, same }])),
    threshold,
  );
}

function confusionsByPeople(comparisons: readonly PairOfPeople[], thresholds: readonly number[], bootstrap: PeopleBootstrap): Confusion[] {
  const all = ratesOfAll(comparisons, thresholds, []);
  const counted = comparisons.filter(({ score, same }) => same || score !== null);
  const [pairs, samePairs] = [counted.length, counted.filter(({ same }) => same).length];
  return thresholds.map((threshold, at) => {
    const share = (figure: (hits: number, falseMatches: number) => number): Share => {
      const of = ({ accepted }: DrawnRates) => figure(accepted[at]?.matched as number, accepted[at]?.falseMatched as number);
      const value = of(all);
      return Number.isFinite(value) ? { value, interval: bootstrap.interval(of) } : null;
    };
    return {
      threshold,
      pairs,
      samePairs,
      accuracy: share((hits, wrong) => (hits + 1 - wrong) / 2),
      precision: share((hits, wrong) => hits / (hits + wrong)),
      recall: share((hits) => hits),
      f1: share((hits, wrong) => (2 * hits) / (1 + hits + wrong)),
    };
  });
}

function worstOf(comparisons: readonly PairOfPeople[], count: number): Assessment['worst'] {
  const places = (same: boolean) =>
    comparisons.flatMap((each, index) => (each.same === same && each.score !== null ? [{ index, score: each.score }] : []));
  const first = (sorted: { index: number }[]) => {
    const found = new Map<string, number>();
    for (const { index } of sorted) {
      const people = comparisons[index]?.people.toSorted().join('\n') ?? '';
      if (!found.has(people)) found.set(people, index);
      if (found.size === count) break;
    }
    return [...found.values()];
  };
  return {
    impostors: first(places(false).sort((a, b) => b.score - a.score)),
    mates: first(places(true).sort((a, b) => a.score - b.score)),
  };
}

/** Failures to acquire (ISO/IEC 19795-1): pictures without a face, of all that were read. */
export function failureToAcquire(failed: number, pictures: number): ErrorRate | null {
  if (pictures === 0) return null;
  const rate = { rate: failed / pictures, interval: clopperPearson(failed, pictures) };
  return failed === 0 ? { ...rate, below: Math.min(1, 3 / pictures) } : rate;
}
