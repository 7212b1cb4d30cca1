/**
 * Whether a face that has won the vote may open the door as a living one. In: the evidence of the frames of its visit,
 * and what the policy asks. Out: yes, more frames, a challenge, the PIN, or no. Pure. Only frames in which the person
 * was recognised are judged, so what somebody else shows between them proves nothing; and no check that passes, and no
 * PIN, overrules one that fails.
 */
import type { ChallengeKind, LivenessNote, PersonId } from '../../events.ts';
import type { AnswerOf, Challenge, FrameEvidence, JudgeLiveness, LivenessJudgement, LivenessPolicy } from '../../liveness/port.ts';
import { scoreBand } from '../band.ts';
import type { Sighting } from '../port.ts';
import { type Asked, type AskedLately, mostInAttempt, nextChallenge, waitBeforeAsking } from './challenges.ts';
import { answerMissing, notAlive, pinMissing, remedyOf, withoutPin } from './words.ts';

/** What the policy brings about liveness. */
export interface LivenessRules {
  /** Asked of whoever has no other policy. */
  readonly policy: LivenessPolicy;
  /** Absent: nothing can be checked. */
  readonly judge?: JudgeLiveness;
  readonly answered?: AnswerOf;
  /** Whether somebody who is seen like this could answer. Absent: everything can be answered. */
  readonly isAnswerable?: (kind: ChallengeKind, frames: readonly FrameEvidence[]) => boolean;
  /** Whether the face has stood still for a moment. Absent: it always has. */
  readonly isStill?: (frames: readonly FrameEvidence[]) => boolean;
  readonly whenNotChecked: 'second-factor' | 'deny' | 'allow';
  readonly challengeMs: number;
  /** Challenges for this moment, of different kinds, drawn at random. Empty: none can be asked. */
  readonly drawn: readonly Challenge[];
}

/** A frame of the face that the visit is about. */
interface Shown {
  readonly digest: string;
  /** Who was recognised in it. */
  readonly personId?: PersonId;
  readonly evidence: FrameEvidence;
}

/** What an attempt has shown of being alive. */
export interface Aliveness {
  /** In the order of their capture, each once. */
  readonly frames: readonly Shown[];
  /** Since when the vote is won and the door waits. Monotonic milliseconds. */
  readonly heldSinceMs?: number;
  /** Why it waits: told if nothing more comes. */
  readonly held?: Unproved;
  /** Frames in a row after which the visit was judged a spoof. */
  readonly spoofs: number;
  readonly asked?: Asked;
  /** Challenges in this attempt. */
  readonly challenges: number;
  /** It was told that the door stays shut. */
  readonly told?: true;
}

/** Why a face is not let in as a living one. */
export interface Unproved {
  readonly reason: 'spoof' | 'not-live';
  readonly detail: string;
  readonly note: LivenessNote;
  /** Whether it counts as a failed attempt: not where the door could not see enough. */
  readonly isCounted: boolean;
}

/** Who wants to come in, and what counts for them now. */
export interface Recognised {
  readonly personId: PersonId;
  readonly policy: LivenessPolicy;
  readonly hasPin: boolean;
  /** Their PIN was entered a moment ago. */
  readonly pinGiven: boolean;
  /** The fresh frames that elected them. */
  readonly ballots: readonly Sighting[];
  readonly askedLately: AskedLately | undefined;
}

export type Passage =
  | { readonly kind: 'open'; readonly note: LivenessNote }
  /** The PIN makes up for what is missing. */
  | { readonly kind: 'pin'; readonly note: LivenessNote }
  /** Nothing is told: more frames, or the answer to a challenge, may follow. */
  | { readonly kind: 'hold'; readonly note: LivenessNote }
  | { readonly kind: 'challenge'; readonly note: LivenessNote; readonly challenge: Challenge }
  | ({ readonly kind: 'refuse' } & Unproved);

export const nothingShown: Aliveness = { frames: [], spoofs: 0, challenges: 0 };
/** Where nothing is checked. */
export const notChecked: LivenessNote = { verdict: 'not-checked', why: 'not-checked' };

/** Evidence is kept this long, and judged this long. Milliseconds. */
const [keptMs, judgedMs] = [10_000, 5000];
/** Before a challenge; its answer begins from there. */
const beforeChallengeMs = 2000;
const mostFrames = 2048;
/** An unsure face gets this long to show more before the policy asks for something else. */
const patienceMs = 1000;
/** One bad frame never decides. */
const spoofsInARow = 2;
/** Frames that show where a face is before it is asked to move. */
const leastBeforeChallenge = 3;
/** Somebody who never stands still is asked after this time all the same. */
export const restlessMs = 3000;
/** As in src/liveness/challenge/track.ts: after a longer gap no answer is followed. */
const longestGapMs = 500;
/** An answer counts this long for the frames that are voted on. */
const answerLastsMs = 2000;

/** With the evidence of one more frame. `personId`: who was recognised in it. */
export function withShown(before: Aliveness, sighting: Sighting, personId: PersonId | undefined, atMs: number): Aliveness {
  const { liveness: evidence, digest, capturedAtMs } = sighting;
  const { frames, asked } = before;
  // Evidence of another frame, of an earlier one, or of one that was shown before.
  if (!evidence || evidence.capturedAtMs !== capturedAtMs || frames.some((one) => one.digest === digest)) return before;
  if (capturedAtMs <= (frames.at(-1)?.evidence.capturedAtMs ?? Number.NEGATIVE_INFINITY)) return before;
  const fromMs = Math.min(atMs - keptMs, asked ? asked.challenge.issuedAtMs - beforeChallengeMs : atMs);
  const kept = frames.filter((one) => one.evidence.capturedAtMs >= fromMs).slice(1 - mostFrames);
  return { ...before, frames: [...kept, { digest, evidence, ...(personId !== undefined && { personId }) }] };
}

/** How the challenge stands after the newest frame. It passes only with a frame in which the person was recognised. */
export function withAnswer(before: Aliveness, { answered }: Pick<LivenessRules, 'answered'>, atMs: number): Aliveness {
  const { asked, frames } = before;
  if (asked?.answer !== 'waiting' || !answered) return before;
  const answer = answered(
    asked.challenge,
    frames.flatMap(({ evidence, personId = asked.personId }) => (personId === asked.personId ? [evidence] : [])),
  );
  if (answer === 'waiting' || (answer === 'passed' && frames.at(-1)?.personId !== asked.personId)) return before;
  return { ...before, asked: { ...asked, answer, endedAtMs: atMs } };
}

/** Whether a person may pass whom the vote has elected, and what is known afterwards. */
export function passageFor(
  before: Aliveness,
  candidate: Recognised,
  rules: LivenessRules,
  atMs: number,
): { readonly passage: Passage; readonly next: Aliveness } {
  // A spoof that was told stays one to the end of the attempt.
  if (before.told && before.held?.reason === 'spoof') return { passage: { kind: 'hold', note: before.held.note }, next: before };
  const judgement = judgementOf(before, candidate, rules, atMs);
  const spoofs = judgement.verdict === 'spoof' ? before.spoofs + 1 : 0;
  const now: Aliveness = { ...before, heldSinceMs: before.heldSinceMs ?? atMs, spoofs };
  const passage = passageOf(now, judgement, candidate, rules, atMs);
  switch (passage.kind) {
    case 'open':
      return { passage, next: now };
    case 'refuse':
      return { passage, next: { ...now, held: passage } };
    case 'pin':
      return { passage, next: { ...now, held: unproved(passage.note, pinMissing) } };
    case 'challenge': {
      const asked: Asked = { challenge: passage.challenge, personId: candidate.personId, answer: 'waiting' };
      return { passage, next: { ...now, asked, challenges: now.challenges + 1, held: unproved(passage.note, answerMissing, true) } };
    }
    case 'hold':
      return { passage, next: { ...now, held: (now.asked && now.held) ?? unproved(passage.note) } };
  }
}

function judgementOf(
  { frames }: Aliveness,
  { personId, policy, ballots }: Recognised,
  { judge }: LivenessRules,
  atMs: number,
): LivenessJudgement {
  const none: LivenessJudgement = { ...notChecked, frames: 0 };
  if (policy === 'off' || !judge) return none;
  const own = frames.filter((one) => one.personId === personId && one.evidence.capturedAtMs > atMs - judgedMs);
  if (own.length === 0) return none;
  const judgement = judge(
    own.map(({ evidence }) => evidence),
    { policy, personId },
  );
  // What was shown before says nothing of the frames that are voted on.
  const voted = ballots.filter(({ digest }) => own.some((one) => one.digest === digest)).length;
  return judgement.verdict === 'live' && 2 * voted < ballots.length
    ? { ...judgement, verdict: 'unsure', why: 'too-few-frames' }
    : judgement;
}

function passageOf(state: Aliveness, judgement: LivenessJudgement, candidate: Recognised, rules: LivenessRules, atMs: number): Passage {
  const { verdict } = judgement;
  const { policy, pinGiven } = candidate;
  const note = noteOf(judgement);
  if (policy === 'off') return { kind: 'open', note };
  const isPatient = rules.judge !== undefined && atMs - (state.heldSinceMs ?? atMs) < patienceMs;
  const isBlurred = judgement.spoof === 'texture' && isPatient && !isStill(state, rules);
  if (verdict === 'spoof' && state.spoofs >= spoofsInARow && !isBlurred) return refusal(spoofed(note));
  // One bad frame never decides, nor do those of a face that moves: until then it is a doubt.
  if (verdict === 'spoof') return { kind: 'hold', note: { ...note, verdict: 'unsure', why: 'between' } };
  if (verdict === 'not-checked') {
    if (rules.whenNotChecked === 'allow') return { kind: 'open', note };
    if (rules.whenNotChecked === 'second-factor' && pinGiven) return { kind: 'open', note: { ...note, proof: 'pin' } };
    if (isPatient) return { kind: 'hold', note };
    return rules.whenNotChecked === 'deny' ? refusal(unproved(note)) : secondFactor(note, candidate);
  }
  if (isPassed(state, candidate, atMs)) return { kind: 'open', note: { ...note, proof: 'challenge' } };
  if (policy === 'challenge') return challenged(state, note, candidate, rules, atMs);
  // Whoever was asked has to answer: else a picture need only wait for a better frame.
  if (verdict === 'live' && !state.asked) return { kind: 'open', note };
  if (pinGiven) return { kind: 'open', note: { ...note, proof: 'pin' } };
  if ((isPatient && !state.asked) || policy === 'passive' || policy === 'passive+motion') return { kind: 'hold', note };
  return policy === 'second-factor-when-unsure' ? secondFactor(note, candidate) : challenged(state, note, candidate, rules, atMs);
}

/** The answer ended in the frames that are voted on, and all of them are later than the question. */
function isPassed({ asked }: Aliveness, { personId, ballots }: Recognised, atMs: number): boolean {
  if (asked?.answer !== 'passed' || asked.personId !== personId || asked.endedAtMs === undefined) return false;
  const { issuedAtMs } = asked.challenge;
  return atMs - asked.endedAtMs <= answerLastsMs && ballots.every(({ capturedAtMs }) => capturedAtMs > issuedAtMs);
}

/** Whether the face was out of sight since the question. */
function hasGap({ asked, frames }: Aliveness): boolean {
  const times = frames.map(({ evidence }) => evidence.capturedAtMs).filter((atMs) => atMs > (asked?.challenge.issuedAtMs ?? 0));
  return times.some((atMs, i) => i > 0 && atMs - (times[i - 1] ?? atMs) > longestGapMs);
}

function challenged(state: Aliveness, note: LivenessNote, candidate: Recognised, rules: LivenessRules, atMs: number): Passage {
  const { asked, challenges, frames } = state;
  if (asked?.answer === 'waiting') return { kind: 'hold', note };
  if (challenges >= mostInAttempt) {
    const wrong: LivenessNote = { ...note, verdict: 'spoof', spoof: 'wrong-answer' };
    // A camera that is too slow to follow a movement has not seen a wrong one.
    return refusal(asked?.answer === 'failed' && !hasGap(state) ? spoofed(wrong) : unproved(note, answerMissing, true));
  }
  const waitMs = waitBeforeAsking(candidate.askedLately, candidate.personId, atMs);
  if (rules.drawn.length > 0 && waitMs === 0 && frames.length < leastBeforeChallenge) return { kind: 'hold', note };
  const shown = frames.map(({ evidence }) => evidence);
  const drawn = rules.drawn.filter(({ kind }) => rules.isAnswerable?.(kind, shown) ?? true);
  const challenge = rules.answered && nextChallenge(drawn, asked?.challenge, atMs, rules.challengeMs);
  if (!challenge || waitMs > 0) {
    const why = waitMs > 0 ? `asked too often: wait ${Math.ceil(waitMs / 1000)} s` : undefined;
    // Else a photograph and a PIN would only need some failed challenges.
    if (candidate.policy === 'challenge' && why) return refusal(unproved(note, why));
    return candidate.pinGiven ? { kind: 'open', note: { ...note, proof: 'pin' } } : secondFactor(note, candidate, why);
  }
  // A face that still comes nearer, or has not come back from the last answer, would give a wrong one.
  const waitsSinceMs = asked?.endedAtMs ?? state.heldSinceMs ?? atMs;
  const isReady = isStill(state, rules) || atMs - waitsSinceMs >= restlessMs;
  return isReady ? { kind: 'challenge', note, challenge } : { kind: 'hold', note };
}

const isStill = ({ frames }: Aliveness, rules: LivenessRules): boolean => rules.isStill?.(frames.map(({ evidence }) => evidence)) ?? true;

/** The PIN in place of what is missing; whoever has none is told what helps. */
function secondFactor(note: LivenessNote, { hasPin }: Recognised, why?: string): Passage {
  if (hasPin) return { kind: 'pin', note };
  return refusal(unproved(note, why ?? withoutPin(note)));
}

const refusal = (why: Unproved): Passage => ({ kind: 'refuse', ...why });
const spoofed = (note: LivenessNote): Unproved => ({ reason: 'spoof', detail: notAlive, note, isCounted: true });

/** Reasons that a living face gives to a door that cannot see it well. */
const unseen: readonly LivenessNote['why'][] = ['not-checked', 'cut-off', 'too-small', 'low-quality', 'too-few-frames'];

function unproved(note: LivenessNote, detail = remedyOf(note), isCounted = !unseen.includes(note.why)): Unproved {
  return { reason: 'not-live', detail, note, isCounted };
}

function noteOf({ verdict, score, spoof, why }: LivenessJudgement): LivenessNote {
  return {
    verdict,
    ...(score === undefined ? {} : { score, band: scoreBand(score) }),
    ...(spoof && { spoof }),
    ...(why && { why }),
  };
}
