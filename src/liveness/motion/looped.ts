/**
 * Notices frames that come back: grey pictures go in; how many of the latest are the same as earlier ones, at the same
 * distance in time, comes out. They are compared by their means over squares. No person moves twice in the same way.
 */
import type { Grey } from './tracks.ts';

export interface LoopWatch {
  /** Frames of the last seconds that came back. Undefined: nothing to compare with yet. */
  look(grey: Grey, atMs: number): number | undefined;
}

interface Seen {
  readonly atMs: number;
  readonly means: Float32Array;
  /** How far back the frame is that it repeats, milliseconds. */
  readonly lagMs: number | undefined;
}

const [columns, rows] = [24, 18];
/** Mean difference of two pictures of a sensor that show the same is larger than this, levels. */
const mostDifference = 0.04;
/** A picture is another one if it differs by more than this, levels. */
const leastDifference = 4 * mostDifference;
const leastLagMs = 500;
const keptMs = 30_000;
const mostKept = 400;
const recentMs = 2500;
/** The same distance in time, within two frames of a camera. */
const sameLagMs = 70;

export function loopWatch(): LoopWatch {
  let seen: Seen[] = [];
  return {
    look: (grey, atMs) => {
      const means = meansOf(grey);
      seen = seen.filter((each) => atMs - each.atMs <= keptMs).slice(-mostKept);
      const oldest = seen[0]?.atMs;
      seen.push({ atMs, means, lagMs: lagOf(seen, means, atMs) });
      if (oldest === undefined || atMs - oldest < 2 * leastLagMs) return undefined;
      return cameBack(seen.filter((each) => atMs - each.atMs <= recentMs));
    },
  };
}

/** How far back the frame is that this one repeats. It has to be unlike those just before and after that frame. */
function lagOf(seen: readonly Seen[], means: Float32Array, atMs: number): number | undefined {
  for (let i = 1; i < seen.length - 1; i++) {
    const each = seen[i] as Seen;
    if (atMs - each.atMs < leastLagMs) return undefined;
    if (differenceOf(each.means, means) > mostDifference) continue;
    const neighbours = [seen[i - 1] as Seen, seen[i + 1] as Seen];
    if (neighbours.every((neighbour) => differenceOf(neighbour.means, means) >= leastDifference)) return atMs - each.atMs;
  }
  return undefined;
}

/** The most frames that agree about how far back it was. */
function cameBack(recent: readonly Seen[]): number {
  const lags = recent.flatMap(({ lagMs }) => (lagMs === undefined ? [] : [lagMs]));
  return Math.max(0, ...lags.map((lag) => lags.filter((other) => Math.abs(other - lag) <= sameLagMs).length));
}

function differenceOf(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs((a[i] as number) - (b[i] as number));
  return sum / a.length;
}

function meansOf({ width, height, pixels }: Grey): Float32Array {
  const means = new Float32Array(columns * rows);
  const counts = new Float32Array(columns * rows);
  for (let y = 0; y < height; y++) {
    const row = Math.floor((y * rows) / height) * columns;
    for (let x = 0; x < width; x++) {
      const cell = row + Math.floor((x * columns) / width);
      means[cell] = (means[cell] as number) + (pixels[y * width + x] as number);
      counts[cell] = (counts[cell] as number) + 1;
    }
  }
  return means.map((sum, cell) => sum / Math.max(1, counts[cell] as number));
}
