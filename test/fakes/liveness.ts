/**
 * A door that is told what its frames show of being alive, 15 frames a second; with a judge and an answer to challenges
 * that are simple enough to foresee. In: what a visitor shows. Out: what was decided.
 */
import type { LivenessRules } from '../../src/access/alive/passage.ts';
import { decide, initialState } from '../../src/access/decide.ts';
import type { Finding, Sighting } from '../../src/access/port.ts';
import type { AccessEvent, Decision, Input, Policy, State } from '../../src/access/state.ts';
import type { ChallengeKind } from '../../src/events.ts';
import type { Embedding } from '../../src/face/port.ts';
import type { AnswerOf, Challenge, FrameEvidence, JudgeLiveness } from '../../src/liveness/port.ts';
import { guardedPolicy } from './policy.ts';

export interface Shown {
  /** What the networks say of a frame: 3 is live, −3 a picture. Null: they did not look. */
  readonly logit?: number | null;
  readonly yawDeg?: number;
  /** Middle of the eyes, share of the picture's width. */
  readonly x?: number;
  readonly face?: Embedding;
  readonly logitOfMatch?: number;
  /** The frame has no evidence. */
  readonly unchecked?: boolean;
}

function evidenceAt(capturedAtMs: number, { logit = 3, yawDeg = 0, x = 0.5 }: Shown = {}): FrameEvidence {
  return {
    capturedAtMs,
    ...(logit === null ? { unsure: 'too-small' as const } : { passive: { network: 'fake', logit } }),
    pose: { yawDeg, pitchDeg: 0, rollDeg: 0 },
    place: { x, y: 0.3, interEye: 0.1 },
    skin: [120, 100, 90],
    surround: [80, 80, 80],
  };
}

/** Live from a mean of 1 on, a spoof down from −1; fewer than three frames do not do. */
const fakeJudge: JudgeLiveness = (frames) => {
  const seen = frames.flatMap(({ passive }) => (passive ? [passive.logit] : []));
  const score = seen.reduce((sum, logit) => sum + logit, 0) / seen.length;
  if (seen.length === 0) return { verdict: 'unsure', why: frames[0]?.unsure ?? 'too-few-frames', frames: 0 };
  const all = { score, frames: seen.length };
  if (seen.length < 3) return { verdict: 'unsure', why: 'too-few-frames', ...all };
  if (score >= 1) return { verdict: 'live', ...all };
  return score <= -1 ? { verdict: 'spoof', spoof: 'texture', ...all } : { verdict: 'unsure', why: 'between', ...all };
};

/** A turn of 20° to the side that was asked for and back; to the other side it has failed, and so it has after a gap. */
const fakeAnswered: AnswerOf = ({ kind, issuedAtMs, deadlineMs }, frames) => {
  const side = kind === 'turn-left' ? 1 : -1;
  const after = frames.filter(({ capturedAtMs }) => capturedAtMs > issuedAtMs && capturedAtMs <= deadlineMs);
  if (after.some((frame, i) => i > 0 && frame.capturedAtMs - (after[i - 1]?.capturedAtMs ?? 0) > 500)) return 'failed';
  if (after.some(({ pose }) => side * pose.yawDeg < -20)) return 'failed';
  const turned = after.some(({ pose }) => side * pose.yawDeg > 20);
  return turned && Math.abs(after.at(-1)?.pose.yawDeg ?? 90) < 5 ? 'passed' : 'waiting';
};

export const challengesOf = (...kinds: ChallengeKind[]): Challenge[] =>
  kinds.map((kind, i) => ({ id: `${kind} ${i}`, kind, issuedAtMs: 0, deadlineMs: 0 }));

const fakeRules: LivenessRules = {
  policy: 'challenge-when-unsure',
  judge: fakeJudge,
  answered: fakeAnswered,
  whenNotChecked: 'second-factor',
  challengeMs: 8000,
  drawn: challengesOf('turn-left', 'turn-right'),
};

const fakePolicy: Policy = { ...guardedPolicy, liveness: fakeRules };

export const person = (personId: string): Finding => ({ kind: 'person', personId });

export interface LivingDoor {
  /** One frame of each, 66 ms apart. */
  see(finding: Finding, frames: number, shown?: Shown): void;
  sight(sighting: Sighting): void;
  tell(input: { readonly kind: 'pin'; readonly personId: string } | { readonly kind: 'reset' | 'vouched' }): void;
  leave(): void;
  wait(ms: number): void;
  readonly nowMs: number;
  readonly state: State;
  /** What happened since the last call. */
  events(): AccessEvent[];
}

export type LivingRules = Partial<Omit<Policy, 'liveness'>> & {
  readonly liveness?: Partial<LivenessRules>;
  /** No network, no judge. */
  readonly blind?: boolean;
};

/** `more`: what differs from `fakePolicy`, of liveness what differs from `fakeRules`. */
export function livingPolicy({ liveness, blind, ...more }: LivingRules = {}): Policy {
  const { judge, ...rules } = { ...fakeRules, ...liveness };
  return { ...fakePolicy, ...more, liveness: { ...rules, ...(judge && !blind && { judge }) } };
}

export function livingDoor(rules: LivingRules = {}): LivingDoor {
  const policy = livingPolicy(rules);
  let state = initialState;
  let nowMs = 1000;
  const decisions: Decision[] = [];
  const tell = (input: Input) => {
    const decision = decide(state, input, policy);
    state = decision.state;
    decisions.push(decision);
  };
  const sight = (sighting: Sighting) => tell({ kind: 'sighting', atMs: nowMs + 20, sighting });
  const door: LivingDoor = {
    see: (finding, frames, shown = {}) => {
      for (let i = 0; i < frames; i++) {
        nowMs += 66;
        sight(sightingAt(nowMs, finding, shown));
      }
    },
    sight,
    tell: (input) => tell({ ...input, atMs: nowMs } as Input),
    leave: () => door.see({ kind: 'nobody' }, 15),
    wait: (ms) => {
      nowMs += ms;
      tell({ kind: 'tick', atMs: nowMs });
    },
    get nowMs() {
      return nowMs;
    },
    get state() {
      return state;
    },
    events: () => decisions.splice(0).flatMap(({ events }) => events),
  };
  return door;
}

export function sightingAt(capturedAtMs: number, finding: Finding, shown: Shown = {}): Sighting {
  const likeness = { logit: shown.logitOfMatch ?? 9, probability: 0.99, share: 1 };
  const isFace = finding.kind !== 'nobody';
  return {
    digest: `frame at ${capturedAtMs}`,
    capturedAtMs,
    finding,
    ...(isFace && { likeness }),
    ...(shown.face && { face: shown.face }),
    ...(isFace && !shown.unchecked && { liveness: evidenceAt(capturedAtMs, shown) }),
  };
}

/** Kinds and reasons, for tests that compare them. */
export const kindsOf = (events: readonly { readonly kind: string; readonly reason?: string }[]): string[] =>
  events.map(({ kind, reason }) => (reason ? `${kind} ${reason}` : kind));
