/**
 * What the door asks about liveness at this moment: the settings and the checks go in; the judge, how answers are
 * judged, and challenges drawn for this moment come out. They are drawn anew at every input and by the system's random
 * numbers, so nobody knows the next one.
 */
import { randomInt } from 'node:crypto';
import type { LivenessRules } from '../access/alive/passage.ts';
import { answered } from '../liveness/challenge/answer.ts';
import { drawChallenge } from '../liveness/challenge/draw.ts';
import type { Challenge, ChallengeKind } from '../liveness/port.ts';
import type { Rooms } from './rooms.ts';

const most = 2 ** 47;
const random = (): number => randomInt(most) / most;

export function livenessRulesOf({ config, liveness, clock }: Pick<Rooms, 'config' | 'liveness' | 'clock'>): LivenessRules {
  const { policy, whenNotChecked, challengeMs, challenges } = config.liveness;
  const judge = liveness?.judge;
  return { policy, whenNotChecked, challengeMs, answered, ...(judge && { judge }), drawn: drawn(challenges, clock.now(), challengeMs) };
}

/** One, and another one of another kind where there is one: after a failed challenge a different one is asked. */
function drawn(allowed: readonly ChallengeKind[], issuedAtMs: number, challengeMs: number): Challenge[] {
  const times = { issuedAtMs, deadlineMs: issuedAtMs + challengeMs };
  const first = drawChallenge(random, allowed, times);
  if (!first) return [];
  const others = allowed.filter((kind) => kind !== first.kind);
  const second = drawChallenge(random, others.length > 0 ? others : allowed, times);
  return second ? [first, second] : [first];
}
