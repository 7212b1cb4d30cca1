import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide, initialState } from '../../src/access/decide.ts';
import type { Finding, Sighting } from '../../src/access/port.ts';
import type { Decision, Input, Policy, State } from '../../src/access/state.ts';
import { facePolicy } from '../fakes/policy.ts';

const policy = facePolicy;
const likeness = { logit: 12, probability: 0.99, share: 1 };

function sightingOf(finding: Finding, capturedAtMs: number, digest = `frame at ${capturedAtMs}`): Sighting {
  return { digest, capturedAtMs, finding, likeness };
}
const person = (personId: string): Finding => ({ kind: 'person', personId });
const unknown: Finding = { kind: 'unknown' };

/** Plays inputs; gives back every decision. */
function play(inputs: readonly Input[], rules: Policy = policy): Decision[] {
  let state: State = initialState;
  return inputs.map((input) => {
    const decision = decide(state, input, rules);
    state = decision.state;
    return decision;
  });
}
const eventsOf = (decisions: readonly Decision[]) => decisions.flatMap((d) => d.events);
/** One sighting each 66 ms, decided 20 ms after capture. */
function frames(findings: readonly Finding[], fromMs = 1000, everyMs = 66): Input[] {
  return findings.map((finding, i) => ({
    kind: 'sighting',
    atMs: fromMs + i * everyMs + 20,
    sighting: sightingOf(finding, fromMs + i * everyMs),
  }));
}
const later = (atMs: number): Input => ({ kind: 'tick', atMs });

describe('while templates are being made again', () => {
  const partial = { reason: 'gallery-down', detail: 'templates of 3 people are being made again' } as const;
  const lockOut = { failures: 1, firstMs: 60_000, maxMs: 60_000, attempts: 1 };
  const strangers = Array.from({ length: 80 }, () => unknown);

  it('whoever is unknown may be one of those people: told so, and no failure', () => {
    const events = eventsOf(play([...frames(strangers), later(9000)], { ...policy, lockOut, partial }));
    expect(events).toMatchObject([{ kind: 'access.denied', reason: 'gallery-down', detail: partial.detail }]);
    const counted = eventsOf(play([...frames(strangers), later(9000)], { ...policy, lockOut }));
    expect(counted.map(({ kind }) => kind)).toContain('lockout.started');
  });

  it('whoever has a template comes in', () => {
    const events = eventsOf(play(frames([person('ada'), person('ada'), person('ada')]), { ...policy, lockOut, partial }));
    expect(events).toMatchObject([{ kind: 'access.granted', personId: 'ada' }]);
  });
});

describe('opening', () => {
  it('opens at the third agreeing frame, not before, with the capture time behind it', () => {
    const decisions = play(frames([person('ada'), person('ada'), person('ada')]));
    expect(decisions.map((d) => d.effects.length)).toEqual([0, 0, 1]);
    expect(decisions[2]?.events[0]).toMatchObject({ kind: 'access.granted', personId: 'ada', votes: 3, capturedAtMs: 1132, ageMs: 20 });
    expect(decisions[2]?.effects[0]?.grant).toBe(decisions[2]?.events[0]);
  });

  it('opens though other frames of the window were unknown or poor', () => {
    const poor: Finding = { kind: 'low-quality', reasons: ['blurred'] };
    expect(eventsOf(play(frames([person('ada'), unknown, person('ada'), poor, person('ada')])))).toMatchObject([
      { kind: 'access.granted' },
    ]);
  });

  it('opens on a slow machine too, whose frames are further apart than an absence', () => {
    const slow = { ...policy, maxFrameAgeMs: 5000, windowMs: 5000 };
    expect(eventsOf(play(frames([person('ada'), person('ada'), person('ada')], 1000, 1200), slow))).toMatchObject([
      { kind: 'access.granted' },
    ]);
  });

  it('ends a visit when frames show nobody for the set while', () => {
    const visit = frames(Array.from({ length: 6 }, () => unknown));
    const empty = frames(
      Array.from({ length: 15 }, () => ({ kind: 'nobody' }) as const),
      1450,
    );
    expect(eventsOf(play([...visit, ...empty]))).toMatchObject([{ kind: 'access.denied', reason: 'unknown' }]);
  });

  it('counts a frame shown twice once', () => {
    const same = frames([person('ada'), person('ada'), person('ada')]).map(
      (input) => ({ ...input, sighting: sightingOf(person('ada'), 1000, 'the same bytes') }) as Input,
    );
    expect(eventsOf(play(same))).toEqual([]);
    const alternating = frames([person('ada'), person('ada'), person('ada'), person('ada')]).map(
      (input, i) => ({ ...input, sighting: sightingOf(person('ada'), 1000 + i, `bytes ${i % 2}`) }) as Input,
    );
    expect(eventsOf(play(alternating))).toEqual([]);
  });

  it('does not open when votes are further apart than the window of time', () => {
    expect(eventsOf(play(frames([person('ada'), person('ada'), person('ada')], 1000, 1500)))).toEqual([]);
  });

  it('does not open on two people who contest one window', () => {
    const decisions = play([...frames([person('ada'), person('bo'), person('ada'), person('bo'), person('ada')]), later(9000)]);
    expect(decisions.flatMap((d) => d.effects)).toEqual([]);
  });

  it('never counts a frame that is too old, and says so', () => {
    const stale = [1, 2, 3, 4].map((i): Input => ({ kind: 'sighting', atMs: 5000 + i, sighting: sightingOf(person('ada'), 3000 + i) }));
    const events = eventsOf(play([...stale, later(9000)]));
    expect(events).toMatchObject([{ kind: 'access.denied', reason: 'stale' }]);
  });

  it('never counts a frame from the future of the clock', () => {
    const ahead = [1, 2, 3].map((i): Input => ({ kind: 'sighting', atMs: 1000 + i, sighting: sightingOf(person('ada'), 2000 + i) }));
    expect(eventsOf(play(ahead))).toEqual([]);
  });

  it('does not open again for the same person until the cool-down is over', () => {
    const long = Array.from({ length: 150 }, () => person('ada'));
    const grants = eventsOf(play(frames(long))).map((e) => e.kind);
    expect(grants).toEqual(['access.granted', 'access.granted']);
  });

  it('lets a grant that could not be carried out be tried again at once', () => {
    const first = frames([person('ada'), person('ada'), person('ada')]);
    const second = frames([person('ada'), person('ada'), person('ada')], 1300);
    expect(eventsOf(play([...first, ...second]))).toHaveLength(1);
    expect(eventsOf(play([...first, { kind: 'undone', atMs: 1290, personId: 'ada' }, ...second]))).toHaveLength(2);
  });

  it('opens for nobody while disarmed', () => {
    const events = eventsOf(play([...frames([person('ada'), person('ada'), person('ada')]), later(9000)], { ...policy, armed: false }));
    expect(events).toMatchObject([{ kind: 'access.denied', reason: 'disarmed' }]);
  });
});

describe('denying', () => {
  it('denies a stranger once, when the visit is over', () => {
    const events = eventsOf(play([...frames(Array.from({ length: 8 }, () => unknown)), later(1700), later(2300), later(9000)]));
    expect(events).toMatchObject([{ kind: 'access.denied', reason: 'unknown' }]);
  });

  it('denies a stranger who stays each time the set while has passed', () => {
    const events = eventsOf(play(frames(Array.from({ length: 160 }, () => unknown))));
    expect(events.map((e) => e.kind)).toEqual(['access.denied', 'access.denied']);
  });

  it('says nothing of somebody who passes by in fewer frames than a vote needs', () => {
    expect(eventsOf(play([...frames([unknown, unknown]), later(9000)]))).toEqual([]);
  });

  it('says nothing more after a visit that ended in a grant', () => {
    expect(
      eventsOf(play([...frames([person('ada'), person('ada'), person('ada'), unknown, unknown, unknown, unknown]), later(9000)])),
    ).toHaveLength(1);
  });

  it.each([
    [[{ kind: 'ambiguous' }], 'ambiguous'],
    [[{ kind: 'low-quality', reasons: ['several-faces'] }], 'ambiguous'],
    [[{ kind: 'low-quality', reasons: ['too-dark'] }], 'too-dark'],
    [[{ kind: 'low-quality', reasons: ['blurred'] }], 'low-quality'],
    [[{ kind: 'person', personId: 'ada' }, unknown, unknown], 'unknown'],
  ] as [Finding[], string][])('says why: %j is %s', (findings, reason) => {
    const visit = Array.from({ length: 6 }, (_, i) => findings[i % findings.length] as Finding);
    const events = eventsOf(play([...frames(visit), later(9000)], { ...policy, votes: 5 }));
    expect(events).toMatchObject([{ kind: 'access.denied', reason }]);
  });

  it('tells somebody whose face is covered what to do, and does not count it as a failed attempt', () => {
    const covered = Array.from({ length: 8 }, (): Finding => ({ kind: 'low-quality', reasons: ['unfit'] }));
    const lockOut = { failures: 1, firstMs: 60_000, maxMs: 60_000, attempts: 1 };
    const [denied, ...more] = eventsOf(play([...frames(covered), later(9000)], { ...policy, lockOut }));
    expect(denied).toMatchObject({ reason: 'low-quality', detail: 'too little of the face can be told: look at the camera, uncovered' });
    expect(denied).not.toHaveProperty('failures');
    expect(more).toEqual([]);
  });
});

describe('over any sequence of inputs', () => {
  const finding = fc.oneof(
    fc.constant<Finding>({ kind: 'nobody' }),
    fc.constant<Finding>(unknown),
    fc.constant<Finding>({ kind: 'ambiguous' }),
    fc.constantFrom<Finding>({ kind: 'low-quality', reasons: ['too-dark'] }, { kind: 'low-quality', reasons: ['several-faces'] }),
    fc.constantFrom('ada', 'ada', 'ada', 'bo').map(person),
  );
  const step = fc.record({
    finding,
    afterMs: fc.integer({ min: 0, max: 900 }),
    ageMs: fc.integer({ min: -50, max: 1500 }),
    digest: fc.integer({ min: 0, max: 30 }),
    tick: fc.boolean(),
  });
  const inputsOf = (steps: readonly { finding: Finding; afterMs: number; ageMs: number; digest: number; tick: boolean }[]): Input[] => {
    let atMs = 10_000;
    return steps.map(({ finding, afterMs, ageMs, digest, tick }) => {
      atMs += afterMs;
      return tick ? later(atMs) : { kind: 'sighting', atMs, sighting: sightingOf(finding, atMs - ageMs, String(digest)) };
    });
  };

  it('every effect has its grant among the events of the same decision', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        for (const { events, effects } of play(inputsOf(steps))) {
          expect(effects.every((e) => events.includes(e.grant))).toBe(true);
          expect(events.filter((e) => e.kind === 'access.granted')).toHaveLength(effects.length);
        }
      }),
    );
  });

  it('every grant rests on k distinct fresh frames of that person within the window, and on nobody else', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const inputs = inputsOf(steps);
        for (const [i, { events }] of play(inputs).entries()) {
          const input = inputs[i] as Extract<Input, { kind: 'sighting' }>;
          for (const grant of events) {
            if (grant.kind !== 'access.granted') continue;
            const behind = inputs
              .slice(0, i + 1)
              .flatMap((earlier) =>
                earlier.kind === 'sighting' &&
                input.atMs - earlier.sighting.capturedAtMs <= policy.maxFrameAgeMs &&
                earlier.sighting.finding.kind === 'person' &&
                earlier.sighting.finding.personId === grant.personId
                  ? [earlier.sighting.digest]
                  : [],
              );
            expect(new Set(behind).size).toBeGreaterThanOrEqual(policy.votes);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('a person is granted at most once in a cool-down', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const inputs = inputsOf(steps);
        const last = new Map<string, number>();
        for (const [i, { events }] of play(inputs).entries()) {
          for (const grant of events) {
            if (grant.kind !== 'access.granted') continue;
            const atMs = inputs[i]?.atMs ?? 0;
            expect(atMs - (last.get(grant.personId) ?? Number.NEGATIVE_INFINITY)).toBeGreaterThanOrEqual(policy.cooldownMs);
            last.set(grant.personId, atMs);
          }
        }
      }),
    );
  });

  it('opens for nobody while disarmed', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        expect(play(inputsOf(steps), { ...policy, armed: false }).flatMap((d) => d.effects)).toEqual([]);
      }),
    );
  });
});
