/** A face is asked to move once it stands still: what moves before that would be taken for an answer. */
import { describe, expect, it } from 'vitest';
import { isStill } from '../../../src/liveness/challenge/pose.ts';
import { type Act, filmed, seeded } from './series.ts';

/** How many of a hundred people stand still in their newest frames, the act being under way. */
function still(act: Act, fps = 15): number {
  const random = seeded(11);
  return Array.from({ length: 100 }, () => filmed(random, act, { fps, untilMs: 400 })).filter(isStill).length;
}
const onward = (perSecond: number) => (ms: number) => ((ms + 1000) / 1000) * perSecond;

describe('a face', () => {
  // With few frames one of them counts more; the next frame is asked about again.
  it.each([
    [5, 75],
    [15, 90],
    [30, 90],
  ])('of somebody who stands and sways is still, at %i frames a second (%i of 100)', (fps, least) => {
    expect(still({}, fps)).toBeGreaterThanOrEqual(least);
  });

  it('of somebody who walks up is not', () => {
    // A metre in a second, from three metres to one and a half.
    expect(still({ growth: (ms) => 3 / (3 - onward(1)(ms)) })).toBeLessThanOrEqual(3);
  });

  it('that turns to the camera, or nods, is not', () => {
    expect(still({ yawDeg: (ms) => 40 - onward(30)(ms) })).toBeLessThanOrEqual(3);
    expect(still({ pitchDeg: (ms) => onward(30)(ms) - 20 })).toBeLessThanOrEqual(3);
  });

  it('of which too little was seen is not', () => {
    const frames = filmed(seeded(12), {}, { fps: 15, untilMs: 0 });
    expect(isStill(frames.slice(-4))).toBe(false);
    expect(isStill([])).toBe(false);
  });
});
