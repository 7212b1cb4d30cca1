/**
 * A movement out of rest. In: how far each frame is towards what was asked, and towards anything else, in shares of
 * what counts as clear. Out: whether it was the movement that was asked for, and how it ended. Pure.
 */

import { median } from './track.ts';

export interface MovedFrame {
  readonly atMs: number;
  /** 0: as before the challenge; 1: clearly what was asked; below 0: the opposite. */
  readonly asked: number;
  /** The largest share of every other movement; 1: clearly something else. */
  readonly other: number;
}

export type Movement =
  | { readonly kind: 'none' }
  | { readonly kind: 'wrong' }
  /** Out and, if it has ended, back or held. `between`: frames on the way, which a slide show does not have. */
  | { readonly kind: 'right'; readonly between: number; readonly endedAtMs: number | undefined };

/** Within this share of a movement a face is at rest. */
const rest = 0.5;
/** Something else has to be clearer than what was asked: nobody holds still completely. */
const clearlyWrong = 1.2;
/** The measure of one frame alone is not believed. */
const inARow = 2;
/** The end takes so many frames and so long: they are voted on, and a swing through to the other side is none. */
const atEnd = 3;
const atEndMs = 300;
/** Frames on the way out and back together; nobody comes back from what is held. */
const leastBetween = { back: 2, held: 1 } as const;

/** Leaves out what was under way before the person could react: the movement begins at rest. */
export function movementOf(steps: readonly MovedFrame[], ends: 'back' | 'held'): Movement {
  for (let from = 0; ; ) {
    const start = steps.findIndex((step, i) => i >= from && isRest(step));
    if (start < 0) return { kind: 'none' };
    const found = firstMovement(steps.slice(start), ends);
    // A movement without frames on the way may have been too fast for the camera: it may be repeated, more slowly.
    if (found.kind !== 'right' || found.endedAtMs === undefined || found.between >= leastBetween[ends]) return found;
    const ended = found.endedAtMs;
    const next = steps.findIndex(({ atMs }) => atMs > ended);
    if (next < 0 || ends === 'held') return { kind: 'none' };
    from = next;
  }
}

const isRest = ({ asked, other }: MovedFrame): boolean => Math.abs(asked) < rest && other < rest;
const isRight = ({ asked, other }: MovedFrame): boolean => asked >= 1 && asked > 0.8 * other;
const isWrong = ({ asked, other }: MovedFrame): boolean => Math.max(-asked, other) >= clearlyWrong && asked < 0.6 * other;

function firstMovement(steps: readonly MovedFrame[], ends: 'back' | 'held'): Movement {
  const reached = nth(steps, inARow, isRight);
  const wrong = nth(steps, inARow, isWrong);
  if (wrong >= 0 && (reached < 0 || wrong < reached)) return { kind: 'wrong' };
  if (reached < 0) return { kind: 'none' };
  const later = steps.slice(reached + 1);
  const isEnd = ends === 'back' ? isRest : ({ asked, other }: MovedFrame) => asked >= 0.85 && other < 1;
  const end = endOf(later, isEnd);
  const turned = nth(later, inARow, isWrong);
  if (turned >= 0 && (end < 0 || turned < end)) return { kind: 'wrong' };
  return { kind: 'right', between: between(steps, reached), endedAtMs: end < 0 ? undefined : later[end]?.atMs };
}

/** The first step at which all of the last 300 ms, and at least three, are an end; −1: there is none. */
function endOf(steps: readonly MovedFrame[], isEnd: (step: MovedFrame) => boolean): number {
  let begun = 0;
  return steps.findIndex((step, at) => {
    if (!isEnd(step)) begun = at + 1;
    const first = steps[begun];
    return at - begun >= atEnd - 1 && first !== undefined && step.atMs - first.atMs >= atEndMs;
  });
}

/** Index of the last of the first `count` steps in a row that are so; −1: there are none. */
function nth(steps: readonly MovedFrame[], count: number, is: (step: MovedFrame) => boolean): number {
  let n = 0;
  return steps.findIndex((step) => {
    n = is(step) ? n + 1 : 0;
    return n === count;
  });
}

/**
 * How much of its way a head goes from one frame to the next at most: share in a millisecond (out in 280 ms, without a
 * jerk), and what the jitter of a frame adds. Frames further apart tell nothing.
 */
const leap = { perMs: 0.0054, jitter: 0.27, withinMs: 110 } as const;

function isLeap(before: MovedFrame | undefined, { asked, atMs }: MovedFrame, furthest: number): boolean {
  const ms = atMs - (before?.atMs ?? atMs);
  return before !== undefined && ms <= leap.withinMs && Math.abs(asked - before.asked) > (leap.perMs * ms + leap.jitter) * furthest;
}

/**
 * Frames between rest and the extreme, out and back; none where one of them is a leap. A picture that is put in place
 * of another one has none.
 */
function between(steps: readonly MovedFrame[], reached: number): number {
  const far = steps.filter((step, i) => i <= reached + 3 && isRight(step)).map(({ asked }) => asked);
  const extreme = 0.8 * median(far);
  const left = steps.findLastIndex((step, i) => i < reached && isRest(step));
  const out = steps.findIndex((step, i) => i > left && step.asked >= extreme);
  const last = steps.findLastIndex((step, i) => i >= reached && step.asked >= extreme);
  const back = steps.findIndex((step, i) => i > last && isRest(step));
  const way = steps.slice(Math.max(0, left), back < 0 ? undefined : back + 1);
  const furthest = Math.max(...way.map(({ asked }) => asked));
  if (way.some((step, i) => isLeap(way[i - 1], step, furthest))) return 0;
  const isBetween = ({ asked }: MovedFrame, i: number) =>
    asked > rest && asked < extreme && ((i > left && i < out) || (i > last && i < back));
  return steps.filter(isBetween).length;
}
