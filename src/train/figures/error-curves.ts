/**
 * The curves of an evaluation as plots: ROC (logarithmic false-match rate), DET (both errors as normal deviates: A.
 * Martin et al., The DET curve, Eurospeech 1997), and the distribution of scores.
 */
import type { ComparedPair, RocPoint } from './evaluate.ts';
import type { Plot, PlotPoint, Tick } from './plots.ts';

/** A curve with its name. */
export interface NamedCurve {
  readonly name: string;
  readonly roc: readonly RocPoint[];
  /** Compared pairs of two people, and all pairs of one person: a rate below one of these cannot be observed. */
  readonly impostors: number;
  readonly genuine: number;
}

const marks = [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1];
const percentOf = (rate: number) => `${Number((100 * rate).toPrecision(3))} %`;

/** True accept rate over false-match rate, from the smallest rate that the pairs can show. */
export function rocPlot(curves: readonly NamedCurve[]): Plot {
  const least = Math.max(1e-5, Math.min(...curves.map(({ impostors }) => 1 / Math.max(1, impostors))));
  const from = marks.findLastIndex((mark) => mark <= least * (1 + 1e-9));
  const shown = marks.slice(Math.max(0, from));
  const start = Math.log10(shown[0] ?? 1e-5);
  return {
    title: 'ROC: accepted of one person, over accepted of two',
    x: 'false-match rate',
    y: 'true accept rate',
    range: [0, 1],
    ticks: {
      x: shown.map((rate) => ({ at: Math.log10(rate), label: percentOf(rate) })),
      y: [0, 0.2, 0.4, 0.6, 0.8, 1].map((rate) => ({ at: rate, label: percentOf(rate) })),
    },
    series: curves.map(({ name, roc }) => ({
      name,
      points: thinned(stairs(roc.map(({ fmr, tar }) => ({ x: Math.max(start, Math.log10(fmr)), y: tar })))),
    })),
  };
}

const deviates: readonly number[] = [0.0001, 0.001, 0.01, 0.05, 0.2, 0.4];

/**
 * False non-match rate over false-match rate: a straight line for normal scores; the nearer to the corner the better.
 */
export function detPlot(curves: readonly NamedCurve[]): Plot {
  const [first, last] = [deviates[0] as number, deviates.at(-1) as number];
  const axis: Tick[] = deviates.map((rate) => ({ at: probit(rate), label: percentOf(rate) }));
  const inside = (rate: number) => probit(Math.min(last, Math.max(first, rate)));
  return {
    title: 'DET: rejected of one person, over accepted of two',
    x: 'false-match rate',
    y: 'false non-match rate',
    range: [probit(first), probit(last)],
    ticks: { x: axis, y: axis },
    series: curves.map(({ name, roc, impostors, genuine }) => ({
      name,
      // Neither rate can be observed below one pair.
      points: thinned(
        roc
          .filter(({ fmr, tar }) => fmr >= 1 / impostors && fmr <= last && 1 - tar <= last && 1 - tar >= 1 / genuine - 1e-12)
          .map(({ fmr, tar }) => ({ x: inside(fmr), y: inside(1 - tar) })),
      ),
    })),
  };
}

const bins = 64;

/** The share of the pairs of either kind at each score, percent. */
export function scorePlot(name: string, comparisons: readonly ComparedPair[]): Plot {
  const scores = comparisons.flatMap(({ score }) => (score === null ? [] : [score]));
  const low = scores.reduce((least, score) => Math.min(least, score), Infinity);
  const high = scores.reduce((most, score) => Math.max(most, score), -Infinity);
  const width = (high - low) / bins || 1;
  const share = (same: boolean): PlotPoint[] => {
    const counts = new Array<number>(bins).fill(0);
    const own = comparisons.flatMap((each) => (each.same === same && each.score !== null ? [each.score] : []));
    for (const score of own) {
      const bin = Math.min(bins - 1, Math.floor((score - low) / width));
      counts[bin] = (counts[bin] ?? 0) + 1;
    }
    return counts.map((count, bin) => ({ x: low + (bin + 0.5) * width, y: (100 * count) / (own.length || 1) }));
  };
  return {
    title: `scores of pairs, ${name}`,
    x: `score (${name})`,
    y: 'pairs, percent',
    series: [
      { name: 'two people', points: scores.length > 0 ? share(false) : [] },
      { name: 'one person', points: scores.length > 0 ? share(true) : [] },
    ],
  };
}

/** Between two corners the curve goes along and then up: a threshold does not accept half a pair. */
function stairs(points: readonly PlotPoint[]): PlotPoint[] {
  return points.flatMap((point, index) => {
    const before = points[index - 1];
    return before && before.x !== point.x && before.y !== point.y ? [{ x: point.x, y: before.y }, point] : [point];
  });
}

/** About 600 points at most: the plot has room for no more. */
function thinned(points: readonly PlotPoint[]): PlotPoint[] {
  const stride = Math.ceil(points.length / 600);
  return points.filter((_, index) => index % stride === 0 || index === points.length - 1);
}

/** Inverse of the normal distribution, by bisection of its distribution function. */
export function probit(share: number): number {
  let [low, high] = [-8, 8];
  for (let turn = 0; turn < 60; turn++) {
    const middle = (low + high) / 2;
    if (normalBelow(middle) < share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/**
 * The normal distribution below x: power series near 0, continued fraction in the tails (Abramowitz and Stegun
 * 26.2.11, 26.2.14).
 */
function normalBelow(x: number): number {
  const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  if (Math.abs(x) > 3) {
    let fraction = 0;
    for (let term = 60; term >= 1; term--) fraction = term / (Math.abs(x) + fraction);
    const tail = density / (Math.abs(x) + fraction);
    return x < 0 ? tail : 1 - tail;
  }
  let [term, sum] = [x, x];
  for (let n = 1; n < 100; n++) {
    term *= (x * x) / (2 * n + 1);
    sum += term;
  }
  return 0.5 + density * sum;
}
