/**
 * The frames of one face without interruption, before and after a challenge. In: the frames of a presentation. Out: the
 * frames that may answer, or that the track is broken. Pure.
 */
import type { Challenge, FrameEvidence } from '../port.ts';

export interface Track {
  /** Of the last second before the challenge, and until a person can have reacted to it. */
  readonly before: readonly FrameEvidence[];
  /** Later than that. */
  readonly after: readonly FrameEvidence[];
}

/** Nobody reacts faster to a light or a sound (R. D. Luce, "Response Times", 1986: 190 and 160 ms). */
const reactionMs = 150;
/** A longer gap may hide another face. */
const longestGapMs = 500;
const beforeMs = 1000;
const leastBefore = 3;

/** `broken`: a gap, a jump of the face, or no frames from before the challenge. */
export function trackOf({ issuedAtMs }: Pick<Challenge, 'issuedAtMs'>, frames: readonly FrameEvidence[]): Track | 'broken' {
  const inOrder = frames.filter(isWhole).toSorted((a, b) => a.capturedAtMs - b.capturedAtMs);
  let from = 0;
  for (let i = 1; i < inOrder.length; i++) {
    const [last, next] = [inOrder[i - 1] as FrameEvidence, inOrder[i] as FrameEvidence];
    if (follows(last, next)) continue;
    if (next.capturedAtMs > issuedAtMs) return 'broken';
    from = i;
  }
  const unbroken = inOrder.slice(from);
  const reactedMs = issuedAtMs + reactionMs;
  const after = unbroken.filter((frame) => frame.capturedAtMs > reactedMs);
  const before = unbroken.filter(({ capturedAtMs: atMs }) => atMs > issuedAtMs - beforeMs && atMs <= reactedMs);
  const isSeen = before.length >= leastBefore && before.some((frame) => frame.capturedAtMs <= issuedAtMs);
  return isSeen || after.length === 0 ? { before, after } : 'broken';
}

function isWhole({ capturedAtMs, pose, place, skin, surround }: FrameEvidence): boolean {
  const sum = capturedAtMs + pose.yawDeg + pose.pitchDeg + place.x + place.y + place.interEye;
  return Number.isFinite(sum) && place.interEye > 0 && skin.every(Number.isFinite) && surround.every(Number.isFinite);
}

/**
 * Whether the second frame can show the face of the first, moved on. In eye distances: a head that turns or leans moves
 * its eyes by half of one; a face that is put in place of another one jumps. Jitter of the detector: 0.03.
 */
function follows(last: FrameEvidence, next: FrameEvidence): boolean {
  const seconds = (next.capturedAtMs - last.capturedAtMs) / 1000;
  if (seconds * 1000 > longestGapMs) return false;
  const [a, b] = [last.place, next.place];
  const moved = Math.hypot(b.x - a.x, b.y - a.y) / Math.max(a.interEye, b.interEye);
  const grown = Math.abs(Math.log(b.interEye / a.interEye));
  return moved <= 0.6 + 4 * seconds && grown <= 0.25 + 1.2 * seconds;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? upper) + upper) / 2;
}
