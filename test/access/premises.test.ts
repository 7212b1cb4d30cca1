/** The door itself: requests, contact, exit button, tamper and holds, and what must hold whatever happens. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  attend,
  initialPremises,
  isBlocked,
  type LockEffect,
  type Premises,
  type PremisesInput,
  type PremisesRules,
} from '../../src/access/premises.ts';
import type { DoorRequest, Requester } from '../../src/events.ts';
import type { InputName } from '../../src/relay/port.ts';

const rules: PremisesRules = { pulseMs: 3000, maxHoldMs: 60_000, heldOpenMs: 30_000, graceMs: 5000, tamperBlockMs: 600_000 };
const operator: Requester = { kind: 'operator', name: 'ada', via: 'mqtt', requestId: 'r' };
const local: Requester = { ...operator, via: 'cli' };
const keypad: Requester = { kind: 'keypad', via: 'mqtt' };

function house() {
  let state: Premises = initialPremises(true);
  let nowMs = 0;
  const told: { kind: string }[] = [];
  const done: LockEffect[] = [];
  const tell = (input: PremisesInput) => {
    const decision = attend(state, input, rules);
    state = decision.state;
    told.push(...decision.events);
    done.push(...decision.effects);
    for (const effect of decision.effects)
      if (effect.kind === 'pulse') state = attend(state, { kind: 'pulsed', atMs: nowMs, durationMs: effect.durationMs }, rules).state;
    return decision;
  };
  return {
    state: () => state,
    line: (input: InputName, active: boolean) => tell({ kind: 'input', atMs: nowMs, change: { input, active, atMs: nowMs } }),
    ask: (what: DoorRequest, by: Requester = operator, durationMs?: number) =>
      tell({ kind: 'request', atMs: nowMs, what, by, ...(durationMs === undefined ? {} : { durationMs }) }),
    wait: (ms: number) => {
      for (const endMs = nowMs + ms; nowMs < endMs; ) {
        nowMs = Math.min(endMs, nowMs + 100);
        tell({ kind: 'tick', atMs: nowMs });
      }
    },
    kinds: () => told.splice(0).map(({ kind }) => kind),
    effects: () => done.splice(0).map(({ kind }) => kind),
    now: () => nowMs,
  };
}

describe('the door contact', () => {
  it('tells a door that is opened after a release from one that is forced', () => {
    const door = house();
    door.line('contact', false);
    door.ask('open');
    door.wait(7900);
    door.line('contact', true);
    door.wait(1000);
    door.line('contact', false);
    expect(door.kinds()).toEqual(['request.granted', 'door.opened', 'door.closed']);
    door.wait(10_000);
    door.line('contact', true);
    expect(door.kinds()).toEqual(['door.opened', 'door.forced-open']);
  });

  it('alarms once for a door held open, and not while it is held by request', () => {
    const door = house();
    door.line('contact', false);
    door.ask('hold', operator, 50_000);
    door.line('contact', true);
    door.wait(49_000);
    expect(door.kinds()).toEqual(['request.granted', 'door.opened']);
    door.wait(2000);
    expect(door.kinds()).toEqual(['hold.ended']);
    door.wait(60_000);
    expect(door.kinds()).toEqual(['door.held-open']);
  });
});

describe('the exit button', () => {
  it('opens when pressed, whatever else holds: tamper, disarmed', () => {
    const door = house();
    door.ask('disarm');
    door.line('tamper', true);
    door.effects();
    door.line('exit', false);
    door.line('exit', true);
    door.line('exit', false);
    expect(door.effects()).toEqual(['pulse']);
    expect(door.kinds().at(-1)).toBe('request.granted');
  });

  it('that is pressed when it is first seen, and goes on being so, opens nothing until it is let go and pressed', () => {
    const door = house();
    for (let i = 0; i < 3; i++) door.line('exit', true);
    door.wait(60_000);
    expect([door.effects(), door.kinds()]).toEqual([[], []]);
    door.line('exit', false);
    door.line('exit', true);
    expect(door.effects()).toEqual(['pulse']);
    door.line('exit', true);
    expect(door.effects()).toEqual([]);
  });
});

describe('tamper', () => {
  it('blocks faces and remote opening while it lasts and for the set time, not the keypad nor the local shell', () => {
    const door = house();
    door.line('tamper', true);
    expect(isBlocked(door.state(), door.now())).toBe(true);
    expect(door.ask('open').events).toMatchObject([{ kind: 'request.refused', reason: 'tampered' }]);
    expect(door.ask('hold', operator, 1000).effects).toEqual([]);
    expect(door.ask('open', keypad).effects).toMatchObject([{ kind: 'pulse' }]);
    expect(door.ask('open', local).effects).toMatchObject([{ kind: 'pulse' }]);
    door.wait(700_000);
    expect(isBlocked(door.state(), door.now())).toBe(true);
    door.line('tamper', false);
    expect(isBlocked(door.state(), door.now())).toBe(false);
    door.line('tamper', true);
    door.line('tamper', false);
    door.wait(599_000);
    expect(isBlocked(door.state(), door.now())).toBe(true);
    door.wait(1000);
    expect(isBlocked(door.state(), door.now())).toBe(false);
  });

  it('ends a hold', () => {
    const door = house();
    door.ask('hold', operator, 50_000);
    door.effects();
    door.line('tamper', true);
    expect(door.effects()).toEqual(['safe']);
    door.wait(5000);
    expect(door.effects()).toEqual([]);
  });
});

describe('a hold', () => {
  it('is renewed each second, capped, and ends safe', () => {
    const door = house();
    door.ask('hold', operator, 3_600_000);
    door.wait(59_900);
    const effects = door.effects();
    expect(effects.filter((kind) => kind === 'lease').length).toBeGreaterThanOrEqual(59);
    expect(effects.length).toBeLessThanOrEqual(61);
    door.wait(200);
    expect(door.effects()).toEqual(['safe']);
    expect(door.kinds()).toEqual(['request.granted', 'hold.ended']);
  });

  it('cannot be drawn out beyond its maximum by asking again', () => {
    const door = house();
    for (let i = 0; i < 20; i++) {
      door.ask('hold', operator, 30_000);
      door.wait(5000);
    }
    expect(door.kinds()).toContain('hold.ended');
  });

  it('ends at a release, which drives the line safe also where nothing was held', () => {
    const door = house();
    door.ask('hold', operator, 30_000);
    door.ask('release');
    expect(door.effects()).toEqual(['lease', 'safe']);
    door.ask('release');
    expect(door.effects()).toEqual(['safe']);
  });
});

describe('whatever happens', () => {
  const by = fc.constantFrom<Requester>(operator, local, keypad, { kind: 'exit-button' });
  const step = fc.oneof(
    fc.record({
      kind: fc.constant('input' as const),
      input: fc.constantFrom<InputName>('contact', 'exit', 'tamper'),
      active: fc.boolean(),
    }),
    fc.record({
      kind: fc.constant('request' as const),
      what: fc.constantFrom<DoorRequest>('open', 'hold', 'release', 'arm', 'disarm', 'lockout-reset'),
      by,
      durationMs: fc.integer({ min: -1000, max: 10_000_000 }),
    }),
    fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 20_000 }) }),
  );

  it('the line moves only after an event that says why; a lease only while a hold lasts; never beyond its maximum; remote never while tampered', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        let state = initialPremises(true);
        let nowMs = 0;
        let heldSinceMs: number | undefined;
        const tell = (input: PremisesInput) => {
          const blocked = isBlocked(state, input.atMs);
          const decision = attend(state, input, rules);
          state = decision.state;
          const kinds = decision.events.map(({ kind }) => kind);
          for (const effect of decision.effects) {
            if (effect.kind === 'pulse') expect(kinds).toContain('request.granted');
            if (effect.kind === 'lease') {
              heldSinceMs ??= input.atMs;
              expect(state.hold).toBeDefined();
              expect(input.atMs - heldSinceMs).toBeLessThanOrEqual(rules.maxHoldMs);
              expect(effect.leaseMs).toBeLessThanOrEqual(5000);
            }
            if (
              (effect.kind === 'pulse' || effect.kind === 'lease') &&
              input.kind === 'request' &&
              input.by.kind === 'operator' &&
              input.by.via === 'mqtt'
            )
              expect(blocked).toBe(false);
          }
          if (!state.hold) heldSinceMs = undefined;
        };
        for (const each of steps) {
          if (each.kind === 'input') tell({ kind: 'input', atMs: nowMs, change: { input: each.input, active: each.active, atMs: nowMs } });
          else if (each.kind === 'request') tell({ ...each, atMs: nowMs });
          else
            for (const endMs = nowMs + each.ms; nowMs < endMs; ) {
              nowMs = Math.min(endMs, nowMs + 500);
              tell({ kind: 'tick', atMs: nowMs });
            }
        }
      }),
      { numRuns: 300 },
    );
  });
});
