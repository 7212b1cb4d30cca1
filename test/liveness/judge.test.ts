/** The judgement of a presentation: bands, what is missing, and that one bad frame never decides. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { UnsureReason } from '../../src/events.ts';
import { firstBands, type KnownLive, livenessJudge } from '../../src/liveness/judge.ts';
import { type FrameEvidence, type LivenessPolicy, livenessPolicies, type MotionCheck } from '../../src/liveness/port.ts';

let nowMs = 0;
const plain = (): FrameEvidence => ({
  capturedAtMs: ++nowMs,
  pose: { yawDeg: 0, pitchDeg: 0, rollDeg: 0 },
  place: { x: 0.5, y: 0.5, interEye: 0.1 },
  skin: [0, 0, 0],
  surround: [0, 0, 0],
});
/** The networks take turns. */
const looked = (...logits: readonly number[]): FrameEvidence[] =>
  logits.map((logit, at) => ({ ...plain(), passive: { network: at % 2 === 0 ? 'skin' : 'context', logit } }));
const withMotion = (frames: readonly FrameEvidence[], ...motion: readonly MotionCheck[]) => frames.map((frame) => ({ ...frame, motion }));
const depth: MotionCheck = { kind: 'flat', outcome: 'live' };
const unsureFor = (why: UnsureReason): FrameEvidence => ({ ...plain(), unsure: why });

const judged = (frames: readonly FrameEvidence[], policy: LivenessPolicy = 'passive', known: Partial<KnownLive> = {}) =>
  livenessJudge(() => ({ bands: firstBands, networks: 2, ...known }))(frames, { policy, personId: 'ann' });

describe('the score', () => {
  it('is the mean of the networks’ means: two looks of one do not outweigh one of the other', () => {
    expect(judged(looked(4, 1, 2))).toEqual({ verdict: 'live', score: 2, frames: 3 });
  });

  it.each([
    ['live from the threshold on', [0, 0, 0], 'live', undefined],
    ['unsure below it', [-1, -1, -1], 'unsure', 'between'],
    ['a spoof far below it', [-5, -5, -5], 'spoof', undefined],
  ] as const)('is %s', (_, logits, verdict, why) => {
    expect(judged(looked(...logits))).toMatchObject({ verdict, ...(why && { why }) });
  });

  it('one bad frame of three makes nobody a picture', () => {
    expect(judged(looked(3, 3, -40))).toMatchObject({ verdict: 'unsure', why: 'between' });
    expect(judged(looked(-5, -40, -5))).toMatchObject({ verdict: 'spoof', spoof: 'texture' });
  });

  it('leaves out frames in which the face was blurred by its movement, and asks for more where only they are left', () => {
    const at = (sharpness: number, ...logits: readonly number[]) => looked(...logits).map((frame) => ({ ...frame, sharpness }));
    expect(judged([...at(0.02, -9, -9, -9, -9), ...at(0.13, 2, 2, 2)])).toMatchObject({ verdict: 'live', score: 2, frames: 3 });
    expect(judged([...at(0.04, -4, -4, -4, -4), ...at(0.13, 2, 2, 2)])).toMatchObject({ verdict: 'unsure', frames: 7 });
    expect(judged([...at(0.02, -9, -9, -9, -9), ...at(0.13, 9)])).toMatchObject({ verdict: 'unsure', why: 'too-few-frames' });
    expect(judged(at(0.02, -9, -9, -9))).toMatchObject({ verdict: 'spoof' });
  });

  it('loses what the frames are unlike this camera’s visits, under this camera’s threshold', () => {
    const known = { bands: { live: 1, spoof: -3, sure: 2 }, shift: () => 1.5 };
    expect(judged(looked(3, 3, 3), 'passive', known)).toMatchObject({ verdict: 'live', score: 0.5 });
    expect(judged(looked(2, 2, 2), 'passive', known)).toMatchObject({ verdict: 'unsure', score: -0.5 });
  });

  it('a face in a light that this camera has not seen is unsure, not a picture', () => {
    const known = { bands: { live: 1, spoof: -3, sure: 2 }, shift: () => 6 };
    expect(judged(looked(2, 2, 2), 'passive', known)).toMatchObject({ verdict: 'unsure', why: 'between', score: -5 });
    expect(judged(looked(-5, -5, -5), 'passive', known)).toMatchObject({ verdict: 'spoof' });
  });

  it('a visit unlike the person’s own is unsure even where the networks say live', () => {
    const isUnlike = (_: unknown, personId: string) => personId === 'ann';
    expect(judged(looked(5, 5, 5), 'passive', { isUnlike })).toMatchObject({ verdict: 'unsure', why: 'unlike-before' });
  });
});

describe('what is missing', () => {
  it.each([
    ['no frame', [], 'not-checked', 'not-checked'],
    ['frames at which no network looked', [plain(), plain(), plain()], 'not-checked', 'not-checked'],
    ['two frames', looked(9, 9), 'unsure', 'too-few-frames'],
    ['three frames of one network', looked(9, 9, 9, 9, 9).filter(({ passive }) => passive?.network === 'skin'), 'unsure', 'too-few-frames'],
    ['faces at the edge', [unsureFor('cut-off'), unsureFor('cut-off'), ...looked(9)], 'unsure', 'cut-off'],
    ['no network', [unsureFor('not-checked'), unsureFor('not-checked')], 'not-checked', 'not-checked'],
  ] as const)('%s', (_, frames, verdict, why) => {
    expect(judged(frames)).toMatchObject({ verdict, why });
  });

  it('nothing is judged where the policy is off', () => {
    expect(judged(looked(9, 9, 9), 'off')).toMatchObject({ verdict: 'not-checked' });
  });
});

describe('motion', () => {
  it.each(livenessPolicies.filter((policy) => policy !== 'off'))(
    '%s: what two frames call a spoof is one, whatever the networks say',
    (policy) => {
      const still: MotionCheck = { kind: 'still', outcome: 'spoof' };
      const frames = looked(9, 9, 9);
      expect(judged([...withMotion(frames.slice(0, 1), depth), ...withMotion(frames.slice(1), still, depth)], policy)).toMatchObject({
        verdict: 'spoof',
        spoof: 'still',
      });
      expect(judged([...withMotion(frames.slice(0, 1), still), ...withMotion(frames.slice(1), depth)], policy)).toMatchObject({
        verdict: 'live',
      });
    },
  );

  it('passive+motion needs depth', () => {
    expect(judged(looked(9, 9, 9), 'passive+motion')).toMatchObject({ verdict: 'unsure', why: 'no-motion' });
    expect(judged(withMotion(looked(9, 9, 9), { kind: 'still', outcome: 'live' }), 'passive+motion')).toMatchObject({ why: 'no-motion' });
    expect(judged(withMotion(looked(9, 9, 9), depth), 'passive+motion')).toMatchObject({ verdict: 'live' });
  });

  it('depth between straight edges that may be those of a display is none', () => {
    const border = (outcome: MotionCheck['outcome']): MotionCheck => ({ kind: 'border', outcome });
    expect(judged(withMotion(looked(9, 9, 9), depth, border('unsure')), 'passive+motion')).toMatchObject({ why: 'no-motion' });
    expect(judged(withMotion(looked(9, 9, 9), depth, border('live')), 'passive+motion')).toMatchObject({ verdict: 'live' });
  });

  it('a policy that asks more of an unsure face needs depth until the door knows its camera, then of a face below the sure band', () => {
    const known = { bands: { live: 0, spoof: -3, sure: 2 } };
    const policy = 'challenge-when-unsure';
    expect(judged(looked(9, 9, 9), policy)).toMatchObject({ verdict: 'unsure', why: 'no-motion' });
    expect(judged(withMotion(looked(1, 1, 1), depth), policy)).toMatchObject({ verdict: 'live' });
    expect(judged(looked(3, 3, 3), policy, known)).toMatchObject({ verdict: 'live' });
    expect(judged(looked(1, 1, 1), policy, known)).toMatchObject({ verdict: 'unsure', why: 'no-motion' });
  });
});

it('no check that passes overrules one that fails: with more signs of an attack nothing becomes live', () => {
  const outcome = fc.constantFrom('live', 'spoof', 'unsure') as fc.Arbitrary<MotionCheck['outcome']>;
  const check = fc.record({ kind: fc.constantFrom('flat', 'still', 'looped') as fc.Arbitrary<MotionCheck['kind']>, outcome });
  const frame = fc
    .record({ logit: fc.double({ min: -10, max: 10, noNaN: true }), network: fc.constantFrom('skin', 'context'), motion: fc.array(check) })
    .map(({ logit, network, motion }): FrameEvidence => ({ ...plain(), passive: { network, logit }, motion }));
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 8 }), fc.constantFrom(...livenessPolicies), fc.nat(), (frames, policy, place) => {
      const before = judged(frames, policy);
      const at = frames[place % Math.max(1, frames.length)];
      if (!at?.passive) return;
      const worse = frames.map((one) =>
        one === at
          ? {
              ...one,
              passive: { ...at.passive, network: at.passive?.network ?? '', logit: (at.passive?.logit ?? 0) - 3 },
              motion: [
                ...(one.motion ?? []).filter(({ outcome: o }) => o !== 'live'),
                { kind: 'looped' as const, outcome: 'spoof' as const },
              ],
            }
          : one,
      );
      if (before.verdict !== 'live') expect(judged(worse, policy).verdict).not.toBe('live');
    }),
  );
});
