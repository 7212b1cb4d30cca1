/** From target false-match rate to logit: the table, the tail beyond it, the policies, and whom matches identify. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Calibration, EmbedderInfo, MeasuredRates } from '../../src/face/port.ts';
import { digestOf } from '../../src/identity/evidence/door.ts';
import type { Match, Threshold } from '../../src/identity/port.ts';
import { fitTail } from '../../src/identity/tail.ts';
import {
  calibrationCurve,
  curvesOf,
  fmrPerComparison,
  galleryThreshold,
  identify,
  noteOf,
  type ThresholdPolicy,
  thresholdsOf,
} from '../../src/identity/threshold.ts';
import { randomOf, unitVector } from '../fakes/embeddings.ts';
import { codeOf } from '../fakes/fault-code.ts';

const manifest = JSON.parse(readFileSync(new URL('../../models/embedder/manifest.json', import.meta.url), 'utf8'));
const shipped: Calibration = manifest.calibration;
const embedder: EmbedderInfo = {
  name: manifest.name,
  version: manifest.version,
  sha256: manifest.sha256,
  dimension: 256,
  head: manifest.head,
  calibration: shipped,
};
const policy: ThresholdPolicy = { policy: 'target-fmr', targetFmr: 1e-4, detection: 0.99, verification: 0.8 };

function calibrationOf(rows: readonly (readonly [fmr: number, logit: number])[], impostorPairs = 1_000_000): Calibration {
  return { population: 'made up', impostorPairs, genuinePairs: 100, table: rows.map(([fmr, logit]) => ({ fmr, logit, fnmr: 0 })) };
}

/** Tables of 2–12 rows of falling rate and rising logit. */
const calibrations = fc
  .record({
    start: fc.double({ min: 0.001, max: 0.9, noNaN: true }),
    logit: fc.double({ min: -20, max: 20, noNaN: true }),
    steps: fc.array(fc.tuple(fc.double({ min: 0.1, max: 0.9, noNaN: true }), fc.double({ min: 0.01, max: 5, noNaN: true })), {
      minLength: 1,
      maxLength: 11,
    }),
  })
  .map(({ start, logit, steps }) => {
    const rows: [number, number][] = [[start, logit]];
    for (const [factor, rise] of steps) {
      const [fmr, at] = rows.at(-1)!;
      rows.push([fmr * factor, at + rise]);
    }
    return calibrationOf(rows);
  });
const rates = fc.double({ min: -30, max: -0.001, noNaN: true }).map(Math.exp);

describe('a calibration table', () => {
  it('is hit exactly at each of its rows, both ways', () => {
    fc.assert(
      fc.property(calibrations, (calibration) => {
        const curve = calibrationCurve(calibration);
        for (const row of calibration.table) {
          expect(curve.logitAt(row.fmr)).toEqual({ logit: row.logit, extrapolated: false });
          expect(curve.fmrAt(row.logit).fmr / row.fmr).toBeCloseTo(1, 9);
          expect(curve.fmrAt(row.logit).extrapolated).toBe(false);
        }
      }),
    );
  });

  it('is read between rows on the logarithm of the rate', () => {
    const curve = calibrationCurve(
      calibrationOf([
        [0.1, 0],
        [0.001, 4],
        [0.0001, 5],
      ]),
    );
    expect(curve.logitAt(0.01).logit).toBeCloseTo(2, 12);
    expect(curve.fmrAt(2).fmr).toBeCloseTo(0.01, 12);
  });

  it('gives the first row for rates above it, and never a rate above 1 below it', () => {
    const curve = calibrationCurve(
      calibrationOf([
        [0.1, 0],
        [0.01, 2],
      ]),
    );
    expect(curve.logitAt(0.5)).toEqual({ logit: 0, extrapolated: false });
    expect(curve.fmrAt(-1).extrapolated).toBe(true);
    expect(curve.fmrAt(-1).fmr).toBeCloseTo(10 ** -0.5, 9);
    expect(curve.fmrAt(-50).fmr).toBe(1);
  });

  it('rises with every stricter rate, without a step at its end, and never below its last row', () => {
    fc.assert(
      fc.property(calibrations, rates, rates, (calibration, a, b) => {
        const curve = calibrationCurve(calibration);
        const [strict, loose] = [Math.min(a, b), Math.max(a, b)];
        const last = calibration.table.at(-1)!;
        expect(curve.logitAt(strict).logit).toBeGreaterThanOrEqual(curve.logitAt(loose).logit - 1e-9);
        expect(curve.logitAt(last.fmr * 0.999999).logit).toBeCloseTo(last.logit, 3);
        const beyond = curve.logitAt(Math.min(strict, last.fmr));
        expect(beyond.logit).toBeGreaterThanOrEqual(last.logit);
        expect(beyond.extrapolated).toBe(strict < last.fmr);
      }),
    );
  });

  it('gives the rate of every threshold that it gave', () => {
    fc.assert(
      fc.property(calibrations, rates, (calibration, rate) => {
        const curve = calibrationCurve(calibration);
        const asked = Math.min(rate, calibration.table[0]!.fmr);
        expect(Math.log(curve.fmrAt(curve.logitAt(asked).logit).fmr)).toBeCloseTo(Math.log(asked), 5);
      }),
    );
  });

  it.each([
    ['one row', [[0.1, 0]]],
    ['no rows', []],
    [
      'rising rates',
      [
        [0.01, 0],
        [0.1, 1],
      ],
    ],
    [
      'falling logits',
      [
        [0.1, 1],
        [0.01, 0],
      ],
    ],
    [
      'a rate of 0',
      [
        [0.1, 1],
        [0, 2],
      ],
    ],
    [
      'a logit that is none',
      [
        [0.1, 1],
        [0.01, Number.NaN],
      ],
    ],
  ] as [string, [number, number][]][])('is refused with %s', (_, rows) => {
    expect(codeOf(() => calibrationCurve(calibrationOf(rows)))).toBe('model-unfit');
  });
});

describe('the shipped strict table', () => {
  it('continues by its last slope, log rate against logit, and says so', () => {
    const curve = calibrationCurve(shipped);
    const [before, last] = [shipped.table.at(-2)!, shipped.table.at(-1)!];
    const slope = (last.logit - before.logit) / Math.log10(before.fmr / last.fmr);
    for (const decades of [0.1, 1, 3])
      expect(curve.logitAt(last.fmr / 10 ** decades)).toEqual({
        logit: expect.closeTo(last.logit + decades * slope, 6),
        extrapolated: true,
      });
    expect(curve.logitAt(last.fmr)).toEqual({ logit: last.logit, extrapolated: false });
  });

  it('is stricter than the table of strangers at every rate', () => {
    const { strict, wild } = curvesOf(shipped);
    for (const power of [-1, -2, -3, -4, -5, -6, -7])
      expect(strict.logitAt(10 ** power).logit).toBeGreaterThan(wild!.logitAt(10 ** power).logit);
  });
});

describe('the layers of a threshold', () => {
  const random = randomOf(1);
  const people = (count: number, each: number) =>
    Array.from({ length: count }, (_, i) => ({ id: `p${i}`, templates: Array.from({ length: each }, () => unitVector(random, 256)) }));

  it('tell what each alone would ask for; a note names those that moved it', () => {
    const threshold = galleryThreshold(policy, embedder);
    threshold.load(people(10, 3));
    const { layers, logit, fmr } = threshold.now;
    expect(layers!.table.fmr).toBeCloseTo(fmrPerComparison(1e-4, 30), 12);
    expect(layers!.chances).toMatchObject({ templates: 30, logit, fmr });
    expect(noteOf(threshold.now).layers).toEqual(['table']);
    expect(threshold.at(1e-3).logit).toBeLessThan(logit);
    expect(threshold.at(1e-4)).toEqual(threshold.now);
  });

  it('follow evidence of this embedder alone', () => {
    const threshold = galleryThreshold(policy, embedder);
    const enrolled = people(10, 1);
    threshold.load(enrolled);
    const before = threshold.now.logit;
    const residents = { people: 10, share: 0, excess: 0 };
    const evidence = { embedder: embedder.sha256, digest: digestOf(enrolled), residents, visitors: { visits: 0, share: 0 } };
    threshold.consider({ ...evidence, embedder: 'another' });
    expect(threshold.now.logit).toBe(before);
    threshold.consider(evidence);
    expect(threshold.now.logit).toBeLessThan(before);
    expect(noteOf(threshold.now).layers).toEqual(['table', 'door']);
    threshold.consider(undefined);
    expect(threshold.now.logit).toBe(before);
  });

  it('of a network with one plain table only tighten, and of the policy of the paper there are none', () => {
    const { wild: _, ...plain } = shipped;
    const threshold = galleryThreshold(policy, { ...embedder, calibration: plain });
    const enrolled = people(20, 1);
    threshold.load(enrolled);
    const before = threshold.now.logit;
    const residents = { people: 20, share: 0, excess: 0 };
    threshold.consider({ embedder: embedder.sha256, digest: digestOf(enrolled), residents, visitors: { visits: 0, share: 0 } });
    expect([threshold.now.logit, threshold.now.layers!.door!.limit]).toEqual([before, 'wild']);
    expect(noteOf(galleryThreshold({ ...policy, policy: 'paper' }, embedder).now).layers).toBeUndefined();
  });
});

describe('the tail beyond a table', () => {
  /** Measured to its end; the shipped table is continued beyond 1e-4 by its own slope. */
  const measured = shipped.wild as MeasuredRates;
  const upTo = (fmr: number) => measured.table.filter((row) => row.fmr >= fmr * 0.999);

  it('finds the scale of an exponential tail and the shape of a Pareto one', () => {
    const fmrs = [1e-3, 3e-4, 1e-4, 3e-5, 1e-5];
    const straight = fitTail(
      fmrs.map((fmr) => ({ fmr, logit: 4 - 1.3 * Math.log(fmr / 1e-3) })),
      1e6,
    );
    expect([straight.shape, straight.scale]).toEqual([0, expect.closeTo(1.3, 3)]);
    const pareto = (fmr: number) => 4 + (0.9 / 0.25) * ((1e-3 / fmr) ** 0.25 - 1);
    const heavy = fitTail(
      fmrs.map((fmr) => ({ fmr, logit: pareto(fmr) })),
      1e6,
    );
    expect(heavy.shape).toBeCloseTo(0.25, 2);
    expect(heavy.logitAt(1e-7)).toBeCloseTo(pareto(1e-7), 1);
  });

  it('is never below the straight continuation of the last two rows', () => {
    fc.assert(
      fc.property(calibrations, fc.double({ min: 1e-9, max: 1, noNaN: true }), (calibration, part) => {
        const [before, last] = [calibration.table.at(-2)!, calibration.table.at(-1)!];
        const slope = (last.logit - before.logit) / Math.log(before.fmr / last.fmr);
        const tail = fitTail(calibration.table, calibration.impostorPairs);
        expect(tail.logitAt(last.fmr * part)).toBeGreaterThanOrEqual(last.logit - slope * Math.log(part) - 1e-9);
        expect(tail.shape).toBeGreaterThanOrEqual(0);
        expect(tail.shape).toBeLessThanOrEqual(0.5);
      }),
    );
  });

  it('foretells the measured table from its rows down to 1e-4: strict by less than half a logit, never lax', () => {
    const tail = fitTail(upTo(1e-4), measured.impostorPairs);
    for (const fmr of [3e-5, 1e-5]) {
      const error = tail.logitAt(fmr) - measured.table.find((row) => row.fmr === fmr)!.logit;
      expect(error).toBeGreaterThan(0);
      expect(error).toBeLessThan(0.5);
    }
  });
});

describe('the threshold of a gallery', () => {
  it('divides the target among the templates so that all together keep it', () => {
    fc.assert(
      fc.property(rates, fc.integer({ min: 1, max: 100_000 }), (target, templates) => {
        const each = fmrPerComparison(target, templates);
        expect(-Math.expm1(templates * Math.log1p(-each)) / target).toBeCloseTo(1, 6);
        expect(each).toBeLessThanOrEqual(target * (1 + 1e-9));
      }),
    );
    expect(fmrPerComparison(1e-4, 0)).toBeCloseTo(1e-4, 12);
  });

  it('never falls with more templates or a stricter target', () => {
    const target = fc.double({ min: 1e-6, max: 0.1, noNaN: true });
    const count = fc.integer({ min: 0, max: 100_000 });
    fc.assert(
      fc.property(target, target, count, count, (a, b, m, n) => {
        const at = (targetFmr: number, templates: number) => thresholdsOf({ ...policy, targetFmr }, embedder)(templates);
        expect(at(a, Math.max(m, n)).logit).toBeGreaterThanOrEqual(at(a, Math.min(m, n)).logit);
        expect(at(Math.min(a, b), m).logit).toBeGreaterThanOrEqual(at(Math.max(a, b), m).logit);
      }),
      { numRuns: 50 },
    );
  });

  it('is the table’s where it reaches, and says so where it does not', () => {
    const at = thresholdsOf(policy, embedder);
    expect(at(1)).toEqual({
      policy: 'target-fmr',
      logit: expect.closeTo(9.4087, 3),
      fmr: expect.closeTo(1e-4, 9),
      extrapolated: false,
      detection: 0.99,
      verification: 0.8,
    });
    expect(at(11).extrapolated).toBe(true);
    expect(at(50).logit).toBeGreaterThan(11.3755);
  });

  it('refuses a target without a calibration and names the remedy; the paper’s policy needs none', () => {
    const { calibration: _, ...bare } = embedder;
    expect(codeOf(() => thresholdsOf(policy, bare))).toBe('model-unfit');
    expect(() => thresholdsOf(policy, bare)).toThrow(/set identity\.policy to "paper", or add a calibration/);
    expect(thresholdsOf({ ...policy, policy: 'paper' }, bare)(50)).toMatchObject({ policy: 'paper', fmr: 1, extrapolated: true });
  });

  it('stands at the detection threshold under the paper’s policy, whatever the gallery’s size', () => {
    const at = thresholdsOf({ ...policy, policy: 'paper' }, embedder);
    expect(at(1).logit).toBeCloseTo(Math.log(99), 9);
    expect(at(1).fmr).toBeGreaterThan(0.01);
    expect(at(1).fmr).toBeLessThan(0.03);
    expect(at(10_000)).toEqual(at(1));
  });

  it.each([
    { targetFmr: 0 },
    { targetFmr: 1 },
    { targetFmr: -0.1 },
    { targetFmr: Number.NaN },
    { targetFmr: 1e-30 }, // no logit of the shipped head is that high
    { detection: 0 },
    { detection: 1 },
    { verification: 0 },
    { verification: 1.01 },
  ])('refuses the impossible %j', (part) => {
    expect(codeOf(() => thresholdsOf({ ...policy, ...part }, embedder))).toBe('bad-config');
  });
});

describe('whom matches identify', () => {
  const match = (personId: string, logit: number, share = 1): Match => ({
    personId,
    logit,
    probability: 1 / (1 + Math.exp(-logit)),
    share,
  });
  const target: Threshold = { policy: 'target-fmr', logit: 8, fmr: 1e-5, extrapolated: false, detection: 0.9, verification: 0.5 };
  const paper: Threshold = { ...target, policy: 'paper', logit: Math.log(9) };

  it('is nobody in an empty gallery or below the threshold', () => {
    expect(identify([], target, 1)).toEqual({ kind: 'nobody' });
    const stranger = match('a', 7.999);
    expect(identify([stranger], target, 1)).toEqual({ kind: 'nobody', best: stranger });
  });

  it('is the best person at or above the threshold', () => {
    const [a, b] = [match('a', 8), match('b', 2)];
    expect(identify([a, b], target, 1)).toEqual({ kind: 'person', match: a });
  });

  it('is ambiguous when another comes within the margin, accepted or not', () => {
    const [a, b, c] = [match('a', 9), match('b', 8), match('c', 7.5)];
    expect(identify([a, b, c], target, 1)).toEqual({ kind: 'ambiguous', matches: [a, b] });
    expect(identify([match('a', 8), c], target, 1)).toEqual({ kind: 'ambiguous', matches: [match('a', 8), c] });
    expect(identify([a, match('b', 9)], target, 0).kind).toBe('ambiguous');
  });

  it('is the best when another is accepted too but further off than the margin', () => {
    const [a, b] = [match('a', 15), match('b', 9)];
    expect(identify([a, b], target, 1.5)).toEqual({ kind: 'person', match: a });
  });

  it('goes by the share of templates under the paper’s policy', () => {
    const [a, b] = [match('a', 9, 0.2), match('b', 8.8, 0.5)];
    expect(identify([a, b], paper, 1)).toEqual({ kind: 'person', match: b });
    expect(identify([a], paper, 1)).toEqual({ kind: 'nobody', best: a });
    const c = match('c', 8.5, 0.9);
    expect(identify([a, b, c], paper, 1)).toEqual({ kind: 'ambiguous', matches: [b, c] });
    expect(identify([a, b, c], paper, 0.1)).toEqual({ kind: 'person', match: b });
  });

  it('never names a person below the threshold, and never names two', () => {
    const matches = fc
      .array(fc.tuple(fc.double({ min: -20, max: 28, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })), { maxLength: 12 })
      .map((list) => list.map(([logit, share], i) => match(`${i}`, logit, share)).sort((x, y) => y.logit - x.logit));
    fc.assert(
      fc.property(matches, fc.constantFrom(target, paper), fc.double({ min: 0, max: 5, noNaN: true }), (list, threshold, margin) => {
        const found = identify(list, threshold, margin);
        const passes = (m: Match) => (threshold.policy === 'paper' ? m.share >= threshold.verification : m.logit >= threshold.logit);
        if (found.kind === 'person') expect(passes(found.match)).toBe(true);
        if (found.kind === 'nobody') expect(list.some(passes)).toBe(false);
        if (found.kind === 'ambiguous') expect(found.matches.length).toBeGreaterThan(1);
      }),
    );
  });
});
