/**
 * Where a face of the first camera is in the infrared picture. In: landmarks of the same face in both. Out: a mapping,
 * fitted by least squares, and how far a face is from where it should be.
 *
 * Two cameras side by side see the same scene turned, scaled and shifted, and the shift grows as the face comes closer.
 * The distance between the eyes stands for closeness: (u, v) = [a −b; b a]·(x, y) + t + k·e.
 */
import { Matrix, solve } from 'ml-matrix';
import type { Box, Landmarks } from '../../face/port.ts';

/** The mapping: a, b, both coordinates of t, both of k. */
export type Registration = readonly [a: number, b: number, tx: number, ty: number, kx: number, ky: number];

/** The same face in both pictures, pixels of each. */
export interface SeenTwice {
  readonly first: Landmarks;
  readonly infrared: Landmarks;
}

/** Faces that a mapping needs. */
export const leastFaces = 8;
/** Holds what the faces do not tell (all at one distance) to small numbers; next to pixels it is nothing. */
const ridge = 1e-3;

const eyesApart = ([right, left]: Landmarks) => Math.hypot(right.x - left.x, right.y - left.y);

/** Undefined for fewer than `leastFaces`. */
export function registered(faces: readonly SeenTwice[]): Registration | undefined {
  if (faces.length < leastFaces) return undefined;
  const rows: number[][] = [];
  const targets: number[][] = [];
  for (const { first, infrared } of faces) {
    const e = eyesApart(first);
    first.forEach(({ x, y }, point) => {
      const to = infrared[point] ?? { x: 0, y: 0 };
      rows.push([x, -y, 1, 0, e, 0], [y, x, 0, 1, 0, e]);
      targets.push([to.x], [to.y]);
    });
  }
  const design = new Matrix(rows);
  const normal = design.transpose().mmul(design).add(Matrix.eye(6).mul(ridge));
  const fitted = solve(normal, design.transpose().mmul(new Matrix(targets))).to1DArray();
  const [a, b, tx, ty, kx, ky] = fitted;
  return [a ?? 0, b ?? 0, tx ?? 0, ty ?? 0, kx ?? 0, ky ?? 0];
}

/** Where a box around a face with these landmarks is in the infrared picture. */
export function boxThere([a, b, tx, ty, kx, ky]: Registration, { x1, y1, x2, y2 }: Box, first: Landmarks): Box {
  const e = eyesApart(first);
  const corners = [
    [x1, y1],
    [x2, y1],
    [x1, y2],
    [x2, y2],
  ] as const;
  const xs = corners.map(([x, y]) => a * x - b * y + tx + kx * e);
  const ys = corners.map(([x, y]) => b * x + a * y + ty + ky * e);
  return { x1: Math.min(...xs), y1: Math.min(...ys), x2: Math.max(...xs), y2: Math.max(...ys) };
}

/** How far the infrared face is from where the mapping puts the first one: root mean square, distances between eyes. */
export function apart([a, b, tx, ty, kx, ky]: Registration, { first, infrared }: SeenTwice): number {
  const e = eyesApart(first);
  let sum = 0;
  first.forEach(({ x, y }, point) => {
    const to = infrared[point] ?? { x: 0, y: 0 };
    sum += (a * x - b * y + tx + kx * e - to.x) ** 2 + (b * x + a * y + ty + ky * e - to.y) ** 2;
  });
  return Math.sqrt(sum / first.length) / Math.max(1e-6, eyesApart(infrared));
}
