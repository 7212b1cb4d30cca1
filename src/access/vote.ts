/**
 * The vote over fresh frames. In: frames with a face, one by one. Out: a person, once k of the latest n frames within
 * a time window agree on them and none of the frames shows another person. Poor frames count for less than good ones,
 * so more of them are needed; no frame counts for more than one. Pure.
 */
import type { PersonId } from '../events.ts';
import type { Sighting } from './port.ts';

export interface VoteRules {
  /** k: agreeing frames that decide. */
  readonly votes: number;
  /** n: the latest frames with a face that are counted. */
  readonly window: number;
  /** Frames captured earlier than this before the newest are not counted, milliseconds. */
  readonly windowMs: number;
}

/** The ballots in the window with `sighting` added; a frame that is shown twice counts once. */
export function cast(ballots: readonly Sighting[], sighting: Sighting, rules: VoteRules): readonly Sighting[] {
  if (sighting.finding.kind === 'nobody' || ballots.some((b) => b.digest === sighting.digest)) return ballots;
  const from = sighting.capturedAtMs - rules.windowMs;
  return [...ballots, sighting].slice(-rules.window).filter((b) => b.capturedAtMs >= from);
}

/** The outcome of a vote. */
export type Election =
  | { readonly kind: 'elected'; readonly personId: PersonId; readonly votes: number; readonly best: Sighting }
  | { readonly kind: 'contested'; readonly personIds: readonly PersonId[] }
  | { readonly kind: 'open'; readonly leader?: PersonId; readonly votes: number };

/** What a frame counts for, ½…1. A frame whose network does not measure how fit the face is counts whole. */
const weightOf = ({ weight = 1 }: Sighting): number => Math.min(1, Math.max(leastWeight, weight));
const leastWeight = 0.5;

/**
 * The weight that elects: two thirds of k, which k good frames have and k of the poorest have not. A window full of the
 * poorest always has it: nobody is kept out for good by a dim lamp.
 */
const neededWeight = ({ votes, window }: VoteRules): number => Math.min((2 / 3) * votes, leastWeight * window) - 1e-9;

/**
 * Whom the window elects: one person with at least k votes of enough weight. Two different people in one window contest
 * each other, whatever their frames weigh.
 */
export function elect(ballots: readonly Sighting[], rules: VoteRules): Election {
  const byPerson = new Map<PersonId, Sighting[]>();
  for (const ballot of ballots) {
    if (ballot.finding.kind !== 'person') continue;
    const of = byPerson.get(ballot.finding.personId) ?? [];
    of.push(ballot);
    byPerson.set(ballot.finding.personId, of);
  }
  if (byPerson.size > 1) return { kind: 'contested', personIds: [...byPerson.keys()] };
  const [only] = byPerson;
  if (!only) return { kind: 'open', votes: 0 };
  const [personId, votes] = only;
  const best = votes.toSorted((a, b) => (b.likeness?.logit ?? 0) - (a.likeness?.logit ?? 0))[0];
  const weight = votes.reduce((sum, vote) => sum + weightOf(vote), 0);
  return best && votes.length >= rules.votes && weight >= neededWeight(rules)
    ? { kind: 'elected', personId, votes: votes.length, best }
    : { kind: 'open', leader: personId, votes: votes.length };
}
