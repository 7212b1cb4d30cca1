/** Embeddings go in; what they have in common, and how alike they are, comes out. */
import type { Embedding } from '../face/port.ts';

/** z = normalise(matrix·e + offset): the first step of an adapter. */
export interface Projection {
  readonly matrix: Float32Array;
  readonly offset: Float32Array;
}

export type People = readonly (readonly Embedding[])[];

/** The identity. */
export function unchanged(size: number): Projection {
  const matrix = new Float32Array(size * size);
  for (let i = 0; i < size; i++) matrix[i * (size + 1)] = 1;
  return { matrix, offset: new Float32Array(size) };
}

/** The mean of vectors. */
function meanOf(vectors: readonly Float32Array[], size: number): Float64Array {
  const mean = new Float64Array(size);
  for (const vector of vectors) for (let i = 0; i < size; i++) mean[i] = (mean[i] as number) + (vector[i] as number) / vectors.length;
  return mean;
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
