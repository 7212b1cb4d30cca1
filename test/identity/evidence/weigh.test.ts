/** What a door's own evidence may make of the threshold: how far it goes, and where it ends. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Calibration } from '../../../src/face/port.ts';
import { doorLevel } from '../../../src/identity/evidence/weigh.ts';
import type { DoorEvidence, DoorLevel } from '../../../src/identity/port.ts';
import { curvesOf } from '../../../src/identity/threshold.ts';

const manifest = JSON.parse(readFileSync(new URL('../../../models/embedder/manifest.json', import.meta.url), 'utf8'));
const curves = curvesOf(manifest.calibration as Calibration);
const highest = manifest.head.bias as number;
const none = { people: 0, share: 0, excess: 0 };
const evidenceOf = (part: Partial<DoorEvidence>): DoorEvidence => ({
  embedder: 'e',
  digest: 'd',
  residents: none,
  visitors: { visits: 0, share: 0 },
  ...part,
});
const levelAt = (fmr: number, evidence: DoorEvidence, part: { digest?: string; wild?: undefined } = {}): DoorLevel =>
  doorLevel({ ...curves, fmr, digest: 'd', highest, ...part }, evidence);
const plain = (fmr: number) => curves.strict.logitAt(fmr).logit;

const rates = fc.double({ min: Math.log(1e-8), max: Math.log(1e-2), noNaN: true }).map(Math.exp);
const shares = fc.double({ min: 0, max: 1, noNaN: true });
/** No score counts for more than the logarithm from one in a hundred to one in 100,000. */
const exceedances = (mostPeople: number) =>
  fc
    .record({
      people: fc.integer({ min: 0, max: mostPeople }),
      share: shares,
      each: fc.double({ min: 0, max: Math.log(1000), noNaN: true }),
    })
    .map(({ people, share, each }) => ({ people, share, excess: share * each }));
const evidences = (mostPeople = 1000) =>
  fc
    .record({
      residents: exceedances(mostPeople),
      cohort: fc.option(exceedances(300), { nil: undefined }),
      visitors: fc.record({ visits: fc.integer({ min: 0, max: 200 }), share: shares }),
    })
    .map(({ cohort, ...rest }) => evidenceOf({ ...rest, ...(cohort && { cohort }) }));

describe('a door without evidence', () => {
  it('keeps the calibration table', () => {
    fc.assert(
      fc.property(rates, (fmr) => {
        expect(levelAt(fmr, evidenceOf({})).logit).toBeCloseTo(plain(fmr), 9);
        expect(levelAt(fmr, evidenceOf({})).effect).toBe('none');
      }),
    );
  });
});

describe('evidence', () => {
  it('only tightens with fewer than eight people', () => {
    fc.assert(
      fc.property(rates, evidences(7), (fmr, evidence) => {
        expect(levelAt(fmr, evidence).logit).toBeGreaterThanOrEqual(Math.min(plain(fmr), highest) - 1e-9);
      }),
    );
    expect(levelAt(1e-5, evidenceOf({ residents: { ...none, people: 7 } }))).toMatchObject({ effect: 'none', limit: 'few-people' });
  });

  it('loosens from eight people on, the more the more there are, as if the stranger were of a kind with some of them', () => {
    const at = (people: number) => levelAt(1e-6, evidenceOf({ residents: { people, share: 0, excess: 0 } }));
    expect(at(8).effect).toBe('loosened');
    const logits = [8, 20, 40, 100].map((people) => at(people).logit);
    expect(logits).toEqual(logits.toSorted((a, b) => b - a));
    for (const people of [8, 20, 40, 1000]) {
      const times = curves.strict.fmrAt(at(people).logit).fmr / 1e-6;
      expect(times).toBeLessThanOrEqual((1 + people / 4) * (1 + 1e-6));
    }
  });

  it('weighs how far the likenesses of the enrolled lie beyond the level as four people of the table would', () => {
    // 20 people, one pair in a hundred beyond it, twice as far as those of the table: (4·0.01 + 20·0.02) / (4·0.01 + 20·0.01).
    const relatives = evidenceOf({ residents: { people: 20, share: 0.01, excess: 0.02 } });
    const asked = 0.01 * (1e-3 / 0.01) ** (0.44 / 0.24);
    expect(levelAt(1e-3, relatives)).toMatchObject({ effect: 'tightened', logit: expect.closeTo(plain(asked), 9) });
  });

  it('never loosens below the table of strangers, nor without one, nor of other people than those enrolled', () => {
    fc.assert(
      fc.property(rates, evidences(), (fmr, evidence) => {
        const floor = Math.min(highest, curves.wild!.logitAt(fmr).logit);
        expect(levelAt(fmr, evidence).logit).toBeGreaterThanOrEqual(floor - 1e-9);
        for (const bound of [levelAt(fmr, evidence, { wild: undefined }), levelAt(fmr, evidence, { digest: 'others' })])
          expect(bound.logit).toBeGreaterThanOrEqual(Math.min(plain(fmr), highest) - 1e-9);
      }),
    );
    const loose = evidenceOf({ residents: { people: 40, share: 0, excess: 0 } });
    expect(levelAt(1e-5, loose, { digest: 'others' }).limit).toBe('outdated');
    expect(levelAt(1e-5, loose, { wild: undefined })).toMatchObject({ effect: 'none', limit: 'wild' });
  });

  it('never tightens beyond a tenth of the rate, whoever stands there', () => {
    fc.assert(
      fc.property(rates, evidences(), (fmr, evidence) => {
        const { logit } = levelAt(fmr, evidence);
        expect(logit).toBeLessThanOrEqual(Math.max(plain(fmr / 10), curves.wild!.logitAt(fmr).logit) + 1e-9);
        expect(logit).toBeLessThanOrEqual(highest);
      }),
    );
    const twins = evidenceOf({ residents: { people: 2, share: 1, excess: Math.log(1000) } });
    expect(levelAt(1e-5, twins)).toMatchObject({ logit: plain(1e-6), effect: 'tightened', limit: 'bound' });
  });

  it('of visitors only tightens, by half a power of ten at most', () => {
    fc.assert(
      fc.property(rates, evidences(), (fmr, evidence) => {
        const without = levelAt(fmr, { ...evidence, visitors: { visits: 0, share: 0 } });
        const { logit } = levelAt(fmr, evidence);
        expect(logit).toBeGreaterThanOrEqual(without.logit - 1e-9);
        const times = curves.strict.fmrAt(without.logit).fmr / curves.strict.fmrAt(logit).fmr;
        expect(times).toBeLessThanOrEqual(Math.sqrt(10) * (1 + 1e-6));
      }),
    );
  });

  it('tightens where the enrolled resemble each other more than the table has it', () => {
    const alike = levelAt(1e-5, evidenceOf({ residents: { people: 20, share: 0.05, excess: 0.05 } }));
    expect(alike.effect).toBe('tightened');
    expect(alike.logit).toBeGreaterThan(plain(1e-5) + 0.5);
  });

  it('of a cohort that this camera makes alike raises the floor', () => {
    const loose = { people: 100, share: 0, excess: 0 };
    const clear = levelAt(1e-5, evidenceOf({ residents: loose }));
    const dim = levelAt(1e-5, evidenceOf({ residents: loose, cohort: { people: 267, share: 0.6, excess: 1.2 } }));
    expect(dim.logit).toBeGreaterThan(clear.logit);
    expect(dim.limit).toBe('cohort');
  });
});
