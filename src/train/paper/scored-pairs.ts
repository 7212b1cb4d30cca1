/**
 * Compared pairs as a cell keeps them, and what is computed from them. In: scores with numbers for the people. Out:
 * figures at a threshold and the area under the ROC, with 95 % intervals over people.
 */
import type { Part, PicturePair } from '../data/dataset.ts';
import type { Interval } from '../figures/binomial.ts';
import { type DrawnRates, middleOf, type PairOfPeople, peopleBootstrap, ratesOfAll } from '../figures/people-bootstrap.ts';

/** A compared pair: its score, whether it shows one person, and numbers of the people in it. */
export type ScoredPair = readonly [score: number, same: 0 | 1, first: number, second: number];

/** The pairs with numbers for the people of the part: the figures do not need their names. */
export function numbered(scored: readonly { readonly pair: PicturePair; readonly score: number }[], { subjects }: Part): ScoredPair[] {
  const people = new Map(subjects.flatMap(({ first, second }, index) => [...first, ...second].map((path) => [path, index] as const)));
  const personIn = (path: string) => people.get(path) ?? -1;
  return scored.map(({ score, pair: { first, second, same } }) => [score, same ? 1 : 0, personIn(first), personIn(second)]);
}

export const figureNames = ['accuracy', 'recall', 'precision', 'f1', 'auc'] as const;
export type FigureName = (typeof figureNames)[number];

/** Each 0…1. */
export interface Figure {
  /** Not a number where there is nothing to count. */
  readonly value: number;
  /** Undefined where there are too few people. */
  readonly interval: Interval | undefined;
}

/** Whatever the cell, a pair counts as one of one person above this score. */
const threshold = 0.5;

/** All figures of the pairs, and how they vary when the people are drawn. */
export interface PairFigures {
  readonly figures: Readonly<Record<FigureName, Figure>>;
  /** Of each draw; undefined where there are too few people. */
  readonly drawn: Readonly<Record<FigureName, readonly number[]>> | undefined;
}

export function pairFigures(pairs: readonly ScoredPair[]): PairFigures {
  const comparisons = pairs.map(
    ([score, same, first, second]): PairOfPeople => ({ score, same: same === 1, fold: 0, people: [String(first), String(second)] }),
  );
  const same = pairs.filter(([, one]) => one === 1).length;
  const of = figuresAt(same, pairs.length - same);
  const all = ratesOfAll(comparisons, [threshold], []);
  const bootstrap = peopleBootstrap(comparisons, [threshold], []);
  const each = <T>(make: (name: FigureName) => T) =>
    Object.fromEntries(figureNames.map((name) => [name, make(name)])) as Record<FigureName, T>;
  return {
    figures: each((name) => ({ value: of[name](all), interval: bootstrap?.interval(of[name]) })),
    drawn: bootstrap && each((name) => bootstrap.drawn.map(of[name])),
  };
}

function figuresAt(same: number, different: number): Readonly<Record<FigureName, (rates: DrawnRates) => number>> {
  const hits = ({ accepted }: DrawnRates) => same * (accepted[0]?.matched ?? Number.NaN);
  const wrong = ({ accepted }: DrawnRates) => different * (accepted[0]?.falseMatched ?? Number.NaN);
  return {
    accuracy: (rates) => (hits(rates) + different - wrong(rates)) / (same + different),
    recall: (rates) => hits(rates) / same,
    precision: (rates) => hits(rates) / (hits(rates) + wrong(rates)),
    f1: (rates) => (2 * hits(rates)) / (hits(rates) + wrong(rates) + same),
    auc: ({ auc }) => auc,
  };
}

/** How much higher a figure is on the same pairs, with the interval of the difference: both are drawn alike. */
export function gain(of: PairFigures, over: PairFigures, name: FigureName): Figure {
  const [a, b] = [of.drawn?.[name], over.drawn?.[name]];
  return {
    value: of.figures[name].value - over.figures[name].value,
    interval: a && b && middleOf(a.map((value, index) => value - (b[index] as number))),
  };
}
