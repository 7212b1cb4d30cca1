/**
 * Which frames an idle door looks at: the frames go in while nobody is there, and for each of them whether the networks
 * look at it comes out. loops.ts asks. It has no clock of its own.
 *
 * A frame is compared with the last one that was looked at and not with the one before it, so that a slow change adds
 * up. One that differs is looked at at once. A scene that never rests is looked at `idleFps` times a second, after some
 * seconds of quick looks. A scene that does not change is looked at once a second all the same: what the comparison
 * cannot see, such as a face as bright as the wall behind it, waits no longer than that.
 */
import { tokenBucket } from '../base/token-bucket.ts';
import { openGlance, type Squares } from '../face/pixels/glance.ts';

export interface SceneWatch {
  /** Whether to look at this frame; then it is what later ones are compared with. */
  isDue(picture: Uint8Array, atMs: number): boolean;
  /** Somebody was there: the next frame has nothing to be compared with. */
  busy(atMs: number): void;
}

/** Time between two comparisons. Milliseconds. */
const glanceMs = 120;
/** Longest time between two looks at a scene that does not change. Milliseconds. */
const calmMs = 1000;
/** For this long after a change the scene is looked at `idleFps` times a second. Milliseconds. */
const restlessMs = 5000;
/** Quick looks that can be saved up: four seconds at 15 frames per second. */
const mostQuickLooks = 60;
/** A square has changed if it differs by this, plus so many times the usual difference between two frames. Levels. */
const leastLevels = 4;
const timesNoise = 5;
/** The most that counts as noise. Levels. */
const mostNoise = 2;
/** Weight of one frame in the usual difference. */
const noiseWeight = 0.1;
/** So many changed squares of 8×8 pixels are a change: a sixth of the smallest face that counts. */
const leastSquares = 8;
/** A little less than the period, or the jitter of a camera would halve the rate. */
const nearly = 0.9;

/** `idleFps`: above 0. */
export function sceneWatch(idleFps: number): SceneWatch {
  const glance = openGlance();
  const restlessPeriodMs = 1000 / idleFps;
  const calmPeriodMs = Math.max(calmMs, restlessPeriodMs);
  let nowMs = Number.NEGATIVE_INFINITY;
  const quickLooks = tokenBucket({ perS: idleFps, size: mostQuickLooks, clock: { now: () => nowMs } });
  let lookedMs = Number.NEGATIVE_INFINITY;
  let changedMs = Number.NEGATIVE_INFINITY;
  let looked: Squares | undefined;
  let last: Squares | undefined;
  let noise = 0;
  return {
    isDue: (picture, atMs) => {
      if (atMs - nowMs < nearly * glanceMs) return false;
      nowMs = atMs;
      const now = glance(picture);
      if (now && last && isComparable(now, last)) noise += noiseWeight * (Math.min(mostNoise, usualDifference(now, last)) - noise);
      const compared =
        now && looked && isComparable(now, looked) ? changedSquares(now, looked, leastLevels + timesNoise * noise) : undefined;
      last = now;
      // What cannot be compared may have changed.
      const changed = compared === undefined || compared >= leastSquares;
      if (changed) changedMs = atMs;
      const periodMs = atMs - changedMs < restlessMs ? restlessPeriodMs : calmPeriodMs;
      const quick = changed && compared !== undefined && quickLooks.take();
      const due = quick || atMs - lookedMs >= nearly * periodMs;
      if (due) [looked, lookedMs] = [now, atMs];
      return due;
    },
    busy: (atMs) => {
      [nowMs, lookedMs] = [atMs, atMs];
      [looked, last] = [undefined, undefined];
    },
  };
}

const isComparable = (a: Squares, b: Squares): boolean => a.across === b.across && a.down === b.down;

function changedSquares({ levels: a }: Squares, { levels: b }: Squares, by: number): number {
  let count = 0;
  for (let i = 0; i < a.length; i++) if (Math.abs((a[i] as number) - (b[i] as number)) > by) count++;
  return count;
}

/** The median difference, to a quarter of a level; `mostNoise` or more is not told apart. */
function usualDifference({ levels: a }: Squares, { levels: b }: Squares): number {
  const counts = new Uint32Array(4 * mostNoise + 1);
  for (let i = 0; i < a.length; i++) {
    const step = Math.min(4 * mostNoise, Math.abs((a[i] as number) - (b[i] as number)) * 4) | 0;
    counts[step] = (counts[step] as number) + 1;
  }
  let step = 0;
  for (let below = counts[0] as number; below < a.length / 2; below += counts[step] as number) step++;
  return step / 4;
}
