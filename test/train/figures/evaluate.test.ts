/** Evaluation: pair lists as LFW writes them, and figures held to closed forms and to the reference pipeline's way. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fault } from '../../../src/base/errors.ts';
import { readPairs } from '../../../src/train/data/pairs.ts';
import { clopperPearson } from '../../../src/train/figures/binomial.ts';
import { type ComparedPair, evaluate } from '../../../src/train/figures/evaluate.ts';
import { randomOf } from '../../fakes/embeddings.ts';
import { sharedData } from '../../fakes/shared-data.ts';

const viewOne = ['2', 'Ada\t1\t2', 'Bob\t3\t14', 'Ada\t1\tBob\t2', 'Cy\t1\tDan\t1'];
const viewTwo = ['3\t1', 'Ada\t1\t2', 'Ada\t1\tBob\t2', 'Bob\t1\t2', 'Bob\t1\tCy\t2', 'Cy\t1\t2', 'Cy\t1\tDan\t2'];
const read = (lines: readonly string[]) => readPairs(lines.join('\n'), 'pairs.txt');

describe('a list of pairs', () => {
  it('of View 1 gives the pairs, cross-validated in ten parts', () => {
    expect(read(viewOne)).toEqual({
      view: 1,
      pairs: [
        { a: 'Ada/Ada_0001.jpg', b: 'Ada/Ada_0002.jpg', same: true, fold: 0 },
        { a: 'Bob/Bob_0003.jpg', b: 'Bob/Bob_0014.jpg', same: true, fold: 1 },
        { a: 'Ada/Ada_0001.jpg', b: 'Bob/Bob_0002.jpg', same: false, fold: 2 },
        { a: 'Cy/Cy_0001.jpg', b: 'Dan/Dan_0001.jpg', same: false, fold: 3 },
      ],
    });
  });

  it('of View 2 gives the folds of the list', () => {
    const { view, pairs } = read(viewTwo);
    expect([view, pairs.map((pair) => [pair.same, pair.fold])]).toEqual([
      2,
      [
        [true, 0],
        [false, 0],
        [true, 1],
        [false, 1],
        [true, 2],
        [false, 2],
      ],
    ]);
  });

  it('may end lines the Windows way, in blank lines, and begin with a byte order mark', () => {
    expect(readPairs(`\ufeff${viewOne.join('\r\n')}\r\n\r\n`, 'pairs.txt')).toEqual(read(viewOne));
  });

  it.each([
    [1, 'no number', ['pairs', ...viewOne.slice(1)]],
    [1, 'nothing', []],
    [1, 'none announced', ['0']],
    [3, 'a letter for a number', viewOne.with(2, 'Bob\t3\tx')],
    [3, 'a number of 0', viewOne.with(2, 'Bob\t0\t1')],
    [3, 'spaces for tabs', viewOne.with(2, 'Bob 3 14')],
    [3, 'a line left out', viewOne.with(2, '')],
    [4, 'a matched pair among the mismatched', viewOne.with(3, 'Ada\t1\t2')],
    [4, 'one person as two', viewOne.with(3, 'Ada\t1\tAda\t2')],
    [5, 'a way out of the folder', viewOne.with(4, '../etc\t1\tDan\t1')],
    [5, 'a path for a name', viewOne.with(4, 'Cy\t1\ta/b\t1')],
    [4, 'too few', viewOne.slice(0, 4)],
    [6, 'too many', [...viewOne, 'Eve\t1\tDan\t1']],
    [3, 'folds of another size', viewTwo.with(0, '1\t2').slice(0, 5)],
  ])('is refused at line %i for %s', (line, _, lines) => {
    try {
      read(lines);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(Fault);
      expect(error).toMatchObject({ code: 'bad-argument', message: expect.stringContaining(`pairs.txt, line ${line}: `) });
    }
  });

  const lfw = sharedData('lfw-view1') ?? '';
  it.skipIf(lfw === '')('of LFW is read whole (skipped where ../shared/data is absent)', () => {
    const { view, pairs } = readPairs(readFileSync(join(lfw, 'pairsDevTest.txt'), 'utf8'), 'pairsDevTest.txt');
    expect([view, pairs.length, pairs.filter((pair) => pair.same).length]).toEqual([1, 1000, 500]);
    expect(pairs[500]).toEqual({ a: 'AJ_Lamas/AJ_Lamas_0001.jpg', b: 'Zach_Safrin/Zach_Safrin_0001.jpg', same: false, fold: 0 });
    expect(pairs.every(({ a, b }) => existsSync(join(lfw, a)) && existsSync(join(lfw, b)))).toBe(true);
  });
});

/** Evenly spread scores: impostors over 0…1, genuine pairs over shift…1 + shift. Every figure has a closed form. */
function spread(count: number, shift: number): ComparedPair[] {
  return Array.from({ length: 2 * count }, (_, i) => {
    const same = i < count;
    return { score: ((i % count) + 0.5) / count + (same ? shift : 0), same, fold: i % 10 };
  });
}

/** Every genuine pair scores 1, every impostor 0. */
const apart = (count: number): ComparedPair[] =>
  Array.from({ length: 2 * count }, (_, i) => ({ score: i < count ? 1 : 0, same: i < count, fold: i % 10 }));

/** `rates` of reference_pipeline.py, word by word, but every score tried where there are few. */
function referenceAccuracy(comparisons: readonly ComparedPair[]): { mean: number; populationError: number } {
  const shares = [...new Set(comparisons.map((each) => each.fold))].map((fold) => {
    const others = comparisons.filter((each) => each.fold !== fold);
    const own = comparisons.filter((each) => each.fold === fold);
    const right = (of: readonly ComparedPair[], threshold: number) => of.filter((each) => each.score! > threshold === each.same).length;
    const distinct = [...new Set(others.map((each) => each.score!))].sort((a, b) => a - b);
    const candidates = distinct.length < 500 ? distinct : distinct.filter((_, i) => i % 5 === 0);
    const counts = candidates.map((threshold) => right(others, threshold));
    return right(own, candidates[counts.indexOf(Math.max(...counts))]!) / own.length;
  });
  const mean = shares.reduce((a, b) => a + b) / shares.length;
  const spreadOf = shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / shares.length;
  return { mean: 100 * mean, populationError: (100 * Math.sqrt(spreadOf)) / Math.sqrt(shares.length) };
}

describe('accuracy', () => {
  it('is the reference pipeline’s, whatever the scores', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 30, max: 400 }), fc.constantFrom(3, 40, 1e6), (seed, count, levels) => {
        const random = randomOf(seed);
        const comparisons = Array.from({ length: 2 * count }, (_, i): ComparedPair => {
          const same = i < count;
          return { score: Math.round(levels * (random() + (same ? 0.4 : 0))) / levels, same, fold: i % 10 };
        });
        const ours = evaluate(comparisons, 0);
        const theirs = referenceAccuracy(comparisons);
        expect(ours.accuracy).toBeCloseTo(theirs.mean, 9);
        expect(ours.standardError! * Math.sqrt(9 / 10)).toBeCloseTo(theirs.populationError, 9);
        expect(ours.folds).toBe(10);
      }),
      { numRuns: 40 },
    );
  });

  it('is 100 ± 0 % where the two kinds lie apart', () => {
    expect(evaluate(apart(100), 0)).toMatchObject({ accuracy: 100, standardError: 0, eer: 0 });
  });

  it('is a half plus half the shift for even spreads', () => {
    expect(evaluate(spread(5000, 0.5), 0).accuracy).toBeCloseTo(75, 0);
  });

  it('counts a pair without a face as wrong, of either kind', () => {
    const comparisons = apart(100).map((each, i) => (i === 0 || i === 150 ? { ...each, score: null } : each));
    const result = evaluate(comparisons, 3);
    expect(result).toMatchObject({ noFace: 3, notCompared: 2, pairs: 200, genuine: 100, impostors: 100 });
    expect(result.accuracy).toBeCloseTo(99, 9);
  });
});

describe('rates', () => {
  it('of even spreads have their closed forms: EER (1 − s) / 2, accepted at rate q: q + s', () => {
    const shift = 0.5;
    const result = evaluate(spread(30_000, shift), 0);
    expect(result.eer).toBeCloseTo((1 - shift) / 2, 4);
    for (const row of result.rates) {
      expect(row.tar).toBeCloseTo(row.fmr + shift, 4);
      if (row.tar === null) continue;
      expect(row.fnmr.rate).toBeCloseTo(1 - row.fmr - shift, 4);
      expect(row.threshold).toBeCloseTo(1 - row.fmr, 4);
      expect(row.measuredFmr.rate).toBeLessThanOrEqual(row.fmr + 1e-12);
      expect(row.measuredFmr.rate).toBeCloseTo(row.fmr, 4);
      expect(row.tarInterval[0]).toBeLessThan(row.tar);
      expect(row.tarInterval[1]).toBeGreaterThan(row.tar);
    }
  });

  it('of a small known case', () => {
    // 40 impostors at 1…40, 30 genuine at 35.5…64.5: at 0.1 four impostors pass (37…40), and only 35.5 is rejected.
    const comparisons = [
      ...Array.from({ length: 40 }, (_, i) => ({ score: i + 1, same: false, fold: i % 10 })),
      ...Array.from({ length: 30 }, (_, i) => ({ score: i + 35.5, same: true, fold: i % 10 })),
    ];
    const [row] = evaluate(comparisons, 0).rates;
    expect(row).toMatchObject({ fmr: 0.1, threshold: 36, measuredFmr: { rate: 0.1 }, fnmr: { rate: 1 / 30 }, tar: 29 / 30 });
    expect(evaluate(comparisons, 0).eer).toBeCloseTo(3 / 40, 12); // crossed between 38 and 37.5: three impostors in, then the genuine 37.5
  });

  it('never pass more impostors than asked, also where scores are equal', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 30, max: 400 }), fc.integer({ min: 1, max: 50 }), (seed, count, levels) => {
        const random = randomOf(seed);
        const comparisons = Array.from({ length: 2 * count }, (_, i) => {
          return { score: Math.round(levels * random()), same: i < count, fold: i % 10 };
        });
        for (const row of evaluate(comparisons, 0).rates) if (row.tar !== null) expect(row.measuredFmr.rate).toBeLessThanOrEqual(row.fmr);
      }),
      { numRuns: 50 },
    );
  });

  it('that the number of pairs cannot support are refused with the reason', () => {
    const { rates, eer } = evaluate(spread(500, 0.5), 0);
    expect(rates.map((row) => row.fnmr !== null)).toEqual([true, true, false, false]);
    expect(rates[2]).toEqual({
      fmr: 0.001,
      threshold: null,
      fnmr: null,
      tar: null,
      reason: 'needs at least 3000 mismatched pairs (rule of three), there are 500',
    });
    expect(eer).toBeCloseTo(0.25, 2);
    expect(evaluate(spread(3000, 0.5), 0).rates.map((row) => row.fnmr !== null)).toEqual([true, true, true, false]);
    for (const few of [[], spread(29, 0.5)]) {
      const result = evaluate(few, 0);
      expect(result).toMatchObject({ accuracy: null, standardError: null, eer: null, reason: expect.stringContaining('at least 30') });
      expect(result.rates.every((row) => row.fnmr === null)).toBe(true);
    }
  });

  it('count a genuine pair without a face as rejected, and leave such an impostor pair out', () => {
    const comparisons = spread(100, 2).map((each, i) => (i < 10 || i >= 190 ? { ...each, score: null } : each));
    const [row] = evaluate(comparisons, 20).rates;
    expect(row).toMatchObject({ fnmr: { rate: 0.1 }, measuredFmr: { rate: 9 / 90 } });
  });

  it('of which no error was seen say what they may be at most', () => {
    const [row] = evaluate(spread(300, 2), 0).rates;
    expect(row!.fnmr).toEqual({ rate: 0, interval: [0, expect.closeTo(1 - 0.025 ** (1 / 300), 9)], below: 0.01 });
    expect(row!.tar).toBe(1);
  });

  it('never say NaN or Infinity, which JSON does not know', () => {
    for (const comparisons of [spread(50, 0.3), spread(50, 2), spread(3, 0), spread(50, 0.3).map((each) => ({ ...each, score: null }))]) {
      const result = evaluate(comparisons, 0);
      expect(JSON.parse(JSON.stringify(result))).toEqual(result);
    }
  });
});

describe('the ROC curve', () => {
  it('rises from nothing accepted to everything, and each point is what its threshold gives', () => {
    const random = randomOf(5);
    const comparisons = Array.from({ length: 300 }, (_, i) => ({
      score: Math.round(40 * random()) + (i < 150 ? 8 : 0),
      same: i < 150,
      fold: i % 10,
    }));
    const { roc } = evaluate(comparisons, 0);
    expect(roc[0]).toMatchObject({ fmr: 0, tar: 0 });
    expect(roc.at(-1)).toEqual({ threshold: null, fmr: 1, tar: 1 });
    for (const [i, point] of roc.entries()) {
      if (i > 0) expect(point.fmr >= roc[i - 1]!.fmr && point.tar >= roc[i - 1]!.tar).toBe(true);
      if (point.threshold === null) continue;
      const passing = (same: boolean) => comparisons.filter((each) => each.same === same && each.score > point.threshold!).length / 150;
      expect([point.fmr, point.tar]).toEqual([passing(false), passing(true)]);
    }
  });
});

describe('the Clopper–Pearson interval', () => {
  it('has its closed forms where none or all hit', () => {
    for (const n of [1, 10, 500, 100_000]) {
      expect(clopperPearson(0, n)).toEqual([0, expect.closeTo(1 - 0.025 ** (1 / n), 10)]);
      expect(clopperPearson(n, n)).toEqual([expect.closeTo(0.025 ** (1 / n), 10), 1]);
    }
  });

  it('is the tabled one', () => {
    // R: binom.test(5, 10), binom.test(1, 100)
    expect(clopperPearson(5, 10).map((x) => x.toFixed(4))).toEqual(['0.1871', '0.8129']);
    expect(clopperPearson(1, 100).map((x) => x.toFixed(5))).toEqual(['0.00025', '0.05446']);
  });

  it('leaves 2.5 % beyond each end, by the binomial sum itself', () => {
    const upTo = (k: number, n: number, p: number) => {
      let [logTerm, sum] = [n * Math.log1p(-p), 0];
      for (let i = 0; i <= k; i++) {
        sum += Math.exp(logTerm);
        logTerm += Math.log((n - i) / (i + 1)) + Math.log(p) - Math.log1p(-p);
      }
      return sum;
    };
    const cases = fc.integer({ min: 2, max: 200 }).chain((n) => fc.tuple(fc.constant(n), fc.integer({ min: 1, max: n - 1 })));
    fc.assert(
      fc.property(cases, ([n, k]) => {
        const [low, high] = clopperPearson(k, n);
        expect(upTo(k, n, high)).toBeCloseTo(0.025, 6);
        expect(1 - upTo(k - 1, n, low)).toBeCloseTo(0.025, 6);
      }),
    );
  });
});
