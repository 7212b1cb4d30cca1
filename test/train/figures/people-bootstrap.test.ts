/** Intervals by drawing people anew: the same figures as elsewhere where nobody is drawn, wider where pairs share people, never nothing where no error was seen. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newRandom, normal } from '../../../src/base/random.ts';
import { assess } from '../../../src/train/figures/assessment.ts';
import { clopperPearson } from '../../../src/train/figures/binomial.ts';
import { evaluate } from '../../../src/train/figures/evaluate.ts';
import { type PairOfPeople, peopleBootstrap, ratesOfAll } from '../../../src/train/figures/people-bootstrap.ts';

/** Everyone has pictures that are alike by chance and by who it is: `own` says how much of the scores the people decide. */
function crowd(people: number, pictures: number, own: number, seed: number, gap = 2): PairOfPeople[] {
  const random = newRandom(seed);
  const habits = Array.from({ length: people }, () => own * normal(random));
  const out: PairOfPeople[] = [];
  const add = (one: number, other: number) => {
    const same = one === other;
    const score = (same ? gap : 0) + (habits[one] as number) + (same ? 0 : (habits[other] as number)) + normal(random);
    out.push({ score, same, fold: (one + other) % 10, people: [`p${one}`, `p${other}`] });
  };
  for (let one = 0; one < people; one++) {
    for (let pair = 0; pair < (pictures * (pictures - 1)) / 2; pair++) add(one, one);
    for (let other = one + 1; other < people; other++) for (let pair = 0; pair < pictures; pair++) add(one, other);
  }
  return out;
}

/** Every pair of one person against every pair of two; equal scores count half, one without a face is below all. */
function areaByCounting(comparisons: readonly PairOfPeople[]): number {
  const [same, two] = [true, false].map((kind) => comparisons.filter((each) => each.same === kind)) as [PairOfPeople[], PairOfPeople[]];
  const others = two.flatMap(({ score }) => (score === null ? [] : [score]));
  const above = (score: number) => others.reduce((sum, other) => sum + (score > other ? 1 : score === other ? 0.5 : 0), 0);
  return same.reduce((sum, { score }) => sum + (score === null ? 0 : above(score)), 0) / (same.length * others.length);
}

const options = { noFace: 0, thresholds: [0.5, 1.5], shared: true, worst: 3 };

describe('rates with everyone counted once', () => {
  it('are those of the evaluation, whatever the scores, ties and missing faces', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), fc.constantFrom(2, 10, 1e6), (seed, levels) => {
        const random = newRandom(seed);
        const comparisons = crowd(12, 6, 1, seed).map((each): PairOfPeople => {
          return { ...each, score: random() < 0.05 ? null : Math.round(levels * (each.score ?? 0)) / levels };
        });
        const found = evaluate(comparisons, 0);
        const thresholds = found.rates.flatMap(({ threshold }) => (threshold === null ? [] : [threshold]));
        const rates = ratesOfAll(comparisons, thresholds, [0.1, 0.01]);
        expect(rates.eer).toBeCloseTo(found.eer!, 9);
        expect(rates.auc).toBeCloseTo(areaByCounting(comparisons), 9);
        for (const [index, rate] of found.rates.entries()) {
          if (rate.fnmr === null) continue;
          expect(rates.fnmrs[index]).toBeCloseTo(rate.fnmr.rate, 9);
          expect(rates.accepted[index]!.falseMatched).toBeCloseTo(rate.measuredFmr.rate, 9);
          expect(rates.accepted[index]!.matched).toBeCloseTo(rate.tar, 9);
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe('the interval', () => {
  it('is wider than one for independent pairs where people decide the scores, and lies about the figure', () => {
    const comparisons = crowd(30, 6, 1, 5);
    const [byPeople, byPairs] = [assess(comparisons, options), assess(comparisons, { ...options, shared: false })];
    expect([byPeople.intervals, byPairs.intervals]).toEqual(['people', 'clopper-pearson']);
    const [wide, narrow] = [byPeople.rates[1]!.fnmr!, byPairs.rates[1]!.fnmr!];
    expect(wide.rate).toBe(narrow.rate);
    expect(wide.interval[1] - wide.interval[0]).toBeGreaterThan(1.5 * (narrow.interval[1] - narrow.interval[0]));
    expect(wide.interval[0]).toBeLessThan(wide.rate);
    expect(wide.interval[1]).toBeGreaterThan(wide.rate);
    expect(byPeople.eerInterval![0]).toBeLessThan(byPeople.eer!);
    expect(byPeople.eerInterval![1]).toBeGreaterThan(byPeople.eer!);
  });

  it('holds the truth about as often as it says, where one for independent pairs does not', () => {
    // Accepted of one person above the gap: half of all people there are, by symmetry.
    const trials = Array.from({ length: 60 }, (_, trial) => {
      const comparisons = crowd(40, 4, 1.5, 100 + trial).filter(({ same }) => same);
      const held = (interval: readonly [number, number]) => interval[0] <= 0.5 && interval[1] >= 0.5;
      const bootstrap = peopleBootstrap(comparisons, [2], [])!;
      const accepted = comparisons.filter(({ score }) => (score ?? 0) > 2).length;
      return [held(bootstrap.interval((rates) => rates.accepted[0]!.matched)), held(clopperPearson(accepted, comparisons.length))];
    });
    const share = (which: 0 | 1) => trials.filter((trial) => trial[which]).length / trials.length;
    expect(share(0)).toBeGreaterThan(0.85);
    expect(share(1)).toBeLessThan(0.8);
  });

  it('of an error that was not seen reaches to 3 / people', () => {
    const apart = crowd(20, 4, 0, 3, 100);
    const { rates, atThresholds, eerInterval } = assess(apart, { ...options, thresholds: [50] });
    expect(rates[0]!.fnmr).toEqual({ rate: 0, interval: [0, 0.15], below: 0.15 });
    expect(atThresholds[0]!.accuracy).toEqual({ value: 1, interval: [0.85, 1] });
    expect(eerInterval).toEqual([0, 0.15]);
  });

  it('of fewer than ten people is the exact one, as if pairs were independent', () => {
    expect(peopleBootstrap(crowd(9, 4, 1, 1), [0], [])).toBeUndefined();
    expect(assess(crowd(9, 4, 1, 1), options)).toMatchObject({ intervals: 'clopper-pearson', people: 9, eerInterval: null });
    // Many strangers do not help where one person alone has two pictures: that one's errors say nothing of others'.
    const alone = crowd(40, 6, 1, 1).filter(({ same, people: [one] }) => !same || one === 'p0');
    expect(assess(alone, options)).toMatchObject({ intervals: 'clopper-pearson', people: 40, eerInterval: null });
  });
});

describe('an assessment', () => {
  it('weighs pairs of one and of two people alike, however many there are of each', () => {
    const [few, many] = [crowd(30, 4, 0, 8), crowd(30, 4, 0, 8)];
    const doubled = [...many, ...many.filter(({ same }) => !same)];
    const figures = (comparisons: PairOfPeople[]) => assess(comparisons, options).atThresholds[0]!;
    for (const name of ['accuracy', 'precision', 'recall', 'f1'] as const)
      expect(figures(doubled)[name]!.value).toBeCloseTo(figures(few)[name]!.value, 9);
    // Normal scores with the middle between 0 and 2 told apart by any threshold near it: at 0.5, (Φ(1.5) + Φ(0.5)) / 2.
    expect(figures(few).accuracy!.value).toBeCloseTo(0.812, 1);
  });

  it('names the worst pair of any two people, and of any one, by their places', () => {
    const pair = (score: number, one: string, other = one): PairOfPeople => ({ score, same: one === other, fold: 0, people: [one, other] });
    const comparisons = [
      pair(1, 'a', 'b'),
      pair(9, 'b', 'a'),
      pair(8, 'a', 'b'),
      pair(5, 'c', 'a'),
      pair(3, 'a'),
      pair(2, 'a'),
      pair(4, 'c'),
    ];
    expect(assess(comparisons, { ...options, worst: 2 }).worst).toEqual({ impostors: [1, 3], mates: [5, 6] });
  });

  it('never says NaN or Infinity, which JSON does not know', () => {
    const onlyMates = crowd(12, 3, 1, 4).filter(({ same }) => same);
    const blind = crowd(12, 3, 1, 4).map((each) => ({ ...each, score: null }));
    for (const comparisons of [[], onlyMates, blind, crowd(3, 2, 1, 2)]) {
      const found = assess(comparisons, options);
      expect(JSON.parse(JSON.stringify(found))).toEqual(found);
    }
  });
});
