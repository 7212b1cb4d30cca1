/**
 * Challenges of one visit. In: what was drawn, what was asked before and how it was answered. Out: the challenge to ask
 * now, or none. Pure. Whoever shows a photograph can have challenges asked; so there are few for each person, and the
 * photograph of one uses up nobody else's.
 */
import type { PersonId } from '../../events.ts';
import type { AnswerOf, Challenge } from '../../liveness/port.ts';

/** The challenge of a visit, and its answer. */
export interface Asked {
  readonly challenge: Challenge;
  readonly personId: PersonId;
  readonly answer: ReturnType<AnswerOf>;
  /** When it was passed or failed. */
  readonly endedAtMs?: number;
}

/** When each person was asked, lately. Monotonic milliseconds. */
export type AskedLately = ReadonlyMap<PersonId, readonly number[]>;

/** In one attempt: after a failed challenge another one, and then no more. */
export const mostInAttempt = 2;
/** At most as many of one person in this time. */
const [most, withinMs] = [4, 120_000];

/** How long until this person may be asked again; 0: now. Milliseconds. */
export function waitBeforeAsking(lately: AskedLately | undefined, personId: PersonId, atMs: number): number {
  const recent = (lately?.get(personId) ?? []).filter((askedMs) => askedMs > atMs - withinMs);
  const oldest = recent.at(-most);
  return oldest === undefined ? 0 : oldest + withinMs - atMs;
}

export function withAsked(lately: AskedLately | undefined, personId: PersonId, atMs: number): AskedLately {
  const fresh = [...(lately ?? [])].map(([id, times]): [PersonId, readonly number[]] => [id, times.filter((t) => t > atMs - withinMs)]);
  const others = fresh.filter(([id, times]) => id !== personId && times.length > 0);
  const own = fresh.find(([id]) => id === personId)?.[1] ?? [];
  return new Map([...others, [personId, [...own, atMs].slice(-most)]]);
}

/** Once somebody was let in, nobody was trying. */
export function withoutAsked(lately: AskedLately | undefined, personId: PersonId): AskedLately {
  return new Map([...(lately ?? [])].filter(([id]) => id !== personId));
}

/** The first one drawn that is another one than the last; its time begins now. */
export function nextChallenge(
  drawn: readonly Challenge[],
  before: Challenge | undefined,
  atMs: number,
  challengeMs: number,
): Challenge | undefined {
  const unused = drawn.filter(({ id }) => id !== before?.id);
  const next = unused.find(({ kind }) => kind !== before?.kind) ?? unused.find((one) => before && isAnother(one, before));
  return next && { ...next, issuedAtMs: atMs, deadlineMs: atMs + challengeMs };
}

/** Of one kind, and yet not answered by the same movement. */
const isAnother = (a: Challenge, b: Challenge): boolean => a.times !== b.times || String(a.code) !== String(b.code);
