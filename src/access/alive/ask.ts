/**
 * What is asked of a visitor who has won the vote, before the door opens: a PIN, a second person, a challenge; or the
 * denial of a face that has not shown that it is alive. In: the state and what is missing. Out: the decision. Pure.
 */
import type { LivenessNote, PersonId } from '../../events.ts';
import { failed } from '../lock-out.ts';
import { denial, type Presentation } from '../presentation.ts';
import type { AccessEvent, Decision, Now, Pending, Policy, Seen, State, Until } from '../state.ts';
import { withAsked } from './challenges.ts';
import { type Passage, restlessMs, type Unproved } from './passage.ts';

/** The last frames of an answer that came in time are looked at this much later at most. */
const lateAnswerMs = 300;

export const togetherOf = ({ togetherMs = 15_000 }: Pick<Policy, 'togetherMs'>): number => togetherMs;
export const countsFor = (until: Until | undefined, personId: PersonId, atMs: number): boolean =>
  until !== undefined && until.untilMs > atMs && until.personId === personId;

const quiet = (state: State): Decision => ({ state, events: [], effects: [] });

/** The vote is won, and the face has not shown that it is alive. */
export function withhold(
  state: Now,
  personId: PersonId,
  passage: Exclude<Passage, { kind: 'open' }>,
  input: Seen,
  policy: Policy,
): Decision {
  const { presentation } = state;
  switch (passage.kind) {
    case 'hold':
      return quiet({ ...state, presentation: { ...presentation, ...heldOn(presentation), settled: presentation.alive.told === true } });
    case 'pin':
      return wait(state, personId, 'pin', passage.note, input.atMs, policy);
    case 'challenge':
      return challenge(state, personId, passage, input, policy);
    case 'refuse':
      return refuseUnproved(state, passage, input.atMs, policy);
  }
}

/** Whoever failed is asked again once they stand still: the attempt lasts until then. */
function heldOn({ alive: { asked }, quietUntilMs }: Presentation): Pick<Presentation, 'quietUntilMs'> {
  const isAskedAgain = asked?.answer === 'failed' && asked.endedAtMs !== undefined;
  return { quietUntilMs: isAskedAgain ? Math.max(quietUntilMs, asked.endedAtMs + restlessMs + lateAnswerMs) : quietUntilMs };
}

function challenge(
  state: Now,
  personId: PersonId,
  { challenge: { id, kind, times, deadlineMs }, note }: Extract<Passage, { kind: 'challenge' }>,
  { atMs, visit }: Seen,
  policy: Policy,
): Decision {
  // Only frames that come after the question are voted on.
  const presentation = { ...state.presentation, ballots: [], quietUntilMs: deadlineMs + lateAnswerMs, settled: false };
  const event: AccessEvent = {
    kind: 'access.challenged',
    personId,
    challenge: id,
    what: kind,
    ...(times === undefined ? {} : { times }),
    withinMs: deadlineMs - atMs,
    threshold: policy.threshold,
    liveness: note,
    ...(visit === undefined ? {} : { visit }),
  };
  return { state: { ...state, presentation, askedLately: withAsked(state.askedLately, personId, atMs) }, events: [event], effects: [] };
}

/** Told once, at once, and again when the visitor stays. */
function refuseUnproved(state: Now, { isCounted }: Unproved, atMs: number, policy: Policy): Decision {
  const visit = state.presentation;
  if (visit.alive.told) return quiet(state);
  const denied = denial(visit, atMs, policy);
  const attempt = { face: visit.face?.mean, resembles: policy.resembles, atMs, wasCompared: true };
  const counted = isCounted ? failed(state.failures, attempt, policy.lockOut) : undefined;
  const presentation = {
    ...visit,
    ...{ counts: {}, quality: {}, compared: 0, settled: true },
    alive: { ...visit.alive, told: true as const },
    quietUntilMs: atMs + policy.denyAfterMs,
  };
  if (!counted) return { state: { ...state, presentation }, events: [denied], effects: [] };
  const { failures, events, inARow } = counted;
  return {
    state: { ...state, presentation, failures },
    events: [{ ...denied, failures: inARow, attempts: failures.attempts }, ...events],
    effects: [],
  };
}

/** The vote is won and something is missing: asked for once, while the frames go on being judged. */
export function wait(
  state: State,
  personId: PersonId,
  needs: Pending['needs'],
  liveness: LivenessNote,
  atMs: number,
  policy: Policy,
): Decision {
  const withinMs = togetherOf(policy);
  const until = { personId, untilMs: atMs + withinMs };
  const first = needs === 'second-person' ? { first: until } : {};
  const told = countsFor(state.pending, personId, atMs) && state.pending?.needs === needs;
  if (told || !state.presentation) return quiet({ ...state, ...first });
  const presentation = { ...state.presentation, quietUntilMs: until.untilMs };
  return {
    state: { ...state, ...first, presentation, pending: { ...until, needs } },
    events: [{ kind: 'access.pending', personId, needs, withinMs, threshold: policy.threshold, liveness }],
    effects: [],
  };
}
