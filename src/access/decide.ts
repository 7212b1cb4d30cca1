/**
 * The decision about faces: a pure and total reducer. In: the state, one input and the policy. Out: the next state, the
 * events to journal and the effects to carry out. Inputs carry the time; nothing here asks a clock.
 */
import type { LivenessNote, PersonId } from '../events.ts';
import type { Admission, Refused } from './admission.ts';
import { countsFor, togetherOf, wait, withhold } from './alive/ask.ts';
import { withoutAsked } from './alive/challenges.ts';
import {
  type Aliveness,
  notChecked,
  nothingShown,
  type Passage,
  passageFor,
  type Recognised,
  withAnswer,
  withShown,
} from './alive/passage.ts';
import { belonging } from './attempt.ts';
import { isWellAbove } from './band.ts';
import { type Failures, failed, isLockedOut, letIn, lockOver, noFailures, resetOf, vouchedFor } from './lock-out.ts';
import type { Sighting } from './port.ts';
import { begun, type Denied, denial, looked, type Presentation, type Reason, reasonOf, total } from './presentation.ts';
import type { AccessEvent, Decision, Granted, Input, Now, Policy, Seen, State } from './state.ts';
import { cast, type Election, elect } from './vote.ts';

const silenceMs = 3000;

export const initialState: State = { cooling: new Map(), failures: noFailures };

/** Decides. Never throws. Every grant it returns rests on `policy.votes` fresh frames of one person. */
export function decide(state: State, input: Input, policy: Policy): Decision {
  if (input.kind === 'pin' || input.kind === 'vouched') {
    const { failures, events } = vouchedFor(state.failures);
    const pinned = input.kind === 'pin' ? { pinned: { personId: input.personId, untilMs: input.atMs + togetherOf(policy) } } : {};
    return { ...quiet({ ...state, failures, ...pinned }), events };
  }
  if (input.kind === 'reset') {
    const { askedLately: _, ...rest } = state;
    return { ...quiet({ ...rest, failures: noFailures }), events: resetOf(state.failures) };
  }
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
  const anew = { counts: {}, quality: {}, compared: 0, mostVotes: 0, alive: nothingShown };
  const again = { ...stays, ...anew, quietUntilMs: atMs + policy.denyAfterMs, settled: true };
  return { state: { ...without, failures, ...(over ? {} : { presentation: again }) }, events, effects: [] };
}

/** The end of an attempt: what is told of it, and what it counts. */
function close(
  before: Failures,
  visit: Presentation,
  atMs: number,
  policy: Policy,
): { readonly failures: Failures; readonly events: readonly AccessEvent[] } {
  const { held, told } = visit.alive;
  // Told at once already, and counted.
  if (told && atMs < visit.quietUntilMs) return { failures: before, events: [] };
  // Fewer new frames than a vote needs mean that somebody only passed by.
  const isToldOf = !visit.granted && visit.frames >= policy.votes && total(visit.counts) > 0;
  if (!isToldOf) return { failures: before, events: [] };
  const denied = denial(visit, atMs, policy);
  // It counts where a vote could have been won, whatever most of its frames showed.
  const attempt = { face: visit.face?.mean, resembles: policy.resembles, atMs, wasCompared: held !== undefined };
  const counts = visit.compared >= policy.votes && held?.isCounted !== false;
  const counted = counts ? failed(before, attempt, policy.lockOut) : undefined;
  if (!counted) return { failures: before, events: [denied] };
  const { failures, events, inARow } = counted;
  return { failures, events: [{ ...denied, failures: inARow, attempts: failures.attempts }, ...events] };
}

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
  readonly admission: Admitted | undefined;
}

type Admitted = Admission & {
  readonly second?: PersonId;
  /** A face like this one is locked out, and this one passes because it is far above the threshold. */
  readonly isNearlyOut?: boolean;
};

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
    alive: isOdd || !fresh ? before.alive : aliveAfter(before, sighting, atMs, policy),
    ballots,
    mostVotes: Math.max(before.mostVotes, vote.kind === 'open' ? vote.votes : 0),
    ...(visit === undefined ? {} : { visit }),
  };
  return { state: { ...state, presentation, cooling }, presentation, fresh, vote, admission };
}

/** The evidence of a frame counts where the frame surely shows the face that the attempt is about. */
function aliveAfter(
  { alive, face: shownFace }: Presentation,
  sighting: Sighting,
  atMs: number,
  { liveness, resembles }: Policy,
): Aliveness {
  const { finding, face } = sighting;
  const isSeveral = finding.kind === 'low-quality' && finding.reasons.includes('several-faces');
  const isUnlike = finding.kind !== 'person' && face && shownFace && resembles && !resembles(shownFace.mean, face);
  if (!liveness || isSeveral || isUnlike) return alive;
  const after = withShown(alive, sighting, finding.kind === 'person' ? finding.personId : undefined, atMs);
  return after === alive ? alive : withAnswer(after, liveness, atMs);
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

function judge({ state, presentation, fresh, vote, admission }: Weighed, input: Seen, policy: Policy): Decision {
  const { atMs, sighting } = input;
  const elected = fresh && policy.armed && vote.kind === 'elected' ? vote : undefined;
  if (
    !elected ||
    state.cooling.has(elected.personId) ||
    sighting.finding.kind !== 'person' ||
    elected.personId !== sighting.finding.personId ||
    !admission
  )
    return quiet(state);
  const { personId } = elected;
  if (!admission.ok) return refuse(state, presentation, personId, admission, atMs, policy);
  const { passage, alive } = livenessOf(state, presentation, personId, admission, atMs, policy);
  const [needs] = admission.needs;
  // The PIN is asked for first: it makes up for what is unsure, too.
  if (needs === 'pin' && alive.spoofs === 0) return wait(state, personId, needs, passage.note, atMs, policy);
  const now = { ...state, presentation: { ...presentation, alive } };
  if (passage.kind !== 'open') return withhold(now, personId, passage, input, policy);
  if (needs) return wait(now, personId, needs, passage.note, atMs, policy);
  return grant(now, elected, admission.second, passage.note, input, policy);
}

function livenessOf(
  { pinned, askedLately }: State,
  { alive, ballots }: Presentation,
  personId: PersonId,
  { liveness: own, hasPin = false, isNearlyOut }: Extract<Admitted, { ok: true }>,
  atMs: number,
  { liveness: rules }: Policy,
): { readonly passage: Passage; readonly alive: Aliveness } {
  if (!rules) return { passage: { kind: 'open', note: notChecked }, alive };
  const asked = own ?? rules.policy;
  const pinGiven = countsFor(pinned, personId, atMs);
  const candidate: Recognised = {
    personId,
    policy: isNearlyOut && !pinGiven && asked !== 'off' && rules.drawn.length > 0 ? 'challenge' : asked,
    hasPin,
    pinGiven,
    ballots: ballots.filter(({ finding }) => finding.kind === 'person' && finding.personId === personId),
    askedLately,
  };
  const { passage, next } = passageFor(alive, candidate, rules, atMs);
  return { passage, alive: next };
}

type Elected = Extract<Election, { kind: 'elected' }>;

function grant(
  { presentation, cooling, failures, askedLately }: Now,
  { personId, best, votes }: Elected,
  withPersonId: PersonId | undefined,
  liveness: LivenessNote,
  { atMs, sighting, visit }: Seen,
  policy: Policy,
): Decision {
  const granted: Granted = {
    kind: 'access.granted',
    personId,
    likeness: best.likeness ?? { logit: 0, probability: 0, share: 0 },
    band: 'at-or-above',
    votes,
    capturedAtMs: sighting.capturedAtMs,
    ageMs: Math.round(atMs - sighting.capturedAtMs),
    threshold: policy.threshold,
    ...(withPersonId === undefined ? {} : { withPersonId }),
    liveness,
    ...(visit === undefined ? {} : { visit }),
  };
  const after = {
    ballots: [],
    counts: {},
    quality: {},
    compared: 0,
    alive: nothingShown,
    granted: true,
    grantedTo: personId,
    settled: true,
  };
  // This grant uses up the PIN and the first person: the new state has neither.
  return {
    state: {
      presentation: { ...presentation, ...after },
      cooling: new Map(cooling).set(personId, atMs + policy.cooldownMs),
      failures: letIn(failures, presentation.face?.mean, policy.resembles),
      askedLately: withoutAsked(askedLately, personId),
    },
    events: [granted],
    effects: [{ kind: 'open', grant: granted, durationMs: policy.pulseMs }],
  };
}

/** The person's admission, less what was given already: a PIN, a first person. */
function admissionOf(
  { failures, pinned, first }: State,
  sighting: Sighting,
  atMs: number,
  { blocked, admission, resembles, threshold }: Policy,
): Admitted | undefined {
  const { finding } = sighting;
  if (finding.kind !== 'person') return undefined;
  if (failures.stopped)
    return { ok: false, reason: 'locked-out', detail: 'too many failed attempts in all: a PIN or an operator (lockout.reset) ends this' };
  const isNearlyOut = isLockedOut(failures, sighting.face, resembles);
  // Whoever has entered this person's PIN is no stranger who resembles them.
  if (isNearlyOut && !isWellAbove(sighting, threshold) && !countsFor(pinned, finding.personId, atMs))
    return { ok: false, reason: 'locked-out', detail: 'too many failed attempts of a face like this one' };
  if (blocked) return { ok: false, ...blocked };
  const found: Admission = admission?.(finding.personId) ?? { ok: true, needs: [] };
  if (!found.ok) return found;
  const has = {
    pin: countsFor(pinned, finding.personId, atMs),
    'second-person': first !== undefined && first.untilMs > atMs && first.personId !== finding.personId,
  };
  const needs = found.needs.filter((need) => !has[need]);
  const second = found.needs.includes('second-person') && has['second-person'] && first ? { second: first.personId } : {};
  return { ...found, needs, isNearlyOut, ...second };
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
  const event: Denied = { ...denial({ ...visit, counts: { [reason]: 1 }, alive: nothingShown }, atMs, policy), detail };
  const presentation = { ...visit, counts: {}, quality: {}, refused: personId, quietUntilMs: atMs + policy.denyAfterMs, settled: true };
  return { state: { ...state, presentation }, events: [event], effects: [] };
}
