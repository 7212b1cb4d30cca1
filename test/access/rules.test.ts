/** Rules for a recognised face: refusals told at once, PIN and second person, and the lock-out after failed presentations. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Admission } from '../../src/access/admission.ts';
import { type Decision, decide, type Input, initialState, type Policy, type State } from '../../src/access/decide.ts';
import type { Finding } from '../../src/access/port.ts';
import { denials } from '../../src/events.ts';

const base: Policy = {
  armed: true,
  votes: 3,
  window: 5,
  windowMs: 2000,
  maxFrameAgeMs: 1000,
  absenceMs: 700,
  denyAfterMs: 5000,
  cooldownMs: 8000,
  pulseMs: 3000,
  threshold: { policy: 'target-fmr', logit: 8, fmr: 1e-5, extrapolated: false },
  lockOut: { failures: 5, firstMs: 30_000, maxMs: 100_000 },
  togetherMs: 15_000,
};
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
  const see = (finding: Finding, frames: number) => {
    for (let i = 0; i < frames; i++) {
      nowMs += 66;
      const sighting = { digest: `${nowMs}`, capturedAtMs: nowMs, finding, likeness: { logit: 12, probability: 0.99, share: 1 } };
      tell({ kind: 'sighting', atMs: nowMs + 20, sighting });
    }
  };
  return {
    see,
    tell: (input: Omit<Extract<Input, { kind: 'pin' }>, 'atMs'> | { kind: 'reset' }) => tell({ ...input, atMs: nowMs } as Input),
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

  it('begins at the fifth failed presentation in a row, refuses everyone, and is over after its time', () => {
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

  it('counts presentations, not frames and not passers-by', () => {
    const door = house(base);
    door.see(unknown, 600);
    expect(door.events().filter((event) => 'failures' in event).length).toBe(1);
    door.leave();
    for (let i = 0; i < 10; i++) {
      door.see(unknown, 2);
      door.leave();
      door.see({ kind: 'low-quality', reasons: ['blurred'] }, 20);
      door.leave();
    }
    expect(door.events().filter(({ kind }) => kind === 'lockout.started')).toEqual([]);
    expect(door.state().failures.inARow).toBe(1);
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
    expect(door.state().failures).toEqual({ inARow: 0, level: 0 });
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
          lockOut: { failures: 2, firstMs: 20_000, maxMs: 40_000 },
          admission: (id) => people[id as keyof typeof people],
          ...(blocked ? { blocked: { reason: 'tampered', detail: 'so' } as const } : {}),
        };
        let state: State = initialState;
        let nowMs = 1000;
        let lockedUntilMs = 0;
        let pinned: { personId: string; untilMs: number } | undefined;
        const seen = new Map<string, number>();
        const tell = (input: Input) => {
          const decision = decide(state, input, policy);
          state = decision.state;
          for (const event of decision.events) {
            if (event.kind === 'lockout.started') lockedUntilMs = input.atMs + event.durationMs;
            if (event.kind === 'lockout.ended') lockedUntilMs = 0;
            if (event.kind !== 'access.granted') continue;
            const rule = people[event.personId as keyof typeof people];
            expect(blocked).toBe(false);
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
