import { describe, expect, it } from 'vitest';
import { type ChallengeKind, challengeKinds } from '../../../src/events.ts';
import { burstCodes, drawChallenge, isAnswerable, lightForm, lightMs } from '../../../src/liveness/challenge/draw.ts';
import { filmed, issuedAtMs, seeded } from './series.ts';

const time = { issuedAtMs, deadlineMs: issuedAtMs + 8000 };

describe('a challenge', () => {
  it('is drawn from the allowed kinds, each as often as another', () => {
    const random = seeded(1);
    const counts = new Map<string, number>();
    for (let n = 0; n < 7000; n++) {
      const kind = drawChallenge(random, challengeKinds, time)?.kind ?? 'none';
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    expect([...counts.keys()].toSorted()).toEqual([...challengeKinds].toSorted());
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(120);
    for (let n = 0; n < 100; n++) expect(drawChallenge(random, ['blink'], time)?.kind).toBe('blink');
  });

  it('is not drawn where no kind is allowed, nor light where its code takes too long', () => {
    expect(drawChallenge(seeded(1), [], time)).toBeUndefined();
    expect(drawChallenge(seeded(1), ['light'], { issuedAtMs, deadlineMs: issuedAtMs + lightMs - 1 })).toBeUndefined();
  });

  it('has an id of its own, and for blinks and light one of several tasks', () => {
    const random = seeded(2);
    const many = Array.from({ length: 500 }, () => drawChallenge(random, ['blink', 'light'], time));
    expect(new Set(many.map((one) => one?.id)).size).toBe(500);
    expect(new Set(many.flatMap((one) => one?.times ?? []))).toEqual(new Set([2, 3]));
    expect(new Set(many.flatMap((one) => (one?.code ? [String(one.code)] : []))).size).toBeGreaterThan(180);
  });

  it('of light flashes at most three times in any second, each burst within 400 ms, half of its slots on', () => {
    const random = seeded(3);
    for (let n = 0; n < 200; n++) {
      const code = drawChallenge(random, ['light'], time)?.code ?? [];
      const flashes = code.flatMap((on, slot) => (on && !code[slot - 1] ? [slot * lightForm.slotMs] : []));
      for (const at of flashes) expect(flashes.filter((other) => other >= at && other < at + 1000).length).toBeLessThanOrEqual(3);
    }
    expect(lightForm.burstSlots * lightForm.slotMs).toBeLessThanOrEqual(400);
    for (const code of burstCodes) expect(code.filter(Boolean)).toHaveLength(lightForm.burstSlots / 2);
  });
});

describe('a kind of challenge', () => {
  const seen = (fps: number) => filmed(seeded(4), {}, { fps, untilMs: 0 });
  const answerable = (fps: number): ChallengeKind[] => challengeKinds.filter((kind) => isAnswerable(kind, seen(fps)));

  it('is left out where the camera is too slow for it', () => {
    expect(answerable(15)).toEqual(challengeKinds);
    expect(answerable(6)).toEqual(challengeKinds.filter((kind) => kind !== 'blink' && kind !== 'light'));
    expect(answerable(2)).toEqual([]);
  });

  it('is left out where the eyes are not seen, or the face is too near to come nearer', () => {
    const noEyes = seen(15).map(({ eyesOpen: _, ...frame }) => frame);
    expect(isAnswerable('blink', noEyes)).toBe(false);
    const near = seen(15).map((frame) => ({ ...frame, place: { ...frame.place, interEye: 0.25 } }));
    expect(isAnswerable('closer', near)).toBe(false);
  });
});
