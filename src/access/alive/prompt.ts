/** What the visitor should do now. In: the state of the decision and the time. Out: one word. Pure. */
import type { ChallengeKind } from '../../events.ts';
import type { Challenge } from '../../liveness/port.ts';
import type { State } from '../state.ts';

export type Prompt = 'none' | 'pin' | 'second-person' | ChallengeKind;

/** The challenge that waits for its answer. */
export function challengeOf({ presentation }: State, atMs: number): Challenge | undefined {
  const asked = presentation?.alive.asked;
  return asked?.answer === 'waiting' && atMs < asked.challenge.deadlineMs ? asked.challenge : undefined;
}

export function promptOf(state: State, atMs: number): Prompt {
  const challenge = challengeOf(state, atMs);
  if (challenge) return challenge.kind;
  return state.pending && state.pending.untilMs > atMs ? state.pending.needs : 'none';
}
