/** Liveness at the door: each verdict under each policy, challenges from question to answer, and what is told. */
import { describe, expect, it } from 'vitest';
import { type Aliveness, type LivenessRules, nothingShown, passageFor, withAnswer, withShown } from '../../../src/access/alive/passage.ts';
import type { Embedding } from '../../../src/face/port.ts';
import type { AnswerOf, LivenessPolicy } from '../../../src/liveness/port.ts';
import { randomOf, unitVector } from '../../fakes/embeddings.ts';
import { challengesOf, kindsOf, type LivingDoor, livingDoor, livingPolicy, person, type Shown, sightingAt } from '../../fakes/liveness.ts';

const ada = person('ada');
const turned = { kind: 'low-quality', reasons: ['turned'] } as const;
const admitting = (liveness: LivenessPolicy, hasPin = false) => ({ admission: () => ({ ok: true, needs: [], liveness, hasPin }) as const });

describe('a face that is judged live', () => {
  it.each<LivenessPolicy>(['passive', 'passive+motion', 'second-factor-when-unsure', 'challenge-when-unsure'])(
    'opens at the third frame under %s',
    (policy) => {
      const door = livingDoor(admitting(policy));
      door.see(ada, 3);
      expect(door.events()).toMatchObject([
        { kind: 'access.granted', personId: 'ada', liveness: { verdict: 'live', score: 3, band: 'at-or-above' } },
      ]);
    },
  );

  it('is challenged all the same under challenge', () => {
    const door = livingDoor(admitting('challenge'));
    door.see(ada, 10);
    expect(kindsOf(door.events())).toEqual(['access.challenged']);
  });

  it('opens after one bad frame among good ones', () => {
    const door = livingDoor();
    door.see(ada, 1, { logit: -9 });
    door.see(ada, 12);
    expect(kindsOf(door.events())).toEqual(['access.granted']);
  });
});

describe('a face that is judged a picture', () => {
  it('is denied as spoof, with the kind, and counts as an attempt', () => {
    const door = livingDoor();
    door.see(ada, 10, { logit: -3 });
    expect(door.events()).toMatchObject([
      { kind: 'access.denied', reason: 'spoof', failures: 1, attempts: 1, liveness: { verdict: 'spoof', spoof: 'texture', band: 'below' } },
    ]);
    door.leave();
    expect(door.events()).toEqual([]);
  });

  it('is not denied by one judgement: the next frame must say so too', () => {
    const door = livingDoor();
    door.see(ada, 3, { logit: -3 });
    expect(door.events()).toEqual([]);
    door.see(ada, 1, { logit: -3 });
    expect(kindsOf(door.events())).toEqual(['access.denied spoof']);
  });

  it('is told a second later while the face moves, which blurs it, and not if it looks live by then', () => {
    const moving = { liveness: { isStill: () => false } };
    const picture = livingDoor(moving);
    picture.see(ada, 18, { logit: -3 });
    expect(picture.events()).toEqual([]);
    picture.see(ada, 2, { logit: -3 });
    expect(kindsOf(picture.events())).toEqual(['access.denied spoof']);
    const resident = livingDoor(moving);
    resident.see(ada, 10, { logit: -3 });
    resident.see(ada, 25, { logit: 9 });
    expect(kindsOf(resident.events())).toEqual(['access.granted']);
  });

  it('stays shut to the end of the attempt, whatever is shown then, and with a PIN too', () => {
    const door = livingDoor(admitting('challenge-when-unsure', true));
    door.see(ada, 5, { logit: -3 });
    door.tell({ kind: 'pin', personId: 'ada' });
    door.see(ada, 60, { logit: 30 });
    expect(kindsOf(door.events())).toEqual(['access.denied spoof']);
  });

  it('is told again while it stays, and locks out', () => {
    const door = livingDoor({ lockOut: { failures: 2, firstMs: 30_000, maxMs: 60_000, attempts: 50 } });
    door.see(ada, 85, { logit: -3 });
    expect(kindsOf(door.events())).toEqual(['access.denied spoof', 'access.denied spoof', 'lockout.started', 'access.denied locked-out']);
  });

  it('is refused by no PIN rule: the PIN is not even asked for', () => {
    const door = livingDoor({ admission: () => ({ ok: true, needs: ['pin'], liveness: 'passive', hasPin: true }) });
    door.see(ada, 10, { logit: -3 });
    expect(kindsOf(door.events())).toEqual(['access.denied spoof']);
  });
});

describe('an unsure face', () => {
  const unsure = { logit: 0 };

  it.each<LivenessPolicy>(['passive', 'passive+motion'])('is not let in under %s, and told in the end', (policy) => {
    const door = livingDoor(admitting(policy, true));
    door.see(ada, 30, unsure);
    expect(door.events()).toEqual([]);
    door.leave();
    expect(door.events()).toMatchObject([
      { kind: 'access.denied', reason: 'not-live', failures: 1, liveness: { verdict: 'unsure', why: 'between' } },
    ]);
  });

  it('gets a second to show more before anything is asked', () => {
    const door = livingDoor();
    door.see(ada, 10, unsure);
    expect(door.events()).toEqual([]);
    door.see(ada, 10, { logit: 6 });
    expect(kindsOf(door.events())).toEqual(['access.granted']);
  });

  it('opens with the PIN under second-factor-when-unsure, and the event says so', () => {
    const door = livingDoor(admitting('second-factor-when-unsure', true));
    door.see(ada, 30, unsure);
    expect(door.events()).toMatchObject([{ kind: 'access.pending', needs: 'pin', liveness: { verdict: 'unsure', why: 'between' } }]);
    door.tell({ kind: 'pin', personId: 'bob' });
    door.see(ada, 3, unsure);
    expect(door.events()).toEqual([]);
    door.tell({ kind: 'pin', personId: 'ada' });
    door.see(ada, 1, unsure);
    expect(door.events()).toMatchObject([{ kind: 'access.granted', liveness: { verdict: 'unsure', proof: 'pin' } }]);
  });

  it('is denied under second-factor-when-unsure where there is no PIN, and told the remedy', () => {
    const door = livingDoor(admitting('second-factor-when-unsure'));
    door.see(ada, 30, unsure);
    expect(door.events()).toMatchObject([
      { kind: 'access.denied', reason: 'not-live', detail: expect.stringContaining('facelatch people pin') },
    ]);
  });

  it('counts as no attempt where the door could not see enough', () => {
    const door = livingDoor(admitting('passive'));
    door.see(ada, 30, { logit: null });
    door.leave();
    const [denied] = door.events();
    expect(denied).toMatchObject({ reason: 'not-live', detail: expect.stringContaining('come closer'), liveness: { why: 'too-small' } });
    expect(denied).not.toHaveProperty('attempts');
  });
});

describe('a face of which nothing is known', () => {
  const unchecked = { unchecked: true };
  const rules = (whenNotChecked: 'second-factor' | 'deny' | 'allow', hasPin: boolean) => ({
    ...admitting('passive', hasPin),
    liveness: { whenNotChecked },
  });

  it('needs the PIN; with it the event still says not-checked', () => {
    const door = livingDoor(rules('second-factor', true));
    door.see(ada, 30, unchecked);
    expect(kindsOf(door.events())).toEqual(['access.pending']);
    door.tell({ kind: 'pin', personId: 'ada' });
    door.see(ada, 1, unchecked);
    expect(door.events()).toMatchObject([{ kind: 'access.granted', liveness: { verdict: 'not-checked', proof: 'pin' } }]);
  });

  it('is denied without one, with the remedy, and that is no failed attempt', () => {
    const door = livingDoor(rules('second-factor', false));
    door.see(ada, 30, unchecked);
    const [denied, ...more] = door.events();
    expect(denied).toMatchObject({
      reason: 'not-live',
      detail: expect.stringMatching(/no PIN.*facelatch people pin/),
      liveness: { verdict: 'not-checked' },
    });
    expect(denied).not.toHaveProperty('failures');
    expect(more).toEqual([]);
  });

  it('is denied with the PIN too where the owner says deny, and let in where they say allow', () => {
    const deny = livingDoor(rules('deny', true));
    deny.tell({ kind: 'pin', personId: 'ada' });
    deny.see(ada, 30, unchecked);
    expect(kindsOf(deny.events())).toEqual(['access.denied not-live']);
    const allow = livingDoor(rules('allow', false));
    allow.see(ada, 3, unchecked);
    expect(allow.events()).toMatchObject([{ kind: 'access.granted', liveness: { verdict: 'not-checked' } }]);
  });

  it('is asked for the PIN at once where nothing can be checked at all', () => {
    const door = livingDoor({ ...admitting('challenge', true), blind: true });
    door.see(ada, 3, unchecked);
    expect(kindsOf(door.events())).toEqual(['access.pending']);
  });

  it('is let in under off, and the event says that nothing was checked', () => {
    const door = livingDoor(admitting('off'));
    door.see(ada, 3, unchecked);
    expect(door.events()).toMatchObject([{ kind: 'access.granted', liveness: { verdict: 'not-checked' } }]);
  });
});

/** Turns the head and back: in the far frames nothing can be compared. */
function turn(door: LivingDoor, to: 'left' | 'right', shown: Shown = {}) {
  const side = to === 'left' ? 1 : -1;
  for (const yawDeg of [5, 12]) door.see(ada, 1, { ...shown, yawDeg: side * yawDeg });
  for (const yawDeg of [22, 30, 24]) door.see(turned, 1, { ...shown, yawDeg: side * yawDeg });
  for (const yawDeg of [12, 4, 2, 1]) door.see(ada, 1, { ...shown, yawDeg: side * yawDeg });
}

describe('a challenge', () => {
  const unsure = { logit: 0 };
  const asked = (over: Parameters<typeof livingDoor>[0] = {}) => {
    const door = livingDoor({ ...admitting('challenge-when-unsure', true), ...over });
    door.see(ada, 20, unsure);
    return door;
  };

  it('is asked of an unsure face: what to do, until when, and why', () => {
    expect(asked().events()).toMatchObject([
      {
        kind: 'access.challenged',
        personId: 'ada',
        challenge: 'turn-left 0',
        what: 'turn-left',
        withinMs: 8000,
        liveness: { verdict: 'unsure', why: 'between' },
      },
    ]);
  });

  it('opens once it is answered, in the frames after the answer', () => {
    const door = asked();
    door.events();
    turn(door, 'left', unsure);
    expect(door.events()).toMatchObject([{ kind: 'access.granted', liveness: { verdict: 'unsure', proof: 'challenge' } }]);
  });

  it('is followed by another one after a wrong answer, and by a denial as spoof after two', () => {
    const door = asked();
    turn(door, 'right', unsure);
    expect(door.events()).toMatchObject([{ what: 'turn-left' }, { kind: 'access.challenged', what: 'turn-right' }]);
    turn(door, 'left', unsure);
    expect(door.events()).toMatchObject([{ kind: 'access.denied', reason: 'spoof', failures: 1, liveness: { spoof: 'wrong-answer' } }]);
  });

  it('waits until the visitor stands still, and comes after three seconds all the same', () => {
    for (const [stillAfterMs, askedAfterMs] of [
      [0, 1000],
      [2000, 2000],
      [60_000, 3000],
    ] as const) {
      let wonAtMs = 0;
      const isStill: LivenessRules['isStill'] = (frames) => (frames.at(-1)?.capturedAtMs ?? 0) - wonAtMs >= stillAfterMs;
      const door = livingDoor({ liveness: { isStill } });
      door.see(ada, 3, unsure);
      wonAtMs = door.nowMs;
      while (door.events().length === 0 && door.nowMs < 10_000) door.see(ada, 1, unsure);
      expect(door.nowMs - wonAtMs).toBeGreaterThanOrEqual(askedAfterMs);
      expect(door.nowMs - wonAtMs).toBeLessThan(askedAfterMs + 70);
    }
  });

  it('that nobody could answer is not waited for: the PIN is asked for at once, however the face moves', () => {
    const door = livingDoor({ ...admitting('challenge-when-unsure', true), liveness: { isStill: () => false, isAnswerable: () => false } });
    door.see(ada, 20, unsure);
    expect(door.events()).toMatchObject([{ kind: 'access.pending', needs: 'pin' }]);
  });

  it('is not followed by another one before the face is back, nor told of a denial meanwhile', () => {
    const still = { now: true };
    const door = livingDoor({ liveness: { isStill: () => still.now } });
    door.see(ada, 20, unsure);
    door.see(ada, 110, unsure);
    still.now = false;
    turn(door, 'right', unsure);
    door.see(ada, 25, unsure);
    expect(kindsOf(door.events())).toEqual(['access.challenged']);
    still.now = true;
    door.see(ada, 2, unsure);
    turn(door, 'right', unsure);
    expect(kindsOf(door.events())).toEqual(['access.challenged', 'access.granted']);
  });

  it('that the camera is too slow to follow is no spoof: the attempt ends as not-live, and counts', () => {
    const door = asked();
    for (let i = 0; i < 2; i++) {
      door.see(turned, 1, unsure);
      door.wait(600);
      door.see(ada, 6, unsure);
    }
    expect(door.events().at(-1)).toMatchObject({ kind: 'access.denied', reason: 'not-live', failures: 1 });
  });

  it('lets somebody in who answers the second one', () => {
    const door = asked();
    turn(door, 'right', unsure);
    turn(door, 'right', unsure);
    expect(kindsOf(door.events())).toEqual(['access.challenged', 'access.challenged', 'access.granted']);
  });

  it('that nobody answers ends as not-live when its time is over, not earlier, and counts', () => {
    const door = asked();
    door.events();
    door.see(ada, 120, unsure);
    expect(door.events()).toEqual([]);
    door.see(ada, 8, unsure);
    expect(door.events()).toMatchObject([{ kind: 'access.denied', reason: 'not-live', failures: 1, attempts: 1 }]);
  });

  it('must be answered once it was asked, even if the next frames look better', () => {
    const door = asked();
    door.events();
    door.see(ada, 60, { logit: 20 });
    expect(door.events()).toEqual([]);
  });

  it('has the PIN as a way out', () => {
    const door = asked();
    door.events();
    door.tell({ kind: 'pin', personId: 'ada' });
    door.see(ada, 3, unsure);
    expect(door.events()).toMatchObject([{ kind: 'access.granted', liveness: { proof: 'pin' } }]);
  });

  it('is over when the visitor leaves: whoever comes next has an attempt of their own', () => {
    const door = asked();
    door.leave();
    expect(kindsOf(door.events())).toEqual(['access.challenged', 'access.denied not-live']);
    turn(door, 'left', unsure);
    expect(door.events()).toEqual([]);
  });

  it('that cannot be asked has the PIN in its place under challenge too', () => {
    const door = livingDoor({ ...admitting('challenge', true), liveness: { drawn: [] } });
    door.see(ada, 10);
    expect(kindsOf(door.events())).toEqual(['access.pending']);
    door.tell({ kind: 'pin', personId: 'ada' });
    door.see(ada, 3);
    expect(door.events()).toMatchObject([{ kind: 'access.granted', liveness: { verdict: 'live', proof: 'pin' } }]);
  });

  it('that was asked too often is no way around challenge by the PIN', () => {
    const door = livingDoor(admitting('challenge', true));
    for (let visit = 0; visit < 4; visit++) {
      door.see(ada, 10);
      door.leave();
      door.wait(20_000);
    }
    door.events();
    door.tell({ kind: 'pin', personId: 'ada' });
    door.see(ada, 10);
    const events = door.events();
    expect(events[0]).toMatchObject({ kind: 'access.denied', reason: 'not-live', detail: expect.stringContaining('asked too often') });
    expect(kindsOf(events)).not.toContain('access.granted');
  });

  it('is not asked where none is allowed: the PIN is', () => {
    expect(kindsOf(asked({ liveness: { drawn: [] } }).events())).toEqual(['access.pending']);
  });

  it('of the only kind that is allowed is not asked twice in a row', () => {
    const door = asked({ liveness: { drawn: challengesOf('turn-left') } });
    turn(door, 'right', unsure);
    expect(kindsOf(door.events())).toEqual(['access.challenged', 'access.pending']);
  });
});

describe('by rules of the person', () => {
  it('the PIN is asked for before the challenge, which then follows under challenge', () => {
    const door = livingDoor({ admission: () => ({ ok: true, needs: ['pin'], liveness: 'challenge', hasPin: true }) });
    door.see(ada, 10);
    expect(kindsOf(door.events())).toEqual(['access.pending']);
    door.tell({ kind: 'pin', personId: 'ada' });
    door.see(ada, 1);
    expect(kindsOf(door.events())).toEqual(['access.challenged']);
    turn(door, 'left');
    expect(door.events()).toMatchObject([{ kind: 'access.granted', liveness: { verdict: 'live', proof: 'challenge' } }]);
  });

  it('the first of two people counts only once their face is live', () => {
    const door = livingDoor({ admission: () => ({ ok: true, needs: ['second-person'], liveness: 'passive' }) });
    door.see(ada, 30, { logit: 0 });
    door.leave();
    door.see(person('bob'), 10);
    expect(kindsOf(door.events())).toEqual(['access.denied not-live', 'access.pending']);
    door.leave();
    door.see(ada, 10);
    expect(door.events()).toMatchObject([{ kind: 'access.denied' }, { kind: 'access.granted', personId: 'ada', withPersonId: 'bob' }]);
  });
});

describe('one wall behind the other', () => {
  const shown = (frames: readonly { readonly atMs: number; readonly digest?: string; readonly of?: string }[]) =>
    frames.reduce<Aliveness>((alive, { atMs, digest = `${atMs}`, of }) => {
      const sighting = { ...sightingAt(atMs, ada), digest };
      return withShown(alive, sighting, of, atMs + 20);
    }, nothingShown);
  const asked = { challenge: { id: 'a', kind: 'blink', issuedAtMs: 1000, deadlineMs: 9000 }, personId: 'ada', answer: 'waiting' } as const;

  it('a frame that is shown again, or after a later one, is not taken again', () => {
    const alive = shown([
      { atMs: 1000, digest: 'a' },
      { atMs: 1066, digest: 'b' },
      { atMs: 1132, digest: 'a' },
      { atMs: 1033, digest: 'c' },
    ]);
    expect(alive.frames.map(({ digest }) => digest)).toEqual(['a', 'b']);
  });

  it('an answer passes only with a frame in which the person is recognised', () => {
    const passed = { answered: () => 'passed' as const };
    const unrecognised = { ...shown([{ atMs: 1000, of: 'ada' }, { atMs: 1066 }]), asked };
    expect(withAnswer(unrecognised, passed, 1100).asked?.answer).toBe('waiting');
    const recognised = { ...shown([{ atMs: 1000 }, { atMs: 1066, of: 'ada' }]), asked };
    expect(withAnswer(recognised, passed, 1100).asked).toMatchObject({ answer: 'passed', endedAtMs: 1100 });
  });

  it('frames in which another person is recognised are no part of an answer', () => {
    const seen: number[] = [];
    const alive = { ...shown([{ atMs: 1000, of: 'ada' }, { atMs: 1066, of: 'bob' }, { atMs: 1132 }]), asked };
    const answered: AnswerOf = (_, frames) => {
      seen.push(...frames.map(({ capturedAtMs }) => capturedAtMs));
      return 'waiting';
    };
    withAnswer(alive, { answered }, 1200);
    expect(seen).toEqual([1000, 1132]);
  });

  it('an answer opens for no frame from before the question, and not for long', () => {
    const alive = {
      ...shown([0, 1, 2, 3].map((i) => ({ atMs: 2000 + i * 66, of: 'ada' }))),
      asked: { ...asked, answer: 'passed' as const, endedAtMs: 2300 },
    };
    const passage = (capturedAtMs: number, atMs: number) =>
      passageFor(
        alive,
        {
          personId: 'ada',
          policy: 'challenge',
          hasPin: false,
          pinGiven: false,
          askedLately: undefined,
          ballots: [sightingAt(capturedAtMs, ada)],
        },
        livingPolicy().liveness!,
        atMs,
      ).passage.kind;
    expect(passage(2000, 2400)).toBe('open');
    expect(passage(990, 2400)).not.toBe('open');
    expect(passage(2000, 4400)).not.toBe('open');
  });

  it('a live verdict on frames that are not voted on opens nothing', () => {
    const door = livingDoor({ ...admitting('passive'), votes: 8, window: 10 });
    door.see(ada, 3, { logit: 9 });
    door.see(ada, 20, { unchecked: true });
    expect(door.events()).toEqual([]);
  });

  it('frames with several faces, and of a face unlike the one before, answer nothing', () => {
    const far = [unitVector(randomOf(1), 32), unitVector(randomOf(2), 32)] as const;
    const unlike = { resembles: (a: Embedding, b: Embedding) => a === b };
    for (const [finding, face] of [
      [{ kind: 'low-quality', reasons: ['several-faces'] }, undefined],
      [{ kind: 'unknown' }, far[1]],
    ] as const) {
      const door = livingDoor({ ...admitting('challenge-when-unsure'), ...unlike });
      door.see(ada, 20, { logit: 0, face: far[0] });
      for (const yawDeg of [12, 26, 12]) door.see(finding, 1, { logit: 0, yawDeg, ...(face && { face }) });
      door.see(ada, 6, { logit: 0, face: far[0] });
      expect(kindsOf(door.events())).toEqual(['access.challenged']);
    }
  });
});
