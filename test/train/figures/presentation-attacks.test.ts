/** Figures of ISO/IEC 30107-3 from what presentations were judged. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clopperPearson } from '../../../src/train/figures/binomial.ts';
import { type JudgedPresentation, presentationFigures } from '../../../src/train/figures/presentation-attacks.ts';

const judged = (instrument: string, verdict: JudgedPresentation['verdict'], score?: number): JudgedPresentation => ({
  instrument,
  verdict,
  ...(score !== undefined && { score }),
});
const target = 0.05;

describe('at the operating point', () => {
  const figures = presentationFigures(
    [
      ...Array.from({ length: 7 }, () => judged('live', 'live', 3)),
      judged('live', 'spoof', -2),
      judged('live', 'unsure', 0.1),
      judged('live', 'no-face'),
      ...Array.from({ length: 4 }, () => judged('print', 'spoof', -3)),
      judged('print', 'unsure', 0),
      ...Array.from({ length: 3 }, () => judged('phone', 'spoof', -3)),
      judged('phone', 'live', 4),
      judged('phone', 'not-checked'),
    ],
    { target },
  );

  it('living faces taken for attacks are BPCER, those that got no answer are counted apart', () => {
    expect(figures.live.error).toEqual({ hits: 1, of: 10, rate: 0.1, interval: clopperPearson(1, 10) });
    expect(figures.live.unsure.rate).toBe(0.1);
    expect(figures.live.nonResponse.rate).toBe(0.1);
    expect(figures.live.verdicts).toEqual({ live: 7, unsure: 1, spoof: 1, 'not-checked': 0, 'no-face': 1 });
  });

  it('each instrument has its own APCER, and the worst is named', () => {
    expect(figures.attacks.map(({ instrument, error }) => [instrument, error.rate])).toEqual([
      ['phone', 0.2],
      ['print', 0],
    ]);
    expect(figures.worst).toBe('phone');
    expect(figures.attacks[0]?.nonResponse.hits).toBe(1);
    expect(figures.attacks[1]?.error.interval[1]).toBeCloseTo(clopperPearson(0, 5)[1], 12);
  });
});

describe('by score alone', () => {
  const living = Array.from({ length: 40 }, (_, i) => judged('live', 'live', i));
  const attacks = [judged('print', 'live', 1), judged('print', 'live', 2), judged('tablet', 'live', 30), judged('tablet', 'spoof')];

  it('the threshold leaves at most the asked share of living faces below it; what has no score does not count', () => {
    const { atTarget } = presentationFigures([...living, ...attacks], { target });
    expect(atTarget).toMatchObject({ threshold: 2, bpcer: { hits: 2, of: 40 }, worst: 'tablet' });
    expect(atTarget?.apcer).toMatchObject({ print: { hits: 1, of: 2 }, tablet: { hits: 1, of: 1 } });
  });

  it('other living faces before the camera set the threshold where they are given', () => {
    const { atTarget } = presentationFigures([...living, ...attacks], { target, baseline: [25, 26, 27] });
    expect(atTarget).toMatchObject({ threshold: 25, bpcer: { hits: 25, of: 40 } });
    expect(atTarget?.apcer).toMatchObject({ print: { hits: 0 }, tablet: { hits: 1 } });
  });

  it('is null where no living face has a score', () => {
    expect(presentationFigures([judged('live', 'no-face'), judged('print', 'spoof', 1)], { target }).atTarget).toBeNull();
  });

  it('BPCER rises and APCER falls along the curve, from all accepted to none', () => {
    const score = fc.double({ min: -5, max: 5, noNaN: true });
    const clip = fc.record({ instrument: fc.constantFrom('live', 'print', 'phone'), verdict: fc.constant('live' as const), score });
    fc.assert(
      fc.property(fc.array(clip, { minLength: 1, maxLength: 40 }), (clips) => {
        const { curve, attacks: instruments } = presentationFigures(clips, { target });
        expect(curve[0]).toMatchObject({ bpcer: 0 });
        for (const { instrument } of instruments) {
          expect(curve[0]?.apcer[instrument]).toBe(1);
          expect(curve.at(-1)?.apcer[instrument]).toBe(0);
        }
        for (const [i, { bpcer, apcer }] of curve.entries()) {
          const before = curve[i - 1];
          if (!before) continue;
          expect(bpcer).toBeGreaterThanOrEqual(before.bpcer);
          for (const [name, rate] of Object.entries(apcer)) expect(rate).toBeLessThanOrEqual(before.apcer[name] as number);
        }
      }),
    );
  });
});
