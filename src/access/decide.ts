/**
 * The decision about faces: a pure and total reducer. In: the state, one input and the policy. Out: the next state, the
 * events to journal and the effects to carry out. Inputs carry the time; nothing here asks a clock.
 */
import type { Event, PersonId, ThresholdNote } from '../events.ts';
import type { Admission, Refused } from './admission.ts';
import { belonging } from './attempt.ts';
import { isWellAbove } from './band.ts';
import {
  type Failures,
  failed,
  isLockedOut,
  type LockOutRules,
  letIn,
  lockOver,
  noFailures,
  type Resembles,
  resetOf,
  vouchedFor,
} from './lock-out.ts';
import type { Sighting } from './port.ts';
import { begun, type Denied, denial, looked, type Presentation, type Reason, reasonOf, total } from './presentation.ts';
import { cast, type Election, elect, type VoteRules } from './vote.ts';

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
  /** While this is set some of the people cannot be recognised: whoever is unknown has not failed. */
  readonly partial?: Refused;
  /** A recognised person's own rules, as they are now. Absent: everyone enrolled may come in. */
  readonly admission?: (personId: PersonId) => Admission;
  /** Absent: nobody is ever locked out. */
  readonly lockOut?: LockOutRules;
  /** Whether a face may be the one of the frames before. Absent: a visit is always one person's. */
  readonly isSameFace?: Resembles;
  /** Whether a face is like one that failed before; stricter. Absent: every face is. */
  readonly resembles?: Resembles;
  /** How long a PIN, or the first of two people, counts. Milliseconds. */
  readonly togetherMs?: number;
}

/** What the reducer is told, and when (`atMs`, monotonic). */
export type Input =
  | { readonly kind: 'sighting'; readonly atMs: number; readonly sighting: Sighting; readonly visit?: number }
  | { readonly kind: 'tick'; readonly atMs: number }
  /** Somebody entered this person's PIN, which completes their face. */
  | { readonly kind: 'pin'; readonly atMs: number; readonly personId: PersonId }
  /** Somebody entered a correct PIN that opens alone. */
  | { readonly kind: 'vouched'; readonly atMs: number }
  /** An operator ends lock-out and back-off. */
  | { readonly kind: 'reset'; readonly atMs: number }
  /** A grant that could not be carried out: its person need not wait for the cool-down. */
  | { readonly kind: 'undone'; readonly atMs: number; readonly personId: PersonId };

export type AccessEvent = Extract<
  Event,
  {
    kind: 'access.granted' | 'access.denied' | 'access.pending' | 'access.stopped' | 'access.resumed' | 'lockout.started' | 'lockout.ended';
  }
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
  if (input.kind === 'pin' || input.kind === 'vouched') {
    const { failures, events } = vouchedFor(state.failures);
    const pinned =
      input.kind === 'pin' ? { pinned: { personId: input.personId, untilMs: input.atMs + (policy.togetherMs ?? defaultTogetherMs) } } : {};
    return { ...quiet({ ...state, failures, ...pinned }), events };
  }
  if (input.kind === 'reset') return { ...quiet({ ...state, failures: noFailures }), events: resetOf(state.failures) };
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

/** Lets time pass: ends a presentation whose visitor has left, and an attempt that has lasted too long. */
function settle(state: State, atMs: number, absenceMs: number, policy: Policy): Decision {
  const visit = state.presentation;
  if (!visit) return quiet(state);
  const over = atMs - visit.lastFaceAtMs >= absenceMs;
  const tooLong = !visit.granted && atMs >= visit.quietUntilMs;
  if (!over && !tooLong) return quiet(state);
  const { failures, events } = close(state.failures, visit, atMs, policy);
  const { presentation: _, ...without } = state;
  // The next attempt has a face of its own: one that changes too slowly to be noticed is not taken for the first one.
  const { face: _face, odd: _odd, ...stays } = visit;
  const again = { ...stays, counts: {}, quality: {}, compared: 0, mostVotes: 0, quietUntilMs: atMs + policy.denyAfterMs, settled: true };
  return { state: { ...without, failures, ...(over ? {} : { presentation: again }) }, events, effects: [] };
}

/** The end of an attempt: what is told of it, and what it counts. */
function close(
  before: Failures,
  visit: Presentation,
  atMs: number,
  policy: Policy,
): { readonly failures: Failures; readonly events: readonly AccessEvent[] } {
  // Fewer new frames than a vote needs mean that somebody only passed by.
  const isToldOf = !visit.granted && visit.frames >= policy.votes && total(visit.counts) > 0;
  if (!isToldOf) return { failures: before, events: [] };
  const denied = denial(visit, atMs, policy);
  // It counts where a vote could have been won, whatever most of its frames showed.
  const attempt = { face: visit.face?.mean, resembles: policy.resembles, atMs };
  const counted = visit.compared >= policy.votes ? failed(before, attempt, policy.lockOut) : undefined;
  if (!counted) return { failures: before, events: [denied] };
  const { failures, events, inARow } = counted;
  return { failures, events: [{ ...denied, failures: inARow, attempts: failures.attempts }, ...events] };
}

type Seen = Extract<Input, { kind: 'sighting' }>;

/** Takes one frame with a face into the attempt that it belongs to, and opens when the vote is won. */
function see(state: State, input: Seen, policy: Policy): Decision {
  const { atMs, sighting } = input;
  const before = state.presentation ?? begun(atMs, policy);
  if (before.lastDigest === sighting.digest) return quiet(state);
  // Where nobody is let in anyway, the faces need not be told apart.
  const { visit, ended, again, isOdd } = state.failures.stopped
    ? { visit: before, ended: undefined, again: [], isOdd: false }
    : belonging(before, sighting, atMs, policy);
  const closed = ended ? close(state.failures, ended, atMs, policy) : { failures: state.failures, events: [] };
  let now: State = { ...state, failures: closed.failures, presentation: visit };
  for (const frame of again) now = weigh(now, { ...input, sighting: frame }, policy).state;
  const decision = judge(weigh(now, input, policy, isOdd), input, policy);
  return { ...decision, events: [...closed.events, ...decision.events] };
}

/** A frame in its attempt, and how the vote stands with it. */
interface Weighed {
  readonly state: State;
  readonly presentation: Presentation;
  readonly fresh: boolean;
  readonly vote: Election;
  readonly admission: (Admission & { readonly second?: PersonId }) | undefined;
}

function weigh(state: State, { atMs, sighting, visit }: Seen, policy: Policy, isOdd = false): Weighed {
  const before = state.presentation ?? begun(atMs, policy);
  const fresh = atMs - sighting.capturedAtMs <= policy.maxFrameAgeMs && sighting.capturedAtMs <= atMs;
  // Every frame behind a grant is fresh when it opens, not only the last one.
  const counts = fresh && (!isOdd || isContesting(before.ballots, sighting));
  const ballots = (counts ? cast(before.ballots, sighting, policy) : before.ballots).filter(
    (b) => atMs - b.capturedAtMs <= policy.maxFrameAgeMs,
  );
  const vote = elect(ballots, policy);
  const admission = admissionOf(state, sighting, atMs, policy);
  const cooling = new Map([...state.cooling].filter(([, until]) => until > atMs));
  const presentation = {
    ...lookedAt(before, sighting, fresh ? reasonOf(sighting, policy, admission) : 'stale', atMs, { ...state, cooling }),
    ballots,
    mostVotes: Math.max(before.mostVotes, vote.kind === 'open' ? vote.votes : 0),
    ...(visit === undefined ? {} : { visit }),
  };
  return { state: { ...state, presentation, cooling }, presentation, fresh, vote, admission };
}

/** Whether it shows another person than the ballots do. */
const isContesting = (ballots: readonly Sighting[], { finding }: Sighting): boolean =>
  finding.kind === 'person' && ballots.some((ballot) => ballot.finding.kind === 'person' && ballot.finding.personId !== finding.personId);

function lookedAt(before: Presentation, sighting: Sighting, reason: Reason, atMs: number, { failures, cooling }: State): Presentation {
  // Whoever tries on meanwhile learns nothing: neither whom a face resembles nor how much.
  if (failures.stopped && sighting.face) {
    const { likeness: _, face: _face, ...shown } = sighting;
    return looked(before, { ...shown, finding: { kind: 'unknown' } }, 'locked-out', atMs);
  }
  const next = looked(before, sighting, reason, atMs);
  // Somebody who was let in a moment ago and comes back has not failed.
  const isBack = sighting.finding.kind === 'person' && cooling.has(sighting.finding.personId);
  return isBack ? { ...next, compared: before.compared } : next;
}

function judge({ state, presentation, fresh, vote, admission }: Weighed, { atMs, sighting, visit }: Seen, policy: Policy): Decision {
  const elected = fresh && policy.armed && vote.kind === 'elected' ? vote : undefined;
  if (
    !elected ||
    state.cooling.has(elected.personId) ||
    sighting.finding.kind !== 'person' ||
    elected.personId !== sighting.finding.personId ||
    !admission
  )
    return quiet(state);
  if (!admission.ok) return refuse(state, presentation, elected.personId, admission, atMs, policy);
  const [needs] = admission.needs;
  if (needs) return wait(state, elected.personId, needs, atMs, policy);
  const withPersonId = admission.second;
  const grant: Granted = {
    kind: 'access.granted',
    personId: elected.personId,
    likeness: elected.best.likeness ?? { logit: 0, probability: 0, share: 0 },
    band: 'at-or-above',
    votes: elected.votes,
    capturedAtMs: sighting.capturedAtMs,
    ageMs: Math.round(atMs - sighting.capturedAtMs),
    threshold: policy.threshold,
    ...(withPersonId === undefined ? {} : { withPersonId }),
    ...(visit === undefined ? {} : { visit }),
  };
  const { personId } = elected;
  const granted = { ballots: [], counts: {}, quality: {}, compared: 0, granted: true, grantedTo: personId, settled: true };
  // This grant uses up the PIN and the first person: the new state has neither.
  return {
    state: {
      presentation: { ...presentation, ...granted },
      cooling: new Map(state.cooling).set(personId, atMs + policy.cooldownMs),
      failures: letIn(state.failures, presentation.face?.mean, policy.resembles),
    },
    events: [grant],
    effects: [{ kind: 'open', grant, durationMs: policy.pulseMs }],
  };
}

/** The person's admission, less what was given already: a PIN, a first person. */
function admissionOf(
  { failures, pinned, first }: State,
  sighting: Sighting,
  atMs: number,
  { blocked, admission, resembles, threshold }: Policy,
): (Admission & { readonly second?: PersonId }) | undefined {
  const { finding } = sighting;
  if (finding.kind !== 'person') return undefined;
  if (failures.stopped)
    return { ok: false, reason: 'locked-out', detail: 'too many failed attempts in all: a PIN or an operator (lockout.reset) ends this' };
  if (!isWellAbove(sighting, threshold) && isLockedOut(failures, sighting.face, resembles))
    return { ok: false, reason: 'locked-out', detail: 'too many failed attempts of a face like this one' };
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
    events: [{ kind: 'access.pending', personId, needs, withinMs, threshold: policy.threshold }],
    effects: [],
  };
}
