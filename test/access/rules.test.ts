/** Rules for a recognised face: refusals told at once, PIN and second person, and the lock-out after failed presentations. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Admission } from '../../src/access/admission.ts';
import { decide, initialState } from '../../src/access/decide.ts';
import { isLockedOut, lockOver } from '../../src/access/lock-out.ts';
import type { Finding } from '../../src/access/port.ts';
import type { Decision, Input, Policy, State } from '../../src/access/state.ts';
import { denials } from '../../src/events.ts';
import type { Embedding } from '../../src/face/port.ts';
import { near, randomOf, unitVector } from '../fakes/embeddings.ts';
import { guardedPolicy } from '../fakes/policy.ts';

const base = guardedPolicy;
const person = (personId: string): Finding => ({ kind: 'person', personId });
const unknown: Finding = { kind: 'unknown' };

/** A house that is told what is seen, 15 frames a second. */
function house(policy: Policy) {
  let state: State = initialState;
  let nowMs = 1000;
  const decisions: Decision[] = [];
  const tell = (input: Input) => {
    const decision = decide(state, input, policy);
    state = decision.state;
    decisions.push(decision);
    return decision;
  };
  const see = (finding: Finding, frames: number, { logit = 9, face }: { logit?: number; face?: Embedding } = {}) => {
    for (let i = 0; i < frames; i++) {
      nowMs += 66;
      const likeness = { logit, probability: 0.99, share: 1 };
      const sighting = { digest: `${nowMs}`, capturedAtMs: nowMs, finding, likeness, ...(face && { face }) };
      tell({ kind: 'sighting', atMs: nowMs + 20, sighting });
    }
  };
  return {
    see,
    tell: (input: Omit<Extract<Input, { kind: 'pin' }>, 'atMs'> | { kind: 'reset' | 'vouched' }) =>
      tell({ ...input, atMs: nowMs } as Input),
    leave: () => see({ kind: 'nobody' }, 15),
    wait: (ms: number) => {
      nowMs += ms;
      tell({ kind: 'tick', atMs: nowMs });
    },
    events: () => decisions.splice(0).flatMap(({ events }) => events),
    state: () => state,
  };
}
const kinds = (events: readonly { kind: string; reason?: string }[]) =>
  events.map(({ kind, reason }) => (reason ? `${kind} ${reason}` : kind));
const admitting = (admission: (personId: string) => Admission): Policy => ({ ...base, admission });

describe('a recognised person who may not come in', () => {
  const expired = admitting(() => ({ ok: false, reason: 'expired', detail: 'was valid until yesterday' }));

  it('is told why as soon as the vote is won, and again only when they stay', () => {
    const { see, events, leave } = house(expired);
    see(person('ada'), 3);
    expect(events()).toMatchObject([
      { kind: 'access.denied', reason: 'expired', detail: 'was valid until yesterday', bestPersonId: 'ada' },
    ]);
    see(person('ada'), 60);
    expect(events()).toEqual([]);
    see(person('ada'), 30);
    expect(kinds(events())).toEqual(['access.denied expired']);
    leave();
    expect(events().filter(({ kind }) => kind === 'access.granted')).toEqual([]);
  });

  it('does not count towards a lock-out', () => {
    const { see, events, leave } = house(expired);
    for (let i = 0; i < 8; i++) {
      see(person('ada'), 5);
      leave();
    }
    expect(events().filter(({ kind }) => kind.startsWith('lockout'))).toEqual([]);
  });
});

describe('face and PIN', () => {
  const policy = admitting(() => ({ ok: true, needs: ['pin'] }));

  it('opens on the next agreeing frame once the PIN is right, and uses it up', () => {
    const { see, tell, events, leave } = house(policy);
    see(person('ada'), 10);
    expect(events()).toMatchObject([{ kind: 'access.pending', personId: 'ada', needs: 'pin', withinMs: 15_000 }]);
    tell({ kind: 'pin', personId: 'ada' });
    see(person('ada'), 1);
    expect(kinds(events())).toEqual(['access.granted']);
    leave();
    see({ kind: 'nobody' }, 150);
    see(person('ada'), 5);
    expect(kinds(events())).toEqual(['access.pending']);
  });

  it('takes the PIN first too, but nobody else’s and none from too long ago', () => {
    const { see, tell, events, leave, wait } = house(policy);
    tell({ kind: 'pin', personId: 'bob' });
    see(person('ada'), 5);
    expect(kinds(events())).toEqual(['access.pending']);
    leave();
    tell({ kind: 'pin', personId: 'ada' });
    wait(15_001);
    events();
    see(person('ada'), 5);
    expect(kinds(events())).toEqual(['access.pending']);
    tell({ kind: 'pin', personId: 'ada' });
    see(person('ada'), 3);
    expect(kinds(events())).toEqual(['access.granted']);
  });

  it('says that the PIN was missing when its time is over, and asks again while they stay', () => {
    const { see, events } = house(policy);
    see(person('ada'), 240);
    expect(kinds(events())).toEqual(['access.pending', 'access.denied pin-needed', 'access.pending']);
  });
});

describe('the two-person rule', () => {
  const policy = admitting(() => ({ ok: true, needs: ['second-person'] }));

  it('opens for two different people, and names both', () => {
    const { see, events, leave } = house(policy);
    see(person('ada'), 20);
    leave();
    expect(kinds(events())).toEqual(['access.pending', 'access.denied second-person-needed']);
    see(person('bob'), 5);
    expect(events()).toMatchObject([{ kind: 'access.granted', personId: 'bob', withPersonId: 'ada' }]);
  });

  it('never for one person twice, nor for a second who comes too late', () => {
    const { see, events, leave, wait } = house(policy);
    see(person('ada'), 20);
    leave();
    see(person('ada'), 20);
    leave();
    wait(15_001);
    see(person('bob'), 5);
    expect(events().filter(({ kind }) => kind === 'access.granted')).toEqual([]);
  });
});

describe('the lock-out', () => {
  const fail = ({ see, leave }: ReturnType<typeof house>, times: number) => {
    for (let i = 0; i < times; i++) {
      see(unknown, 10);
      leave();
    }
  };

  it('begins at the fifth failed attempt in a row, refuses everyone whose face it cannot tell apart, and is over after its time', () => {
    const door = house(base);
    fail(door, 5);
    const events = door.events();
    expect(events.map((event) => ('failures' in event ? event.failures : undefined))).toEqual([1, 2, 3, 4, 5, 5]);
    expect(events.at(-1)).toMatchObject({ kind: 'lockout.started', failures: 5, durationMs: 30_000, level: 0 });
    door.see(person('ada'), 5);
    expect(kinds(door.events())).toEqual(['access.denied locked-out']);
    door.leave();
    door.wait(30_000);
    expect(kinds(door.events())).toContain('lockout.ended');
    door.see(person('ada'), 5);
    expect(kinds(door.events())).toEqual(['access.granted']);
  });

  it('counts attempts, not frames and not passers-by; whoever stays makes one after the other', () => {
    const door = house(base);
    door.see(unknown, 160);
    expect(door.events().filter((event) => 'failures' in event).length).toBe(2);
    door.leave();
    door.events();
    for (let i = 0; i < 10; i++) {
      door.see(unknown, 2);
      door.leave();
      door.see({ kind: 'low-quality', reasons: ['blurred'] }, 20);
      door.leave();
    }
    expect(door.events().filter(({ kind }) => kind === 'lockout.started')).toEqual([]);
    expect(door.state().failures.attempts).toBe(3);
  });

  it('counts an attempt whose good frames could have won a vote, though most of its frames were poor', () => {
    const door = house(base);
    door.see({ kind: 'low-quality', reasons: ['blurred'] }, 20);
    door.see(unknown, 3);
    door.leave();
    expect(door.events()).toMatchObject([{ kind: 'access.denied', reason: 'low-quality', failures: 1, attempts: 1 }]);
  });

  it('doubles each time up to its most, and a grant or a reset begins again', () => {
    const door = house(base);
    const durations: number[] = [];
    for (let i = 0; i < 4; i++) {
      fail(door, 5);
      door.wait(200_000);
      for (const event of door.events()) if (event.kind === 'lockout.started') durations.push(event.durationMs);
    }
    expect(durations).toEqual([30_000, 60_000, 100_000, 100_000]);
    fail(door, 5);
    door.tell({ kind: 'reset' });
    expect(door.events().at(-1)).toEqual({ kind: 'lockout.ended', why: 'reset' });
    fail(door, 5);
    expect(door.events().at(-1)).toMatchObject({ durationMs: 30_000 });
    door.wait(30_000);
    fail(door, 4);
    door.see(person('ada'), 5);
    expect(door.state().failures).toEqual({ attempts: 0, stopped: false, faces: [] });
  });
});

describe('faces that can be told apart', () => {
  const random = randomOf(16);
  const dimension = 64;
  const stranger = () => unitVector(random, dimension);
  const cosine = (a: Embedding, b: Embedding) => a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
  const telling: Policy = { ...base, isSameFace: (a, b) => cosine(a, b) > 0.5, resembles: (a, b) => cosine(a, b) > 0.6 };
  const [ada, eve] = [stranger(), stranger()];
  const looks = (face: Embedding, frames: number) => Array.from({ length: frames }, () => near(face, 0.4, random));

  it('a slideshow of strangers without a gap is stopped within fifty attempts, told, and starts again with a PIN or a reset', () => {
    const door = house(telling);
    for (let i = 0; i < 49; i++) for (const face of looks(stranger(), 4)) door.see(unknown, 1, { logit: 1, face });
    door.leave();
    const events = door.events();
    expect(events.filter(({ kind }) => kind === 'access.denied').length).toBe(49);
    expect(door.state().failures).toMatchObject({ attempts: 49, stopped: false });
    door.see(person('ada'), 5, { face: ada });
    door.leave();
    expect(kinds(door.events())).toEqual(['access.granted']);
    for (let i = 0; i < 60; i++) for (const face of looks(stranger(), 4)) door.see(unknown, 1, { logit: 1, face });
    const stopping = door.events();
    expect(stopping.find(({ kind }) => kind === 'access.stopped')).toEqual({ kind: 'access.stopped', attempts: 50 });
    expect(stopping.filter((event) => 'attempts' in event && event.kind === 'access.denied').length).toBe(50);
    door.leave();
    door.events();
    // Nobody is let in, however alike, and nobody learns how alike.
    door.see(person('ada'), 5, { face: ada, logit: 20 });
    door.leave();
    const [denied] = door.events();
    expect(denied).toMatchObject({ kind: 'access.denied', reason: 'locked-out' });
    expect([denied && 'likeness' in denied, denied && 'band' in denied]).toEqual([false, false]);
    door.tell({ kind: 'vouched' });
    expect(door.events()).toEqual([{ kind: 'access.resumed', why: 'pin' }]);
    door.see(person('ada'), 5, { face: ada });
    expect(kinds(door.events())).toEqual(['access.granted']);
  });

  it('a stranger who steps in after a grant without a gap is an attempt and leaves an entry; the person let in does not', () => {
    const door = house(telling);
    for (const face of looks(ada, 30)) door.see(person('ada'), 1, { face });
    for (const face of looks(eve, 6)) door.see(unknown, 1, { face, logit: 3 });
    door.leave();
    expect(door.events()).toMatchObject([
      { kind: 'access.granted', band: 'at-or-above' },
      { kind: 'access.denied', reason: 'unknown', attempts: 1, band: 'below' },
    ]);
  });

  it('one odd frame neither ends an attempt nor costs a vote', () => {
    const door = house(telling);
    for (const [i, face] of looks(ada, 4).entries()) {
      if (i === 2) door.see(unknown, 1, { face: stranger(), logit: 1 });
      else door.see(person('ada'), 1, { face });
    }
    expect(kinds(door.events())).toEqual(['access.granted']);
  });

  it('votes of one face are no votes of the next', () => {
    const door = house(telling);
    for (let i = 0; i < 10; i++) {
      for (const face of looks(stranger(), 2)) door.see(person('ada'), 1, { face: near(face, 0, random), logit: 9 });
      for (const face of looks(stranger(), 2)) door.see(unknown, 1, { face, logit: 1 });
    }
    door.leave();
    expect(door.events().filter(({ kind }) => kind === 'access.granted')).toEqual([]);
  });

  it('a picture held up between frames of another face wins no vote, and a face that changes slowly is not one face', () => {
    const door = house(telling);
    for (let i = 0; i < 20; i++) {
      door.see(unknown, 1, { face: near(eve, 0.4, random), logit: 1 });
      door.see(person('ada'), 1, { face: ada });
    }
    door.leave();
    expect(door.events().filter(({ kind }) => kind === 'access.granted')).toEqual([]);
    const slow = house(telling);
    for (let from = stranger(), to = stranger(), i = 0; i < 6000 && !slow.state().failures.stopped; i++) {
      const part = (i % 50) / 50;
      if (part === 0) [from, to] = [to, stranger()];
      const mixed = from.map((value, at) => (1 - part) * value + part * (to[at] ?? 0));
      const length = Math.hypot(...mixed);
      slow.see(unknown, 1, { face: mixed.map((value) => value / length), logit: 1 });
    }
    expect(slow.events().at(-1)).toEqual({ kind: 'access.stopped', attempts: 50 });
  });

  it('a lock-out keeps out whoever resembles the failed face, unless recognised far above the threshold, and nobody else', () => {
    const door = house(telling);
    for (let i = 0; i < 5; i++) {
      for (const face of looks(eve, 5)) door.see(unknown, 1, { face, logit: 3 });
      door.leave();
    }
    expect(kinds(door.events())).toContain('lockout.started');
    door.see(person('ada'), 5, { face: ada });
    expect(kinds(door.events())).toEqual(['access.granted']);
    door.leave();
    // The face that failed passes as somebody: by a little it is kept out, by much it is not.
    door.see(person('bob'), 5, { face: eve, logit: 9 });
    expect(kinds(door.events())).toEqual(['access.denied locked-out']);
    door.leave();
    door.events();
    door.see(person('bob'), 5, { face: eve, logit: 10 });
    expect(kinds(door.events())).toEqual(['access.granted']);
  });

  it('over any sequence of faces, nobody is let in while stopped, nor by a little while a face like theirs is locked out', () => {
    const faces = [ada, eve, stranger()].flatMap((face) => looks(face, 3));
    const frame = fc.record({
      face: fc.nat(faces.length - 1),
      finding: fc.constantFrom<Finding>(unknown, unknown, person('ada'), person('ada'), { kind: 'nobody' }),
      logit: fc.integer({ min: 8, max: 11 }),
      times: fc.integer({ min: 1, max: 6 }),
      waitMs: fc.constantFrom(0, 0, 0, 2000, 25_000),
    });
    const policy: Policy = { ...telling, cooldownMs: 0, lockOut: { failures: 2, firstMs: 20_000, maxMs: 40_000, attempts: 6 } };
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 60 }), (frames) => {
        let state: State = initialState;
        let nowMs = 0;
        const tell = (input: Input) => {
          const locked = lockOver(state.failures, input.atMs)?.failures ?? state.failures;
          const decision = decide(state, input, policy);
          for (const event of decision.events)
            if (event.kind === 'access.granted' && input.kind === 'sighting') {
              expect(locked.stopped).toBe(false);
              const { face, likeness } = input.sighting;
              if (isLockedOut(locked, face, policy.resembles)) expect(likeness?.logit).toBeGreaterThanOrEqual(10);
            }
          expect(decision.effects.every(({ grant }) => decision.events.includes(grant))).toBe(true);
          state = decision.state;
        };
        for (const { face, finding, logit, times, waitMs } of frames) {
          nowMs += waitMs;
          tell({ kind: 'tick', atMs: nowMs });
          for (let i = 0; i < times; i++) {
            nowMs += 66;
            const likeness = { logit, probability: 1, share: 1 };
            const shown = finding.kind === 'nobody' ? {} : { likeness, face: faces[face]! };
            tell({ kind: 'sighting', atMs: nowMs, sighting: { digest: `${nowMs}`, capturedAtMs: nowMs, finding, ...shown } });
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('whoever stays while locked out does not stop the door for everyone', () => {
    const door = house(telling);
    for (let i = 0; i < 600; i++) door.see(unknown, 4, { face: near(eve, 0.4, random), logit: 3 });
    const attempts = door.events().filter((event) => event.kind === 'access.denied' && event.attempts !== undefined);
    expect(attempts.length).toBeLessThan(25);
    expect(door.state().failures.stopped).toBe(false);
  });
});

describe('whatever happens', () => {
  const finding = fc.oneof(
    fc.constantFrom<Finding>({ kind: 'nobody' }, unknown, { kind: 'ambiguous' }, { kind: 'low-quality', reasons: ['blurred'] }),
    fc.constantFrom('ada', 'bob', 'eve').map(person),
  );
  const step = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('see' as const),
        finding,
        frames: fc.integer({ min: 1, max: 8 }),
        ageMs: fc.integer({ min: -50, max: 2000 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 60_000 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('pin' as const), personId: fc.constantFrom('ada', 'bob', 'eve') }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'reset' as const }) },
  );
  const refusal = fc.record({ ok: fc.constant(false as const), reason: fc.constantFrom(...denials), detail: fc.constant('so') });
  const admission = fc.oneof(refusal, fc.record({ ok: fc.constant(true as const), needs: fc.subarray(['pin', 'second-person'] as const) }));

  it('no grant comes in a lock-out, while blocked, against an admission, without its PIN or its second person; nothing throws', () => {
    const rules = fc.record({ ada: admission, bob: admission, eve: admission });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), rules, fc.boolean(), (steps, people, blocked) => {
        const policy: Policy = {
          ...base,
          lockOut: { failures: 2, firstMs: 20_000, maxMs: 40_000, attempts: 5 },
          admission: (id) => people[id as keyof typeof people],
          ...(blocked ? { blocked: { reason: 'tampered', detail: 'so' } as const } : {}),
        };
        let state: State = initialState;
        let nowMs = 1000;
        let lockedUntilMs = 0;
        let stopped = false;
        let pinned: { personId: string; untilMs: number } | undefined;
        const seen = new Map<string, number>();
        const tell = (input: Input) => {
          const decision = decide(state, input, policy);
          state = decision.state;
          for (const event of decision.events) {
            if (event.kind === 'lockout.started') lockedUntilMs = input.atMs + event.durationMs;
            if (event.kind === 'lockout.ended') lockedUntilMs = 0;
            if (event.kind === 'access.stopped' || event.kind === 'access.resumed') stopped = event.kind === 'access.stopped';
            if (event.kind !== 'access.granted') continue;
            const rule = people[event.personId as keyof typeof people];
            expect([blocked, stopped]).toEqual([false, false]);
            expect(input.atMs).toBeGreaterThanOrEqual(lockedUntilMs);
            expect(rule.ok).toBe(true);
            if (!rule.ok) continue;
            if (rule.needs.includes('pin')) {
              expect(pinned?.personId).toBe(event.personId);
              expect(pinned?.untilMs).toBeGreaterThan(input.atMs);
            }
            if (rule.needs.includes('second-person')) {
              expect(event.withPersonId).toBeDefined();
              expect(event.withPersonId).not.toBe(event.personId);
              expect(input.atMs - (seen.get(event.withPersonId ?? '') ?? Number.NEGATIVE_INFINITY)).toBeLessThanOrEqual(15_000);
            }
            expect(input.atMs - event.capturedAtMs).toBeLessThanOrEqual(base.maxFrameAgeMs);
          }
          expect(decision.effects.length).toBe(decision.events.filter(({ kind }) => kind === 'access.granted').length);
        };
        for (const each of steps) {
          if (each.kind === 'wait') {
            nowMs += each.ms;
            tell({ kind: 'tick', atMs: nowMs });
          } else if (each.kind === 'reset') tell({ kind: 'reset', atMs: nowMs });
          else if (each.kind === 'pin') {
            pinned = { personId: each.personId, untilMs: nowMs + 15_000 };
            tell({ kind: 'pin', atMs: nowMs, personId: each.personId });
          } else
            for (let i = 0; i < each.frames; i++) {
              nowMs += 66;
              if (each.finding.kind === 'person') seen.set(each.finding.personId, nowMs);
              tell({
                kind: 'sighting',
                atMs: nowMs,
                sighting: { digest: `${nowMs}`, capturedAtMs: nowMs - each.ageMs, finding: each.finding },
              });
            }
        }
      }),
      { numRuns: 300 },
    );
  });
});
