/**
 * Judges the frames of one presentation: their evidence, the policy, and what the door knows of its camera and of the
 * person go in; live, unsure or spoof comes out. Pure. One bad frame never decides, and no check that passes overrules
 * one that fails.
 */
import type { SpoofKind, UnsureReason } from '../events.ts';
import type { FrameEvidence, JudgeLiveness, LivenessJudgement, LivenessPolicy, MotionCheck } from './port.ts';

/** Bands of the score. Logits, less the threshold of the networks' manifest. */
export interface LivenessBands {
  /** From here on the networks call a face live. */
  readonly live: number;
  /** Below this they call it a picture. In between they are unsure. */
  readonly spoof: number;
  /** From here on a policy that asks more of an unsure face asks no motion. */
  readonly sure: number;
}

/** What the door knows of a face besides its frames. */
export interface KnownLive {
  readonly bands: LivenessBands;
  /** How many networks look, in turn. */
  readonly networks: number;
  /** What the score of these frames loses, because they are unlike the visits that this camera has seen. Logits. */
  readonly shift?: (frames: readonly FrameEvidence[]) => number;
  /** Whether these frames are unlike the person's own visits at this camera. */
  readonly isUnlike?: (frames: readonly FrameEvidence[], personId: string) => boolean;
}

/**
 * Of a door that does not know its camera yet. Of live clips of four data sets 0 to 2 % are below `spoof`. Nothing is
 * sure there: before cameras that the networks have not seen, up to 70 % of the replays pass them.
 */
export const firstBands: LivenessBands = { live: 0, spoof: -3, sure: Number.POSITIVE_INFINITY };

/** Frames that the networks need. */
const leastFrames = 3;
/** A check of the motion counts when so many frames say it. */
const leastSpoofs = 2;
/** Frames that show a head in the infrared lamp's light. */
const leastHeads = 2;

/** `known`: asked at every judgement, because the door learns. */
export function livenessJudge(known: () => KnownLive): JudgeLiveness {
  return (frames, { policy, personId }) => {
    const { bands, networks, shift, isUnlike } = known();
    const looked = clearLooks(frames);
    const common = { frames: looked.length };
    if (policy === 'off') return { ...common, verdict: 'not-checked', why: 'not-checked' };
    const spoof = spoofShown(frames);
    const seen = scoreOf(looked, networks, shift?.(looked) ?? 0);
    if (spoof) return { ...common, ...(seen && { score: seen.score - bands.live }), verdict: 'spoof', spoof };
    if (!seen) return { ...common, ...tooLittle(frames) };
    const score = seen.score - bands.live;
    if (seen.atBest < bands.spoof) return { ...common, score, verdict: 'spoof', spoof: 'texture' };
    const isStrange = isUnlike?.(looked, personId) === true;
    const why = score < 0 ? 'between' : doubtOf(frames, policy, score >= bands.sure - bands.live, isStrange);
    return why ? { ...common, score, verdict: 'unsure', why } : { ...common, score, verdict: 'live' };
  };
}

/** A frame that is this much softer than the sharpest of its visit shows a movement, not a face's texture. */
const leastSharpShare = 0.25;

/** The frames that a network looked at, without those in which the face was blurred by its movement. */
export function clearLooks(frames: readonly FrameEvidence[]): FrameEvidence[] {
  const looked = frames.filter(({ passive }) => passive);
  const sharpest = Math.max(0, ...looked.map(({ sharpness = 0 }) => sharpness));
  return looked.filter(({ sharpness = sharpest }) => sharpness >= leastSharpShare * sharpest);
}

/** Why a face that the networks call live is not taken for one. */
function doubtOf(frames: readonly FrameEvidence[], policy: LivenessPolicy, isSure: boolean, isStrange: boolean): UnsureReason | undefined {
  if (isStrange) return 'unlike-before';
  if (!isLitAsAHead(frames)) return 'no-infrared';
  if (policy === 'passive' || hasDepth(frames)) return undefined;
  return policy === 'passive+motion' || !isSure ? 'no-motion' : undefined;
}

/**
 * Only depth is more than the absence of a sign of an attack. A video of a head has it too: where straight edges stand
 * on both sides of the face and were not seen to be of the scene, it counts for nothing.
 */
function hasDepth(frames: readonly FrameEvidence[]): boolean {
  const checks = latestChecks(frames);
  const isBordered = checks.some(({ kind, outcome }) => kind === 'border' && outcome === 'unsure');
  return !isBordered && checks.some(({ kind, outcome }) => kind === 'flat' && outcome === 'live');
}

const latestChecks = (frames: readonly FrameEvidence[]): readonly MotionCheck[] => frames.findLast(({ motion }) => motion)?.motion ?? [];

/** Where there is an infrared camera, several frames must show a head in its light. */
function isLitAsAHead(frames: readonly FrameEvidence[]): boolean {
  const looked = frames.flatMap(({ infrared }) => infrared ?? []);
  return looked.length === 0 || looked.filter(({ outcome }) => outcome === 'live').length >= leastHeads;
}

function spoofShown(frames: readonly FrameEvidence[]): SpoofKind | undefined {
  const counts = new Map<SpoofKind, number>();
  const count = (kind: SpoofKind) => counts.set(kind, (counts.get(kind) ?? 0) + 1);
  for (const { motion = [], infrared } of frames) {
    if (infrared?.outcome === 'spoof') count('infrared');
    for (const { kind, outcome } of motion) if (outcome === 'spoof') count(kind);
  }
  return [...counts].find(([, times]) => times >= leastSpoofs)?.[0];
}

/** Too few frames, or the reason that most of them give. */
function tooLittle(frames: readonly FrameEvidence[]): Pick<LivenessJudgement, 'verdict' | 'why'> {
  const counts = new Map<UnsureReason, number>();
  for (const { unsure } of frames) if (unsure) counts.set(unsure, (counts.get(unsure) ?? 0) + 1);
  const [most] = [...counts].toSorted(([, a], [, b]) => b - a);
  const looked = frames.some(({ passive }) => passive);
  if (most?.[0] === 'not-checked' || (!most && !looked)) return { verdict: 'not-checked', why: 'not-checked' };
  return { verdict: 'unsure', why: most && most[1] > frames.length / 2 ? most[0] : 'too-few-frames' };
}

interface Score {
  /** Mean of the networks' means. */
  readonly score: number;
  /**
   * The same without the worst frame, and without what the door has learned: a light that it has not seen yet makes a
   * face unsure, not a picture.
   */
  readonly atBest: number;
}

/** Undefined: too few frames, or a network that saw none. `frames`: those that a network looked at. */
function scoreOf(frames: readonly FrameEvidence[], networks: number, shift: number): Score | undefined {
  const byNetwork = new Map<string, number[]>();
  for (const { passive } of frames) if (passive) byNetwork.set(passive.network, [...(byNetwork.get(passive.network) ?? []), passive.logit]);
  const logits = [...byNetwork.values()];
  if (frames.length < leastFrames || logits.length < networks) return undefined;
  const means = logits.map(meanOf);
  const score = meanOf(means) - shift;
  const without = logits.map((own, at) => {
    const rest = own.toSorted((a, b) => a - b).slice(1);
    return meanOf(means.map((mean, other) => (other === at && rest.length > 0 ? meanOf(rest) : mean)));
  });
  return { score, atBest: Math.max(...without) };
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
