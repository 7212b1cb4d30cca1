/**
 * Attacks on the question whether a face is alive: evidence from before, of somebody else, or shown again; answers that
 * another one gives; challenges asked until one fits, or until the resident can be asked no more.
 */
import { describe, expect, it } from 'vitest';
import type { Sighting } from '../../src/access/port.ts';
import type { Embedding } from '../../src/face/port.ts';
import { near, randomOf, unitVector } from '../fakes/embeddings.ts';
import { challengesOf, kindsOf, type LivingDoor, type LivingRules, livingDoor, person, type Shown, sightingAt } from '../fakes/liveness.ts';

const ada = person('ada');
const unknown = { kind: 'unknown' } as const;
const turnedAway = { kind: 'low-quality', reasons: ['turned'] } as const;
const random = randomOf(18);
const adasFace = unitVector(random, 64);
const accompliceFace = unitVector(random, 64);
const cosine = (a: Embedding, b: Embedding) => a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
/** Whoever tells faces apart by their embeddings. */
const telling: LivingRules = { isSameFace: (a, b) => cosine(a, b) > 0.3, resembles: (a, b) => cosine(a, b) > 0.5 };
const withPin: LivingRules = { ...telling, admission: () => ({ ok: true, needs: [], hasPin: true }) };
/** The picture of the resident; the networks are unsure of it. */
const photo = (more: Shown = {}): Shown => ({ logit: 0, face: near(adasFace, 0.1, random), ...more });
const accomplice = (more: Shown = {}): Shown => ({ logit: 9, face: near(accompliceFace, 0.1, random), ...more });
const never = (door: LivingDoor) => expect(kindsOf(door.events())).not.toContain('access.granted');

/** The accomplice turns the head, in frames that are good enough to be compared or not. */
function accompliceTurns(door: LivingDoor, side: 1 | -1, finding: Sighting['finding'] = unknown) {
  for (const yawDeg of [8, 18, 26, 18, 6, 2])
    door.see(finding, 1, { ...accomplice({ yawDeg: side * yawDeg }), ...(finding === turnedAway && { face: undefined as never }) });
}

describe('an accomplice who lives, and a picture of the resident', () => {
  it('one after the other in one visit: what the accomplice shows counts for nothing', () => {
    const door = livingDoor(telling);
    door.see(unknown, 20, accomplice());
    door.see(ada, 60, photo());
    never(door);
  });

  it('changing places at every frame, so that no change of face is ever sure', () => {
    const door = livingDoor(telling);
    for (let i = 0; i < 40; i++) {
      door.see(ada, 1, photo());
      door.see(unknown, 1, accomplice());
      door.see(ada, 1, photo());
    }
    never(door);
  });

  it('side by side, so that the camera sees both', () => {
    const door = livingDoor(telling);
    const both = { kind: 'low-quality', reasons: ['several-faces'] } as const;
    for (let i = 0; i < 20; i++) {
      door.see(ada, 2, photo());
      door.see(both, 2, { logit: 9 });
    }
    never(door);
  });

  it('where the accomplice answers the challenge with their own face', () => {
    const door = livingDoor(telling);
    door.see(ada, 20, photo());
    expect(door.events()).toMatchObject([{ kind: 'access.challenged', what: 'turn-left' }]);
    accompliceTurns(door, 1);
    door.see(ada, 10, photo());
    never(door);
  });

  it('where the answer ends with the accomplice, and the picture comes back too late', () => {
    const door = livingDoor(telling);
    door.see(ada, 20, photo());
    accompliceTurns(door, 1, turnedAway);
    door.see(turnedAway, 12, { logit: 9 });
    door.see(unknown, 2, accomplice());
    door.see(ada, 10, photo());
    never(door);
  });

  it('who is enrolled too opens for themselves and not in the name of the other', () => {
    const door = livingDoor(telling);
    door.see(ada, 10, photo());
    door.see(person('mallory'), 10, accomplice());
    expect(door.events().filter(({ kind }) => kind === 'access.granted')).toMatchObject([{ personId: 'mallory' }]);
    door.see(ada, 40, photo());
    expect(door.events().filter(({ kind }) => kind === 'access.granted')).toEqual([]);
  });
});

describe('evidence', () => {
  it('of an earlier frame, or of one to come, counts for no other frame', () => {
    for (const shiftMs of [-200, -66, 66, 5000]) {
      const door = livingDoor(telling);
      for (let i = 0; i < 40; i++) {
        door.see({ kind: 'nobody' }, 1);
        const { liveness, ...sighting } = sightingAt(door.nowMs, ada, photo({ logit: 9 }));
        door.sight({ ...sighting, digest: `${i}`, ...(liveness && { liveness: { ...liveness, capturedAtMs: door.nowMs + shiftMs } }) });
      }
      never(door);
    }
  });

  it('of one good frame counts once, however often the frame is shown', () => {
    const door = livingDoor(telling);
    const good = ['a', 'b'].map((digest, i) => ({ ...sightingAt(1000 + i, ada, photo({ logit: 9 })), digest }));
    for (let i = 0; i < 60; i++) {
      door.see(ada, 1, { ...photo(), unchecked: true });
      const again = good[i % 2];
      if (again) door.sight({ ...again, capturedAtMs: door.nowMs + 10, liveness: { ...again.liveness!, capturedAtMs: door.nowMs + 10 } });
    }
    never(door);
  });

  it('is old after some seconds: a resident who was there does not vouch for the picture that follows', () => {
    const door = livingDoor({ ...telling, admission: () => ({ ok: true, needs: ['pin'], hasPin: true, liveness: 'passive' }) });
    door.see(ada, 30, { logit: 9, face: near(adasFace, 0.1, random) });
    expect(kindsOf(door.events())).toEqual(['access.pending']);
    // The attempt goes on: the picture takes the place of the face without a gap, and the PIN was watched.
    door.see(ada, 120, { ...photo(), unchecked: true });
    door.tell({ kind: 'pin', personId: 'ada' });
    const before = door.events();
    door.see(ada, 3, { ...photo(), unchecked: true });
    // With a PIN that is right; and the entry says that nothing was checked.
    expect([...before, ...door.events()].filter(({ kind }) => kind === 'access.granted')).toMatchObject([
      { liveness: { verdict: 'not-checked', proof: 'pin' } },
    ]);
  });

  it('from before the question answers no challenge', () => {
    const door = livingDoor(telling);
    for (const yawDeg of [5, 22, 28, 12, 2]) door.see(ada, 2, photo({ yawDeg }));
    door.see(ada, 20, photo());
    expect(kindsOf(door.events())).toEqual(['access.challenged']);
    door.see(ada, 60, photo());
    never(door);
  });
});

describe('challenges', () => {
  /** A recording that always turns to the left. */
  const recorded = (door: LivingDoor) => {
    for (const yawDeg of [4, 14, 26, 14, 4, 1, 0, 0]) door.see(ada, 1, photo({ yawDeg }));
  };

  it('a recording that gives another answer is a spoof after two, and gets no third question', () => {
    const asked = livingDoor({ ...telling, liveness: { drawn: challengesOf('turn-right', 'look-up') } });
    for (let i = 0; i < 12; i++) recorded(asked);
    const events = asked.events();
    expect(kindsOf(events).slice(0, 3)).toEqual(['access.challenged', 'access.challenged', 'access.denied spoof']);
    expect(kindsOf(events)).not.toContain('access.granted');
  });

  it('are asked so seldom that a flood of them tells little, and the resident has the PIN', () => {
    const door = livingDoor(withPin);
    for (let i = 0; i < 30; i++) {
      door.see(ada, 40, photo());
      door.leave();
    }
    const spentMs = door.nowMs - 1000;
    const asked = door.events().filter(({ kind }) => kind === 'access.challenged').length;
    expect(asked).toBeLessThanOrEqual(4 * Math.ceil(spentMs / 120_000));
    door.tell({ kind: 'pin', personId: 'ada' });
    door.see(ada, 20, photo());
    expect(kindsOf(door.events())).toContain('access.granted');
  });

  it('a flood with the picture of one resident leaves the challenges of the others', () => {
    const door = livingDoor(telling);
    for (let i = 0; i < 30; i++) {
      door.see(ada, 40, photo());
      door.leave();
    }
    door.events();
    door.see(person('bo'), 20, { logit: 0, face: near(accompliceFace, 0.1, random) });
    expect(kindsOf(door.events())).toContain('access.challenged');
  });

  it('never open after opening by face has stopped: fifty attempts with pictures are enough', () => {
    const door = livingDoor({ ...telling, lockOut: { failures: 5, firstMs: 1000, maxMs: 1000, attempts: 20 } });
    for (let i = 0; i < 40; i++) {
      door.see(ada, 8, photo({ logit: -3, logitOfMatch: 20 }));
      door.leave();
      door.wait(4000);
    }
    expect(kindsOf(door.events())).toContain('access.stopped');
    door.see(ada, 60, photo({ logit: 9 }));
    never(door);
  });

  it('are what a face like one that is locked out gets, if it is recognised far above the threshold', () => {
    const door = livingDoor({ ...telling, lockOut: { failures: 2, firstMs: 60_000, maxMs: 60_000, attempts: 50 } });
    for (let i = 0; i < 2; i++) {
      door.see(ada, 8, photo({ logit: -3, logitOfMatch: 20 }));
      door.leave();
    }
    expect(kindsOf(door.events())).toContain('lockout.started');
    // A better picture, which the networks take for living: not by that alone.
    door.see(ada, 30, photo({ logit: 9, logitOfMatch: 20 }));
    expect(kindsOf(door.events())).toEqual(['access.challenged']);
  });
});
