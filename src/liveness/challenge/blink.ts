/**
 * Counts how often both eyes were closed on purpose. In: the frames around the challenge. Out: the closings. Pure. The
 * network for the eyes is often wrong in single frames, so the most likely course of open and closed over all frames is
 * looked for (A. Viterbi, 1967). A blink that nobody means lasts 100 to 200 ms, so only a longer closing counts.
 */
import type { FrameEvidence } from '../port.ts';
import { median, type Track } from './track.ts';

const closingMs = { least: 270, most: 2500 } as const;
/** An eye that is hardly seen open (glare on glasses, a narrow eye) cannot be seen to close. */
const leastOpen = 0.8;
/** What a frame of this length says at most for open or for closed, and what a change costs: logarithms of odds. */
const frameMs = 66;
const mostOfAFrame = 3;
const change = 2;

/**
 * Shares of what is usual for this face: below the limit its eyes are closed. It lies below all but a tenth of what was
 * seen of the open eyes. Of some people the network sees only one eye close: half of what is usual is closed.
 */
const limits = { least: 0.5, most: 0.75, below: 0.2 } as const;

export interface Closings {
  readonly count: number;
  /** Since when the eyes have been open; undefined while they are closed. */
  readonly openSinceMs: number | undefined;
}

/** Undefined where the eyes cannot be seen well enough. */
export function closingsOf({ before, after }: Track): Closings | undefined {
  const eyes = eyesSeen(before);
  const open = (frame: FrameEvidence): number[] => (frame.eyesOpen ? [mean(eyes.map((eye) => frame.eyesOpen?.[eye] ?? Number.NaN))] : []);
  const usually = before.flatMap(open).toSorted((a, b) => a - b);
  const usual = median(usually);
  const seen = after.flatMap((frame) =>
    open(frame)
      .filter(Number.isFinite)
      .map((one) => ({ atMs: frame.capturedAtMs, open: one / usual })),
  );
  if (eyes.length === 0 || seen.length < after.length / 2) return undefined;
  const hardly = (usually[Math.floor(usually.length / 10)] ?? 0) / usual;
  const limit = Math.min(limits.most, Math.max(limits.least, hardly - limits.below));
  const isOpen = courseOf(seen, limit);
  let count = 0;
  let openSinceMs = seen[0]?.atMs;
  for (let i = 1; i < seen.length; i++) {
    if (!isOpen[i] || isOpen[i - 1]) continue;
    const closed = isOpen.lastIndexOf(true, i - 1) + 1;
    const lastedMs = (seen[i]?.atMs ?? 0) - (seen[closed]?.atMs ?? 0);
    if (lastedMs < closingMs.least || lastedMs > closingMs.most) continue;
    count++;
    openSinceMs = seen[i]?.atMs;
  }
  return { count, openSinceMs: isOpen.at(-1) ? openSinceMs : undefined };
}

/** The eyes that the network sees open, 0 (right) and 1 (left): of one person in six it is only one. */
export function eyesSeen(frames: readonly FrameEvidence[]): readonly (0 | 1)[] {
  const seen = frames.flatMap(({ eyesOpen }) => (eyesOpen ? [eyesOpen] : []));
  return ([0, 1] as const).filter((eye) => median(seen.map((both) => both[eye])) >= leastOpen);
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / (values.length || 1);

/** The most likely course: for each frame whether the eyes were open. It begins open. */
function courseOf(seen: readonly { readonly atMs: number; readonly open: number }[], limit: number): boolean[] {
  let best = { open: 0, closed: -change };
  const changed: { open: boolean; closed: boolean }[] = [];
  seen.forEach(({ atMs, open }, i) => {
    const weight = Math.min(1, (atMs - (seen[i - 1]?.atMs ?? atMs - frameMs)) / frameMs);
    const odds = weight * mostOfAFrame * Math.max(-1, Math.min(1, 2 * (open - limit)));
    const from = { open: best.closed - change > best.open, closed: best.open - change > best.closed };
    changed.push(from);
    best = {
      open: (from.open ? best.closed - change : best.open) + odds / 2,
      closed: (from.closed ? best.open - change : best.closed) - odds / 2,
    };
  });
  let isOpen = best.open >= best.closed;
  return changed
    .toReversed()
    .map((from) => {
      const now = isOpen;
      if (now ? from.open : from.closed) isOpen = !isOpen;
      return now;
    })
    .toReversed();
}
