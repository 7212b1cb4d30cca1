/**
 * What the door asks about liveness at this moment: the settings and the checks go in; the judge, how answers are
 * judged, and challenges drawn for this moment come out. They are drawn again at every input and by the system's random
 * numbers, so nobody knows the next one.
 */
import { randomInt } from 'node:crypto';
import type { LivenessRules } from '../access/alive/passage.ts';
import type { ChallengeKind } from '../events.ts';
import { answered } from '../liveness/challenge/answer.ts';
import { drawChallenge, isAnswerable } from '../liveness/challenge/draw.ts';
import { isStill } from '../liveness/challenge/pose.ts';
import type { Challenge } from '../liveness/port.ts';
import type { Rooms } from './rooms.ts';

const most = 2 ** 47;
const random = (): number => randomInt(most) / most;

export function livenessRulesOf({ config, liveness, clock }: Pick<Rooms, 'config' | 'liveness' | 'clock'>): LivenessRules {
  const { policy, whenNotChecked, challengeMs, challenges } = config.liveness;
  const judge = liveness?.judge;
  return {
    policy,
    whenNotChecked,
    challengeMs,
    answered,
    isAnswerable,
    isStill,
    ...(judge && { judge }),
    drawn: drawn(challenges, clock.now(), challengeMs),
  };
}

/** One of each kind in random order, of a single kind two: after a failed challenge a different one is asked. */
function drawn(allowed: readonly ChallengeKind[], issuedAtMs: number, challengeMs: number): Challenge[] {
  const times = { issuedAtMs, deadlineMs: issuedAtMs + challengeMs };
  const all: Challenge[] = [];
  for (let left = allowed; left.length > 0; ) {
    const next = drawChallenge(random, left, times);
    if (!next) break;
    all.push(next);
    left = left.filter((kind) => kind !== next.kind);
  }
  const again = all.length === 1 ? drawChallenge(random, allowed, times) : undefined;
  return again ? [...all, again] : all;
}
