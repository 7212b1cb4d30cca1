/**
 * Notices frames that come back: grey pictures with a face go in; how many of the latest are the same as earlier ones,
 * at the same distance in time, comes out. They are compared by means over squares on and around the face, so that a
 * light that blinks is no loop. No person moves twice in the same way.
 */
import type { Box } from '../../face/port.ts';
import type { Grey } from './tracks.ts';

export interface LoopWatch {
  /**
   * Frames of the last seconds that came back. Undefined: nothing to compare with yet. `box`: of the face, in pixels of
   * the grey picture; the first one counts.
   */
  look(grey: Grey, box: Box, atMs: number): number | undefined;
}

interface Seen {
  readonly atMs: number;
  readonly means: Float32Array;
  /** How far back the frame is that it repeats, milliseconds. */
  readonly lagMs: number | undefined;
}

const side = 16;
/** The face's box, this much enlarged, is compared. */
const enlarged = 1.3;
/** Two pictures of a sensor that show the same differ by more than this on average, levels. */
const mostDifference = 0.1;
/** The pictures before and after the one that is repeated differ by so many times more. */
const sharpness = 3;
const leastLagMs = 500;
const keptMs = 30_000;
const mostKept = 400;
const recentMs = 2500;
/** The same distance in time, within two frames of a camera. */
const sameLagMs = 70;

export function loopWatch(): LoopWatch {
  let seen: Seen[] = [];
  let part: Box | undefined;
  return {
    look: (grey, box, atMs) => {
      part ??= partOf(box, grey);
      const means = meansOf(grey, part);
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
    const difference = differenceOf(each.means, means);
    if (difference > mostDifference) continue;
    const neighbours = [seen[i - 1] as Seen, seen[i + 1] as Seen];
    const least = sharpness * Math.max(mostDifference, difference);
    if (neighbours.every((neighbour) => differenceOf(neighbour.means, means) >= least)) return atMs - each.atMs;
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

function partOf({ x1, y1, x2, y2 }: Box, { width, height }: Grey): Box {
  const [cx, cy] = [(x1 + x2) / 2, (y1 + y2) / 2];
  const [w, h] = [(enlarged * (x2 - x1)) / 2, (enlarged * (y2 - y1)) / 2];
  const within = (at: number, length: number) => Math.min(length, Math.max(0, Math.round(at)));
  return { x1: within(cx - w, width), y1: within(cy - h, height), x2: within(cx + w, width), y2: within(cy + h, height) };
}

/** Without the mean brightness of all. */
function meansOf({ width, pixels }: Grey, { x1, y1, x2, y2 }: Box): Float32Array {
  const means = new Float32Array(side * side);
  const counts = new Float32Array(side * side);
  for (let y = y1; y < y2; y++) {
    const row = Math.floor(((y - y1) * side) / (y2 - y1)) * side;
    for (let x = x1; x < x2; x++) {
      const cell = row + Math.floor(((x - x1) * side) / (x2 - x1));
      means[cell] = (means[cell] as number) + (pixels[y * width + x] as number);
      counts[cell] = (counts[cell] as number) + 1;
    }
  }
  let mean = 0;
  for (let i = 0; i < means.length; i++) {
    means[i] = (means[i] as number) / Math.max(1, counts[i] as number);
    mean += (means[i] as number) / means.length;
  }
  return means.map((value) => value - mean);
}
