/**
 * What makes pictures of one person differ, learned: groups of embeddings in; a projection out under which that matters less (within-class
 * covariance normalisation: A. Hatch, S. Kajarekar, A. Stolcke, Interspeech 2006), with strong shrinkage towards leaving all as it is.
 */
import type { Embedding } from '../face/port.ts';
import { meanOf, mixed, scatterWithin, whitening } from './matrix.ts';

/** z = normalise(matrix·e + offset). */
export interface Projection {
  readonly matrix: Float32Array;
  readonly offset: Float32Array;
}

export type People = readonly (readonly Embedding[])[];

/** The door's share in the scatter, the rest is the cohort's; and the share of all directions alike. Chosen on people of neither door nor bench: see README. */
export const doorShare = 0.3;
export const shrinkage = 0.6;

export function learnProjection(cohort: People, door: People, size: number): Projection | undefined {
  const [theirs, ours] = [scatterWithin(cohort, size), scatterWithin(door, size)];
  if (!theirs && !ours) return undefined;
  const share = !ours ? 0 : !theirs ? 1 : doorShare;
  const alike = new Float64Array(size * size);
  for (let i = 0; i < size; i++) alike[i * (size + 1)] = 1;
  const parts: [number, Float64Array][] = [[shrinkage, alike]];
  if (theirs) parts.push([(1 - shrinkage) * (1 - share), theirs]);
  if (ours) parts.push([(1 - shrinkage) * share, ours]);
  const matrix = whitening(mixed(parts, size), size);
  if (!matrix) return undefined;
  // Nothing is taken off: the cohort's mean is not that of the strangers of another place (tried: worse on them).
  const offset = new Float32Array(size);
  return { matrix: Float32Array.from(matrix), offset };
}

/** Leaves every embedding as it is. */
export function unchanged(size: number): Projection {
  const matrix = new Float32Array(size * size);
  for (let i = 0; i < size; i++) matrix[i * (size + 1)] = 1;
  return { matrix, offset: new Float32Array(size) };
}

export function project({ matrix, offset }: Projection, embedding: Embedding): Embedding {
  const size = offset.length;
  const z = new Float32Array(size);
  for (let row = 0, at = 0; row < size; row++) {
    let sum = offset[row] as number;
    for (let i = 0; i < size; i++) sum += (matrix[at++] as number) * (embedding[i] as number);
    z[row] = sum;
  }
  return toUnit(z);
}

/** The direction in which `groups` lie together: each group's mean counts once. */
export function centreOf(groups: People): Embedding {
  const size = groups.find((group) => group.length > 0)?.[0]?.length ?? 0;
  const sum = new Float32Array(size);
  for (const group of groups) {
    if (group.length === 0) continue;
    const mean = meanOf(group, size);
    for (let i = 0; i < size; i++) sum[i] = (sum[i] as number) + (mean[i] as number);
  }
  return toUnit(sum);
}

/** Which share of the strangers is nearest, and how far to go from them. Chosen on people of neither door nor bench. */
const [nearestShare, push] = [0.03, 0.5];

/**
 * Moves a person's centre away from the strangers that lie nearest to it: what it shares with them tells nobody apart (the adaptive
 * normalisation of scores by a cohort, Z. Karam et al., Interspeech 2011, laid into the template itself).
 */
export function awayFromStrangers(centre: Embedding, strangers: readonly Embedding[]): Embedding {
  const count = Math.round(nearestShare * strangers.length);
  if (count === 0) return centre;
  const cosines = Float64Array.from(strangers, (stranger) => cosine(stranger, centre));
  const limit = cosines.toSorted()[cosines.length - count] as number;
  const mean = meanOf(
    strangers.filter((_, index) => (cosines[index] as number) >= limit),
    centre.length,
  );
  return toUnit(centre.map((value, i) => value - push * (mean[i] as number)));
}

export function toUnit(vector: Float32Array): Embedding {
  let square = 0;
  for (const v of vector) square += v * v;
  const length = Math.sqrt(square) || 1;
  for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] as number) / length;
  return vector;
}

export function cosine(a: Embedding, b: Embedding): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}
