/**
 * Groups of embeddings, one for each person, go in; a projection under which embeddings of one person differ less comes
 * out: within-class covariance normalisation (A. Hatch, S. Kajarekar, A. Stolcke, Interspeech 2006) with strong
 * shrinkage towards the identity.
 */
import type { Embedding } from '../face/port.ts';
import { meanOf, mixed, scatterWithin, whitening } from './matrix.ts';

/** z = normalise(matrix·e + offset). */
export interface Projection {
  readonly matrix: Float32Array;
  readonly offset: Float32Array;
}

export type People = readonly (readonly Embedding[])[];

/**
 * The door's share of the scatter (the rest is the cohort's), and the share of the identity. How they were chosen:
 * docs/research/log.md.
 */
const doorShare = 0.3;
const shrinkage = 0.6;

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
  // No mean is subtracted: the cohort's mean is not that of strangers elsewhere (docs/research/log.md).
  const offset = new Float32Array(size);
  return { matrix: Float32Array.from(matrix), offset };
}

/** The identity. */
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

/** The direction of the sum of the groups' means. */
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

/** The share of strangers that count as nearest, and how far to move away from them: docs/research/log.md. */
const [nearestShare, push] = [0.03, 0.5];

/**
 * Moves a person's centre away from the strangers nearest to it: what it has in common with them identifies nobody.
 * This is the adaptive score normalisation of Z. Karam et al. (Interspeech 2011), built into the template.
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

/** Changes `vector` itself. */
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
