/**
 * Counts how often both eyes were closed on purpose. In: the frames around the challenge. Out: the closings. Pure. The
 * network for the eyes is often wrong in single frames, so the most likely course of open and closed over all frames is
 * looked for (A. Viterbi, 1967). A blink that nobody means lasts 100 to 200 ms, so only a longer closing counts.
 */
import { median, type Track } from './track.ts';

const closingMs = { least: 270, most: 2500 } as const;
/** Eyes that were hardly open before (glare on glasses, no network) cannot be seen to close. */
export const leastOpen = 0.6;
/** What a frame of this length says at most for open or for closed, and what a change costs: logarithms of odds. */
const frameMs = 66;
const mostOfAFrame = 3;
const change = 2;

export interface Closings {
  readonly count: number;
  /** Since when the eyes have been open; undefined while they are closed. */
  readonly openSinceMs: number | undefined;
}

/** Undefined where the eyes cannot be seen well enough. */
export function closingsOf({ before, after }: Track): Closings | undefined {
  const usual = median(before.flatMap(({ eyesOpen }) => (eyesOpen ? [openness(eyesOpen)] : [])));
  const seen = after.flatMap(({ capturedAtMs: atMs, eyesOpen }) =>
    eyesOpen?.every(Number.isFinite) ? [{ atMs, open: openness(eyesOpen) / usual }] : [],
  );
  if (!(usual >= leastOpen) || seen.length < after.length / 2) return undefined;
  const isOpen = courseOf(seen);
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

/** Of both eyes together; with one of them open they do not count as closed. */
const openness = ([right, left]: readonly [number, number]): number => Math.max((right + left) / 2, Math.max(right, left) * 0.6);

/** The most likely course: for each frame whether the eyes were open. It begins open. */
function courseOf(seen: readonly { readonly atMs: number; readonly open: number }[]): boolean[] {
  let best = { open: 0, closed: -change };
  const changed: { open: boolean; closed: boolean }[] = [];
  seen.forEach(({ atMs, open }, i) => {
    const weight = Math.min(1, (atMs - (seen[i - 1]?.atMs ?? atMs - frameMs)) / frameMs);
    const odds = weight * mostOfAFrame * Math.max(-1, Math.min(1, 2 * (open - 0.5)));
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
