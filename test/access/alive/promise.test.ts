/** What holds over any sequence of frames, PINs and time: nobody comes in by face without having shown that they live. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide, initialState } from '../../../src/access/decide.ts';
import type { Finding } from '../../../src/access/port.ts';
import type { AccessEvent, Input } from '../../../src/access/state.ts';
import { livenessPolicies } from '../../../src/liveness/port.ts';
import { livingPolicy, person, sightingAt } from '../../fakes/liveness.ts';

const finding = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Finding>(person('ada')) },
  { weight: 1, arbitrary: fc.constant<Finding>(person('bob')) },
  fc.constantFrom<Finding>({ kind: 'nobody' }, { kind: 'unknown' }),
  fc.constantFrom<Finding>({ kind: 'low-quality', reasons: ['turned'] }, { kind: 'low-quality', reasons: ['several-faces'] }),
);
/** Long runs of one kind: a vote needs three frames, a challenge some dozen. */
const run = fc.record({
  finding,
  frames: fc.integer({ min: 1, max: 20 }),
  logit: fc.constantFrom(-3, 0, 0, 3, null),
  yawDeg: fc.constantFrom(0, 0, 30, -30),
  everyMs: fc.constantFrom(66, 66, 200, 1200),
  unchecked: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
  pin: fc.constantFrom(undefined, undefined, 'ada', 'bob'),
});
const world = fc.record({
  policy: fc.constantFrom(...livenessPolicies),
  whenNotChecked: fc.constantFrom('second-factor', 'deny', 'allow'),
  hasPin: fc.boolean(),
  needs: fc.constantFrom([], [], ['pin'], ['second-person']) as fc.Arbitrary<('pin' | 'second-person')[]>,
  runs: fc.array(run, { minLength: 1, maxLength: 14 }),
});
type World = typeof world extends fc.Arbitrary<infer Value> ? Value : never;

function played({
  policy,
  whenNotChecked,
  hasPin,
  needs,
  runs,
}: World): { readonly input: Input; readonly events: readonly AccessEvent[] }[] {
  const rules = livingPolicy({
    liveness: { policy, whenNotChecked: whenNotChecked as 'deny' },
    admission: () => ({ ok: true, needs, liveness: policy, hasPin }),
  });
  let state = initialState;
  let nowMs = 1000;
  return runs
    .flatMap(({ frames, pin, everyMs, ...shown }): Input[] => [
      ...(pin ? [{ kind: 'pin', atMs: nowMs, personId: pin } as const] : []),
      ...Array.from({ length: frames }, (): Input => {
        nowMs += everyMs;
        return { kind: 'sighting', atMs: nowMs + 20, sighting: sightingAt(nowMs, shown.finding, shown) };
      }),
    ])
    .map((input) => {
      const { state: next, events } = decide(state, input, rules);
      state = next;
      return { input, events };
    });
}

describe('over any sequence of frames, PINs and time', () => {
  it('a grant rests on a live verdict, an answered challenge or a PIN, and never on a verdict of spoof', () => {
    let [grants, challenges] = [0, 0];
    fc.assert(
      fc.property(world, (each) => {
        const steps = played(each);
        for (const [i, { input, events }] of steps.entries())
          for (const event of events) {
            if (event.kind !== 'access.granted') continue;
            grants++;
            const { verdict, proof } = event.liveness ?? { verdict: 'spoof' };
            expect(verdict).not.toBe('spoof');
            if (each.policy === 'off') continue;
            const mayOpen = [
              proof !== undefined,
              verdict === 'live' && each.policy !== 'challenge',
              verdict === 'not-checked' && each.whenNotChecked === 'allow',
            ];
            expect(mayOpen).toContain(true);
            const before = steps.slice(0, i);
            if (proof === 'pin')
              expect(
                before.some(
                  ({ input: told }) => told.kind === 'pin' && told.personId === event.personId && input.atMs - told.atMs <= 15_000,
                ),
              ).toBe(true);
            if (proof !== 'challenge') continue;
            challenges++;
            const said = before.flatMap((step) => step.events);
            const asked = said.findLastIndex(({ kind }) => kind === 'access.challenged');
            expect(said[asked]).toMatchObject({ personId: event.personId });
            expect(said.slice(asked).map(({ kind }) => kind)).not.toContain('access.granted');
          }
      }),
      { numRuns: 1500, seed: 18 },
    );
    // It is about something.
    expect([grants > 100, challenges > 3]).toEqual([true, true]);
  });

  it('a grant by a live verdict has seen frames of this very person that are live, in the last five seconds', () => {
    fc.assert(
      fc.property(world, (each) => {
        const steps = played(each);
        for (const [i, { input, events }] of steps.entries())
          for (const event of events) {
            if (event.kind !== 'access.granted' || event.liveness?.verdict !== 'live') continue;
            const live = steps.slice(0, i + 1).filter(({ input: seen }) => {
              if (seen.kind !== 'sighting' || input.atMs - seen.atMs > 5000) return false;
              const { finding: found, liveness } = seen.sighting;
              return found.kind === 'person' && found.personId === event.personId && (liveness?.passive?.logit ?? 0) > 0;
            });
            expect(live.length).toBeGreaterThan(0);
          }
      }),
      { numRuns: 500, seed: 19 },
    );
  });

  it('a person who is not let in is asked at most four times in two minutes', () => {
    fc.assert(
      fc.property(world, (each) => {
        const asked = new Map<string, number[]>();
        for (const { input, events } of played(each))
          for (const event of events) {
            if (event.kind === 'access.granted') asked.delete(event.personId);
            if (event.kind !== 'access.challenged') continue;
            const lately = [...(asked.get(event.personId) ?? []), input.atMs].filter((atMs) => atMs > input.atMs - 120_000);
            asked.set(event.personId, lately);
            expect(lately.length).toBeLessThanOrEqual(4);
          }
      }),
      { numRuns: 300, seed: 20 },
    );
  });
});
