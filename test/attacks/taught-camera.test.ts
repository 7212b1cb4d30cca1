/**
 * Somebody who knows a PIN teaches the door with pictures before its camera: whatever it has learned, a face passes with
 * at most half a logit less than before, and nothing that was a spoof by far becomes live.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { livenessJudge } from '../../src/liveness/judge.ts';
import { knownLive, type LiveVisit } from '../../src/liveness/known.ts';
import type { FrameEvidence, MotionCheck } from '../../src/liveness/port.ts';

const networks = ['skin', 'context'];
const features = fc
  .array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 })
  .map((values) => Float32Array.from(values));
const logit = fc.double({ min: -12, max: 12, noNaN: true });
const view = (network: string) => fc.record({ network: fc.constant(network), logit, features });
const visit: fc.Arbitrary<LiveVisit> = fc.record({ personId: fc.constantFrom('ann', 'bob'), views: fc.tuple(...networks.map(view)) });
const depth: MotionCheck = { kind: 'flat', outcome: 'live' };
const frames = fc.array(fc.tuple(logit, features), { minLength: 4, maxLength: 6 }).map((looks) =>
  looks.map(
    ([value, of], at): FrameEvidence => ({
      ...{ capturedAtMs: at, passive: { network: networks[at % 2] ?? '', logit: value, features: of }, motion: [depth] },
      ...{ pose: { yawDeg: 0, pitchDeg: 0, rollDeg: 0 }, place: { x: 0, y: 0, interEye: 0 }, skin: [0, 0, 0], surround: [0, 0, 0] },
    }),
  ),
);

it('what a door was taught lets nobody in with more than half a logit less', () => {
  fc.assert(
    fc.property(fc.array(visit, { minLength: 20, maxLength: 70 }), frames, (visits, shown) => {
      const judge = (taught: readonly LiveVisit[]) =>
        livenessJudge(() => knownLive(taught, 2))(shown, { policy: 'passive+motion', personId: 'ann' });
      const [before, after] = [judge([]), judge(visits)];
      if (after.verdict === 'live') expect(before.score ?? Number.NEGATIVE_INFINITY).toBeGreaterThanOrEqual(-0.5);
      if (before.verdict === 'spoof') expect(after.verdict).toBe('spoof');
    }),
  );
});
