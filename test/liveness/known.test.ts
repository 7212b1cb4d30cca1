/** What a door learns of its camera and of a person, from made-up visits: numbers on a circle. */
import { describe, expect, it } from 'vitest';
import { newRandom } from '../../src/base/random.ts';
import { firstBands } from '../../src/liveness/judge.ts';
import { knownLive, type LiveVisit, viewsOf } from '../../src/liveness/known.ts';
import type { FrameEvidence } from '../../src/liveness/port.ts';

const at = (degrees: number) => Float32Array.of(Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180));
const visit = (logit: number, degrees: number, personId = 'ann'): LiveVisit => ({
  personId,
  views: ['skin', 'context'].map((network) => ({ network, logit, features: at(degrees) })),
});
const framesOf = (logit: number, degrees: number): FrameEvidence[] =>
  ['skin', 'context', 'skin'].map((network, capturedAtMs) => ({
    capturedAtMs,
    passive: { network, logit, features: at(degrees) },
    pose: { yawDeg: 0, pitchDeg: 0, rollDeg: 0 },
    place: { x: 0, y: 0, interEye: 0 },
    skin: [0, 0, 0],
    surround: [0, 0, 0],
  }));
/** Logits about `mean`, features within a few degrees. */
const visits = (count: number, mean: number): LiveVisit[] => {
  const random = newRandom(5);
  return Array.from({ length: count }, (_, i) => visit(mean + random() - 0.5, 10 * random(), `p-${i % 7}`));
};

describe('the camera', () => {
  it('is not known before 20 visits', () => {
    const { bands, shift } = knownLive(visits(19, 5), 2);
    expect([bands, shift]).toEqual([firstBands, undefined]);
  });

  it('whose live faces score high has a higher threshold; it is never far below the shipped one', () => {
    expect(knownLive(visits(30, 4), 2).bands.live).toBeGreaterThan(2);
    expect(knownLive(visits(30, 40), 2).bands.live).toBe(3);
    expect(knownLive(visits(30, -8), 2).bands).toEqual({ live: -0.5, spoof: -3, sure: 2 });
  });

  it('takes from the score of a visit that is unlike those before', () => {
    const { shift } = knownLive(visits(30, 3), 2);
    expect(Math.abs(shift?.(framesOf(3, 5)) ?? 9)).toBeLessThan(0.1);
    expect(shift?.(framesOf(3, 90))).toBeGreaterThan(3);
  });

  it('no visit loosens the threshold below the bound, whatever is learned', () => {
    for (const mean of [-50, -2, 0, 2]) expect(knownLive(visits(60, mean), 2).bands.live).toBeGreaterThanOrEqual(-0.5);
  });

  it('networks without features leave the score as it is', () => {
    const plain = visits(30, 3).map(({ personId, views }) => ({
      personId,
      views: views.map(({ network, logit }) => ({ network, logit })),
    }));
    const { shift, bands } = knownLive(plain, 2);
    expect(bands.live).toBeGreaterThan(1.5);
    expect(shift?.(framesOf(3, 90))).toBe(0);
  });
});

describe('the person', () => {
  const own = [0, 2, 4, 6, 8].map((degrees) => visit(3, degrees));

  it('is unlike before when far from all visits of their own', () => {
    const { isUnlike } = knownLive(own, 2);
    expect(isUnlike?.(framesOf(3, 5), 'ann')).toBe(false);
    expect(isUnlike?.(framesOf(3, 60), 'ann')).toBe(true);
  });

  it('whose visits all come from one evening is not unlike them in another light', () => {
    const sameEvening = [0, 0.1, 0.2, 0.3, 0.4].map((degrees) => visit(3, degrees));
    const { isUnlike } = knownLive(sameEvening, 2);
    expect(isUnlike?.(framesOf(3, 15), 'ann')).toBe(false);
    expect(isUnlike?.(framesOf(3, 45), 'ann')).toBe(true);
  });

  it('is not judged by fewer than five visits, nor by those of others', () => {
    expect(knownLive(own.slice(1), 2).isUnlike?.(framesOf(3, 60), 'ann')).toBe(false);
    expect(knownLive(own, 2).isUnlike?.(framesOf(3, 60), 'bob')).toBe(false);
  });
});

it('the views of a visit are the means over its frames, by network', () => {
  const [skin, context] = viewsOf([...framesOf(2, 0).slice(0, 2), ...framesOf(4, 90).slice(2)]);
  expect([skin?.network, skin?.logit, context?.logit]).toEqual(['skin', 3, 2]);
  expect([...(skin?.features ?? [])].map((value) => Math.round(value * 100))).toEqual([50, 50]);
});
