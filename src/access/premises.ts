/**
 * The door itself: a pure and total reducer. In: the state, one input (a request, an input line, time) and the rules.
 * Out: the next state, the events to journal and what to do with the lock. Faces are in decide.ts.
 */

import type { Denial, DoorRequest, Event, PersonId, Requester } from '../events.ts';
import type { InputChange } from '../relay/port.ts';

export interface PremisesRules {
  readonly pulseMs: number;
  readonly maxHoldMs: number;
  /** A door that is open for longer than this is an alarm; 0: never. */
  readonly heldOpenMs: number;
  /** How long after a release opening the door does not count as forced. */
  readonly graceMs: number;
  /** How long tampering blocks face and remote opening. */
  readonly tamperBlockMs: number;
}

export interface RequestDetails {
  readonly durationMs?: number;
  /** Whose PIN it was. */
  readonly personId?: PersonId;
  /** It was the one PIN that opens while the vault is locked. */
  readonly emergencyPin?: true;
}

export type PremisesInput =
  | { readonly kind: 'tick'; readonly atMs: number }
  | { readonly kind: 'input'; readonly atMs: number; readonly change: InputChange }
  | (RequestDetails & { readonly kind: 'request'; readonly atMs: number; readonly what: DoorRequest; readonly by: Requester })
  /** The lock was released, whatever the reason. */
  | { readonly kind: 'pulsed'; readonly atMs: number; readonly durationMs: number }
  /** The line could not be held. */
  | { readonly kind: 'hold-failed'; readonly atMs: number };

type PremisesEvent = Extract<
  Event,
  {
    kind:
      | 'request.granted'
      | 'request.refused'
      | 'hold.ended'
      | 'door.opened'
      | 'door.closed'
      | 'door.held-open'
      | 'door.forced-open'
      | 'tamper.raised'
      | 'tamper.cleared';
  }
>;

/** What to do with the lock once the events are journalled. */
export type LockEffect =
  | { readonly kind: 'pulse'; readonly durationMs: number }
  | { readonly kind: 'lease'; readonly leaseMs: number }
  | { readonly kind: 'safe' };

export interface Premises {
  readonly armed: boolean;
  readonly door?: { readonly open: boolean; readonly sinceMs: number; readonly alarmed: boolean };
  /** Until when opening the door is expected. */
  readonly expectedUntilMs: number;
  readonly hold?: { readonly sinceMs: number; readonly untilMs: number; readonly leasedAtMs: number };
  /** The last level of the exit button; undefined until it was reported. */
  readonly exitPressed?: boolean;
  readonly tamperSinceMs?: number;
  readonly blockedUntilMs: number;
}

export interface PremisesDecision {
  readonly state: Premises;
  readonly events: readonly PremisesEvent[];
  readonly effects: readonly LockEffect[];
}

export const initialPremises = (armed: boolean): Premises => ({
  armed,
  expectedUntilMs: Number.NEGATIVE_INFINITY,
  blockedUntilMs: Number.NEGATIVE_INFINITY,
});

/** A lease outlives two missed renewals, not more. */
const leaseMs = 2500;
const renewMs = 1000;

/** Whether tampering blocks face and remote opening. */
export const isBlocked = ({ tamperSinceMs, blockedUntilMs }: Premises, atMs: number): boolean =>
  tamperSinceMs !== undefined || atMs < blockedUntilMs;

/** Decides. Never throws. */
export function attend(state: Premises, input: PremisesInput, rules: PremisesRules): PremisesDecision {
  switch (input.kind) {
    case 'tick':
      return tick(state, input.atMs, rules);
    case 'input':
      return inputChanged(state, input.change, input.atMs, rules);
    case 'request':
      return request(state, input, rules);
    case 'pulsed':
      return only({ ...state, expectedUntilMs: Math.max(state.expectedUntilMs, input.atMs + input.durationMs + rules.graceMs) });
    case 'hold-failed':
      return endHold(state, input.atMs, 'relay-failed', rules);
  }
}

const only = (state: Premises): PremisesDecision => ({ state, events: [], effects: [] });

function tick(state: Premises, atMs: number, rules: PremisesRules): PremisesDecision {
  const { hold, door } = state;
  if (hold && atMs >= hold.untilMs) return endHold(state, atMs, 'over', rules);
  const events: PremisesEvent[] = [];
  const effects: LockEffect[] = [];
  let next = state;
  if (hold && atMs - hold.leasedAtMs >= renewMs) {
    next = { ...next, hold: { ...hold, leasedAtMs: atMs }, expectedUntilMs: atMs + leaseMs + rules.graceMs };
    effects.push({ kind: 'lease', leaseMs });
  }
  const openMs = door?.open ? atMs - door.sinceMs : 0;
  if (door?.open && !hold && !door.alarmed && rules.heldOpenMs > 0 && openMs >= rules.heldOpenMs) {
    next = { ...next, door: { ...door, alarmed: true } };
    events.push({ kind: 'door.held-open', openMs: Math.round(openMs) });
  }
  return { state: next, events, effects };
}

function endHold(
  state: Premises,
  atMs: number,
  why: 'released' | 'over' | 'relay-failed',
  { graceMs }: Pick<PremisesRules, 'graceMs'>,
): PremisesDecision {
  const { hold, ...rest } = state;
  if (!hold) return { ...only(state), effects: [{ kind: 'safe' }] };
  // For a door that stands open when its hold ends, the time to close it starts now.
  const door = rest.door?.open ? { door: { ...rest.door, sinceMs: atMs } } : {};
  return {
    state: { ...rest, ...door, expectedUntilMs: atMs + graceMs },
    events: [{ kind: 'hold.ended', heldMs: Math.round(atMs - hold.sinceMs), why }],
    effects: [{ kind: 'safe' }],
  };
}

function inputChanged(state: Premises, { input, active }: InputChange, atMs: number, rules: PremisesRules): PremisesDecision {
  if (input === 'exit') return exitChanged(state, active, atMs, rules);
  return input === 'contact' ? contactChanged(state, active, atMs) : tamperChanged(state, active, atMs, rules);
}

/**
 * One push opens once. A button that is pressed at the start (stuck, or its cable shorted) must not open the door at
 * every restart.
 */
function exitChanged(state: Premises, pressed: boolean, atMs: number, rules: PremisesRules): PremisesDecision {
  const next = { ...state, exitPressed: pressed };
  const pushed = pressed && state.exitPressed === false;
  return pushed ? request(next, { what: 'open', by: { kind: 'exit-button' }, atMs }, rules) : only(next);
}

function contactChanged(state: Premises, open: boolean, atMs: number): PremisesDecision {
  const { door } = state;
  if (door?.open === open) return only(state);
  const next = { ...state, door: { open, sinceMs: atMs, alarmed: false } };
  if (!open) {
    // The first level after a start is not a change.
    const events: PremisesEvent[] = door ? [{ kind: 'door.closed', openMs: Math.round(atMs - door.sinceMs) }] : [];
    return { state: next, events, effects: [] };
  }
  // A door that is open at the start may have been opened by anybody. It is reported as forced, so that somebody looks.
  const expected = state.hold !== undefined || atMs <= state.expectedUntilMs;
  const events: PremisesEvent[] = expected
    ? [{ kind: 'door.opened', expected }]
    : [{ kind: 'door.opened', expected }, { kind: 'door.forced-open' }];
  return { state: next, events, effects: [] };
}

function tamperChanged(state: Premises, active: boolean, atMs: number, { tamperBlockMs }: PremisesRules): PremisesDecision {
  const { tamperSinceMs, ...rest } = state;
  if (active === (tamperSinceMs !== undefined)) return only(state);
  if (tamperSinceMs !== undefined)
    return { state: rest, events: [{ kind: 'tamper.cleared', afterMs: Math.round(atMs - tamperSinceMs) }], effects: [] };
  // While somebody has the case open, no hold goes on.
  const held = state.hold ? endHold(rest, atMs, 'released', { graceMs: 0 }) : only(rest);
  return {
    state: { ...held.state, tamperSinceMs: atMs, blockedUntilMs: atMs + tamperBlockMs },
    events: [{ kind: 'tamper.raised', blockedMs: tamperBlockMs }, ...held.events],
    effects: held.effects,
  };
}

type Asked = Omit<Extract<PremisesInput, { kind: 'request' }>, 'kind'>;

function request(state: Premises, { what, by, atMs, durationMs, personId, emergencyPin }: Asked, rules: PremisesRules): PremisesDecision {
  const refused = (reason: Denial, detail: string): PremisesDecision => ({
    state,
    events: [{ kind: 'request.refused', what, by, reason, detail }],
    effects: [],
  });
  // Exit button and keypad are at the door, the command line is at its computer; the rest is remote.
  const remote = by.kind === 'operator' && by.via !== 'cli';
  if ((what === 'open' || what === 'hold') && remote && isBlocked(state, atMs))
    return refused('tampered', 'the tamper switch blocks remote opening');
  const proof = { ...(personId === undefined ? {} : { personId }), ...(emergencyPin && { emergencyPin }) };
  const granted: PremisesEvent = { kind: 'request.granted', what, by, ...proof };
  switch (what) {
    case 'open':
      return { state, events: [granted], effects: [{ kind: 'pulse', durationMs: rules.pulseMs }] };
    case 'hold': {
      const ms = Math.min(durationMs ?? 0, rules.maxHoldMs);
      const sinceMs = state.hold?.sinceMs ?? atMs;
      const hold = { sinceMs, untilMs: Math.min(atMs + ms, sinceMs + rules.maxHoldMs), leasedAtMs: atMs };
      return {
        state: { ...state, hold, expectedUntilMs: atMs + leaseMs + rules.graceMs },
        events: [{ ...granted, durationMs: ms }],
        effects: [{ kind: 'lease', leaseMs }],
      };
    }
    case 'release': {
      const ended = endHold(state, atMs, 'released', rules);
      return { ...ended, events: [granted, ...ended.events] };
    }
    case 'arm':
    case 'disarm':
      return { state: { ...state, armed: what === 'arm' }, events: [granted], effects: [] };
    case 'lockout-reset':
      return { state, events: [granted], effects: [] };
  }
}
