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

/** Vectors of one size, one after the other: comparing with all of them is several times faster. */
export interface Rows {
  readonly vectors: readonly Embedding[];
  readonly numbers: Float32Array;
  readonly size: number;
}

export function rowsOf(vectors: readonly Embedding[]): Rows {
  const size = vectors[0]?.length ?? 0;
  const numbers = new Float32Array(vectors.length * size);
  for (const [row, vector] of vectors.entries()) numbers.set(vector, row * size);
  return { vectors, numbers, size };
}

/** Writes what it makes of a probe and each of the rows `from` up to `until` to `out[at]` and those after it. */
export type ScoreRows = (probe: Embedding, rows: Rows, from: number, until: number, out: Float64Array, at: number) => void;

/** One row at a time. */
export const scoresOf =
  (score: (probe: Embedding, vector: Embedding) => number): ScoreRows =>
  (probe, { vectors }, from, until, out, at) => {
    for (let row = from; row < until; row++) out[at + row - from] = score(probe, vectors[row] as Embedding);
  };

/** The numbers that `cosine` gives. Four rows at a time, because a sum waits for itself. */
export const cosinesWith: ScoreRows = (probe, { vectors, numbers, size }, from, until, out, at) => {
  let row = from;
  let place = at;
  for (; row + 4 <= until; row += 4, place += 4) {
    const a = row * size;
    const [b, c, d] = [a + size, a + 2 * size, a + 3 * size];
    let [sumA, sumB, sumC, sumD] = [0, 0, 0, 0];
    for (let i = 0; i < size; i++) {
      const own = probe[i] as number;
      sumA += own * (numbers[a + i] as number);
      sumB += own * (numbers[b + i] as number);
      sumC += own * (numbers[c + i] as number);
      sumD += own * (numbers[d + i] as number);
    }
    out[place] = sumA;
    out[place + 1] = sumB;
    out[place + 2] = sumC;
    out[place + 3] = sumD;
  }
  for (; row < until; row++, place++) out[place] = cosine(probe, vectors[row] as Embedding);
};
