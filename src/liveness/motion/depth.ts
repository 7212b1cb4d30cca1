/**
 * How deep a head is: places on a face that moved go in, how much of their movement only the depth of a head explains
 * comes out. A plane moves by a homography, whatever it does; on a head that turns, the nose goes further than the
 * cheeks. Pure.
 */
import type { Landmarks } from '../../face/port.ts';
import { add, type FittedPlane, type Moved, missOf, solve } from './plane.ts';

export interface Parallax {
  /** Movement of what is nearer to the camera by the distance between the eyes, against the plane, pixels. */
  readonly px: number;
  /** The same in units of its expected error. */
  readonly sigmas: number;
}

/** A place on the face in distances between the eyes from the middle of them: along the eyes, and down. */
export type PlaceOnFace = (x: number, y: number) => { readonly u: number; readonly v: number };

export function faceFrame([right, left, , mouthRight, mouthLeft]: Landmarks): PlaceOnFace {
  const x = (right.x + left.x) / 2;
  const y = (right.y + left.y) / 2;
  // A face turned to the side has its eyes nearer to each other, and not its mouth nearer to the eyes.
  const down = Math.hypot((mouthRight.x + mouthLeft.x) / 2 - x, (mouthRight.y + mouthLeft.y) / 2 - y) / 1.1;
  const unit = Math.max(Math.hypot(left.x - right.x, left.y - right.y), down, 1);
  const angle = Math.atan2(left.y - right.y, left.x - right.x);
  const [c, s] = [Math.cos(angle) / unit, Math.sin(angle) / unit];
  return (px, py) => ({ u: c * (px - x) + s * (py - y), v: -s * (px - x) + c * (py - y) });
}

/** How near to the camera a place on a head is, in distances between the eyes: an ellipsoid and a nose. */
function depthAt(u: number, v: number): number {
  const inside = 1 - (u / 1.3) ** 2 - ((v - 0.5) / 2) ** 2;
  return 1.3 * Math.sqrt(Math.max(0, inside)) + 0.4 * Math.exp(-((u / 0.25) ** 2) - ((v - 0.65) / 0.35) ** 2);
}

/**
 * Eight unknowns of a small homography, and the share of the depth across and down; the last one, away from the middle,
 * is that of a head that comes nearer.
 */
const sideways = 10;
const anyWay = 11;
/** The movement of skin that is neither: pixels. */
const skinPx = 0.05;
/** Beyond this a point says less, pixels. */
const strayPx = 0.5;

/**
 * `plane`: the homography of the same points. `ways`: in which the head may have moved. Undefined: the points do not
 * tell.
 */
export function parallaxOf(
  points: readonly Moved[],
  plane: FittedPlane,
  place: PlaceOnFace,
  ways: 'sideways' | 'any' = 'any',
): Parallax | undefined {
  const unknowns = ways === 'any' ? anyWay : sideways;
  const sums = new Float64Array(unknowns * (unknowns + 1));
  const rows = points.map((point) => {
    const { u, v } = place(point.x, point.y);
    const miss = missOf(plane, point);
    const weight = 1 / (skinPx ** 2 + point.errorPx ** 2) / (1 + (miss.x ** 2 + miss.y ** 2) / strayPx ** 2);
    const x = (point.x - plane.x) / plane.unit;
    const y = (point.y - plane.y) / plane.unit;
    const depth = depthAt(u, v);
    return {
      weight,
      across: Float64Array.of(x, y, 1, 0, 0, 0, x * x, x * y, depth, 0, ...(ways === 'any' ? [depth * x] : []), miss.x),
      down: Float64Array.of(0, 0, 0, x, y, 1, x * y, y * y, 0, depth, ...(ways === 'any' ? [depth * y] : []), miss.y),
    };
  });
  for (const { across, down, weight } of rows) {
    add(sums, across, weight);
    add(sums, down, weight);
  }
  const solution = solve(sums, unknowns);
  if (!solution) return undefined;
  const left = (row: Float64Array) => solution.reduce((rest, value, i) => rest - value * (row[i] as number), row[unknowns] as number);
  const square = rows.reduce((sum, { across, down, weight }) => sum + weight * (left(across) ** 2 + left(down) ** 2), 0);
  const noise = Math.max(1, square / Math.max(1, 2 * rows.length - unknowns));
  const shares = Array.from(solution.subarray(8), (px, i) => ({ px, variance: varianceOf(sums, unknowns, 8 + i) }));
  const sigmas = Math.sqrt(shares.reduce((sum, { px, variance }) => sum + px ** 2 / variance, 0) / noise);
  return { px: Math.hypot(...shares.map(({ px }) => px)), sigmas };
}

/** Of one unknown, for noise of variance 1: its place on the diagonal of the inverse. */
function varianceOf(sums: Float64Array, unknowns: number, which: number): number {
  const column = sums.slice();
  for (let i = 0; i < unknowns; i++) column[i * (unknowns + 1) + unknowns] = i === which ? 1 : 0;
  return solve(column, unknowns)?.[which] ?? Number.POSITIVE_INFINITY;
}
