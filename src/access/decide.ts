/**
 * The decision about faces: a pure and total reducer. In: the state, one input and the policy. Out: the next state, the
 * events to journal and the effects to carry out. Inputs carry the time; nothing here asks a clock.
 */
import type { Event, PersonId, ThresholdNote } from '../events.ts';
import type { Admission, Refused } from './admission.ts';
import { type Failures, failed, type LockOutRules, lockOver, noFailures } from './lock-out.ts';
import type { Sighting } from './port.ts';
import { begun, type Denied, denial, looked, type Presentation, reasonOf, total } from './presentation.ts';
import { cast, elect, type VoteRules } from './vote.ts';

export interface Policy extends VoteRules {
  readonly armed: boolean;
  readonly maxFrameAgeMs: number;
  readonly absenceMs: number;
  readonly denyAfterMs: number;
  readonly cooldownMs: number;
  readonly pulseMs: number;
  readonly threshold: ThresholdNote;
  /** While this is set nobody is let in by face. */
  readonly blocked?: Refused;
  /** A recognised person's own rules, as they are now. Absent: everyone enrolled may come in. */
  readonly admission?: (personId: PersonId) => Admission;
  /** Absent: nobody is ever locked out. */
  readonly lockOut?: LockOutRules;
  /** How long a PIN, or the first of two people, counts. Milliseconds. */
  readonly togetherMs?: number;
}

/** What the reducer is told, and when (`atMs`, monotonic). */
export type Input =
  | { readonly kind: 'sighting'; readonly atMs: number; readonly sighting: Sighting; readonly visit?: number }
  | { readonly kind: 'tick'; readonly atMs: number }
  /** Somebody entered this person's PIN. */
  | { readonly kind: 'pin'; readonly atMs: number; readonly personId: PersonId }
  /** An operator ends lock-out and back-off. */
  | { readonly kind: 'reset'; readonly atMs: number }
  /** A grant that could not be carried out: its person need not wait for the cool-down. */
  | { readonly kind: 'undone'; readonly atMs: number; readonly personId: PersonId };

export type AccessEvent = Extract<
  Event,
  { kind: 'access.granted' | 'access.denied' | 'access.pending' | 'lockout.started' | 'lockout.ended' }
>;
export type Granted = Extract<AccessEvent, { kind: 'access.granted' }>;

/** The only effect: release the lock for a grant, provided its frames are still fresh by then. */
export interface Open {
  readonly kind: 'open';
  readonly grant: Granted;
  readonly durationMs: number;
}

export interface State {
  readonly presentation?: Presentation;
  /** Until when a person who was just let in is not granted again. */
  readonly cooling: ReadonlyMap<PersonId, number>;
  readonly failures: Failures;
  /** Whose PIN was entered, and until when it counts. */
  readonly pinned?: Until;
  /** The first of two people, and until when they count. */
  readonly first?: Until;
  /** Who was journalled as waiting for something, and until when. */
  readonly pending?: Until;
}

interface Until {
  readonly personId: PersonId;
  readonly untilMs: number;
}

export interface Decision {
  readonly state: State;
  readonly events: readonly AccessEvent[];
  readonly effects: readonly Open[];
}

const silenceMs = 3000;
const defaultTogetherMs = 15_000;

export const initialState: State = { cooling: new Map(), failures: noFailures };

/** Decides. Never throws. Every grant it returns rests on `policy.votes` fresh frames of one person. */
export function decide(state: State, input: Input, policy: Policy): Decision {
  if (input.kind === 'pin')
    return quiet({ ...state, pinned: { personId: input.personId, untilMs: input.atMs + (policy.togetherMs ?? defaultTogetherMs) } });
  if (input.kind === 'reset')
    return {
      ...quiet({ ...state, failures: noFailures }),
      events: state.failures.lockedUntilMs === undefined ? [] : [{ kind: 'lockout.ended', why: 'reset' }],
    };
  if (input.kind === 'undone') {
    const cooling = new Map([...state.cooling].filter(([personId]) => personId !== input.personId));
    return quiet({ ...state, cooling });
  }
  const over = lockOver(state.failures, input.atMs);
  if (over) return after({ ...state, failures: over.failures }, over.events, input, policy);
  if (input.kind === 'sighting' && input.sighting.finding.kind === 'nobody') return settle(state, input.atMs, policy.absenceMs, policy);
  // Without a frame that shows nobody, silence may only mean a slow machine or camera. So it takes longer until the
  // visitor counts as gone.
  const left = settle(state, input.atMs, policy.absenceMs + silenceMs, policy);
  if (input.kind === 'tick') return left;
  const seen = see(left.state, input, policy);
  return { ...seen, events: [...left.events, ...seen.events] };
}

const quiet = (state: State): Decision => ({ state, events: [], effects: [] });

/** Decides again, on the state that `events` led to. */
function after(state: State, events: readonly AccessEvent[], input: Input, policy: Policy): Decision {
  const next = decide(state, input, policy);
  return { ...next, events: [...events, ...next.events] };
}

/** Lets time pass: ends a presentation whose visitor has left, and denies one that has lasted too long. */
function settle(state: State, atMs: number, absenceMs: number, policy: Policy): Decision {
  const visit = state.presentation;
  if (!visit) return quiet(state);
  const over = atMs - visit.lastFaceAtMs >= absenceMs;
  const tooLong = !visit.granted && atMs >= visit.quietUntilMs;
  if (!over && !tooLong) return quiet(state);
  // Fewer new frames than a vote needs mean that somebody only passed by.
  const denied = !visit.granted && visit.frames >= policy.votes && total(visit.counts) > 0 ? denial(visit, atMs, policy) : undefined;
  const counting = denied !== undefined && !visit.failed;
  const { failures, events } = failed(state.failures, counting ? denied : undefined, atMs, policy.lockOut);
  const count = events.length > 0 || failures.inARow > state.failures.inARow;
  const told = denied && count ? { ...denied, failures: events.length > 0 ? state.failures.inARow + 1 : failures.inARow } : denied;
  const { presentation: _, ...without } = state;
  const again = { ...visit, counts: {}, quality: {}, mostVotes: 0, quietUntilMs: atMs + policy.denyAfterMs, settled: true };
  const next = over ? without : { ...state, presentation: { ...again, failed: visit.failed || count } };
  return { state: { ...next, failures }, events: [...(told ? [told] : []), ...events], effects: [] };
}

/** Takes one frame with a face into the presentation and opens when the vote is won. */
function see(state: State, { atMs, sighting, visit }: Extract<Input, { kind: 'sighting' }>, policy: Policy): Decision {
  const before = state.presentation ?? begun(atMs, policy);
  if (before.lastDigest === sighting.digest) return quiet(state);
  const fresh = atMs - sighting.capturedAtMs <= policy.maxFrameAgeMs && sighting.capturedAtMs <= atMs;
  // Every frame behind a grant is fresh when it opens, not only the last one.
  const ballots = (fresh ? cast(before.ballots, sighting, policy) : before.ballots).filter(
    (b) => atMs - b.capturedAtMs <= policy.maxFrameAgeMs,
  );
  const vote = elect(ballots, policy);
  const admission = admissionOf(state, sighting, atMs, policy);
  const reason = fresh ? reasonOf(sighting, policy, admission) : 'stale';
  const presentation = {
    ...looked(before, sighting, reason, atMs),
    ballots,
    mostVotes: Math.max(before.mostVotes, vote.kind === 'open' ? vote.votes : 0),
    ...(visit === undefined ? {} : { visit }),
  };
  const cooling = new Map([...state.cooling].filter(([, until]) => until > atMs));
  const now: State = { ...state, presentation, cooling };
  const elected = fresh && policy.armed && vote.kind === 'elected' ? vote : undefined;
  if (
    !elected ||
    cooling.has(elected.personId) ||
    sighting.finding.kind !== 'person' ||
    elected.personId !== sighting.finding.personId ||
    !admission
  )
    return quiet(now);
  if (!admission.ok) return refuse(now, presentation, elected.personId, admission, atMs, policy);
  const [needs] = admission.needs;
  if (needs) return wait(now, elected.personId, needs, atMs, policy);
  const withPersonId = admission.second;
  const grant: Granted = {
    kind: 'access.granted',
    personId: elected.personId,
    likeness: elected.best.likeness ?? { logit: 0, probability: 0, share: 0 },
    votes: elected.votes,
    capturedAtMs: sighting.capturedAtMs,
    ageMs: Math.round(atMs - sighting.capturedAtMs),
    threshold: policy.threshold,
    ...(withPersonId === undefined ? {} : { withPersonId }),
    ...(visit === undefined ? {} : { visit }),
  };
  cooling.set(elected.personId, atMs + policy.cooldownMs);
  // This grant uses up the PIN and the first person: the new state has neither.
  return {
    state: {
      presentation: { ...presentation, ballots: [], counts: {}, quality: {}, granted: true, settled: true },
      cooling,
      failures: noFailures,
    },
    events: [grant],
    effects: [{ kind: 'open', grant, durationMs: policy.pulseMs }],
  };
}

/** The person's admission, less what was given already: a PIN, a first person. */
function admissionOf(
  { failures, pinned, first }: State,
  { finding }: Sighting,
  atMs: number,
  { blocked, admission }: Policy,
): (Admission & { readonly second?: PersonId }) | undefined {
  if (finding.kind !== 'person') return undefined;
  if (failures.lockedUntilMs !== undefined) return { ok: false, reason: 'locked-out', detail: 'too many failed presentations' };
  if (blocked) return { ok: false, ...blocked };
  const found: Admission = admission?.(finding.personId) ?? { ok: true, needs: [] };
  if (!found.ok) return found;
  const has = {
    pin: pinned !== undefined && pinned.untilMs > atMs && pinned.personId === finding.personId,
    'second-person': first !== undefined && first.untilMs > atMs && first.personId !== finding.personId,
  };
  const needs = found.needs.filter((need) => !has[need]);
  return { ok: true, needs, ...(found.needs.includes('second-person') && has['second-person'] && first ? { second: first.personId } : {}) };
}

/** The vote is won and the door stays shut: told once, at once, and again when the visitor stays. */
function refuse(
  state: State,
  visit: Presentation,
  personId: PersonId,
  { reason, detail }: Refused,
  atMs: number,
  policy: Policy,
): Decision {
  if (visit.refused === personId) return quiet(state);
  const event: Denied = { ...denial({ ...visit, counts: { [reason]: 1 } }, atMs, policy), detail };
  const presentation = { ...visit, counts: {}, quality: {}, refused: personId, quietUntilMs: atMs + policy.denyAfterMs, settled: true };
  return { state: { ...state, presentation }, events: [event], effects: [] };
}

/** The vote is won and something is missing: asked for once, while the frames go on being judged. */
function wait(state: State, personId: PersonId, needs: 'pin' | 'second-person', atMs: number, policy: Policy): Decision {
  const withinMs = policy.togetherMs ?? defaultTogetherMs;
  const until = { personId, untilMs: atMs + withinMs };
  const first = needs === 'second-person' ? { first: until } : {};
  const told = state.pending && state.pending.personId === personId && state.pending.untilMs > atMs;
  if (told || !state.presentation) return quiet({ ...state, ...first });
  const presentation = { ...state.presentation, quietUntilMs: until.untilMs };
  return {
    state: { ...state, ...first, presentation, pending: until },
    events: [{ kind: 'access.pending', personId, needs, withinMs }],
    effects: [],
  };
}
