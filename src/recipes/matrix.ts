/**
 * Groups of embeddings go in; their scatter, and the matrix that whitens it, come out. Square matrices are stored row
 * by row.
 */
import { CholeskyDecomposition, inverse, Matrix } from 'ml-matrix';

/** The mean of vectors. */
export function meanOf(vectors: readonly Float32Array[], size: number): Float64Array {
  const mean = new Float64Array(size);
  for (const vector of vectors) for (let i = 0; i < size; i++) mean[i] = (mean[i] as number) + (vector[i] as number) / vectors.length;
  return mean;
}

/**
 * Scatter within groups: the mean of (x − m)(x − m)ᵀ over all vectors of groups of two or more, m their group's mean,
 * with the unbiased weight n / (n − 1). Undefined if there is no such group.
 */
export function scatterWithin(groups: readonly (readonly Float32Array[])[], size: number): Float64Array | undefined {
  const sum = new Float64Array(size * size);
  let count = 0;
  const centred = new Float64Array(size);
  for (const group of groups) {
    if (group.length < 2) continue;
    const mean = meanOf(group, size);
    const weight = Math.sqrt(group.length / (group.length - 1));
    for (const vector of group) {
      for (let i = 0; i < size; i++) centred[i] = weight * ((vector[i] as number) - (mean[i] as number));
      for (let i = 0; i < size; i++) {
        const own = centred[i] as number;
        for (let j = 0, at = i * size; j <= i; j++, at++) sum[at] = (sum[at] as number) + own * (centred[j] as number);
      }
    }
    count += group.length;
  }
  if (count === 0) return undefined;
  for (let i = 0; i < size; i++)
    for (let j = 0; j <= i; j++) {
      sum[i * size + j] = (sum[i * size + j] as number) / count;
      sum[j * size + i] = sum[i * size + j] as number;
    }
  return sum;
}

/**
 * Σ share · matrix / (its mean variance): the scale of a matrix does not matter. The mean variance is 1 if the shares
 * sum to 1.
 */
export function mixed(parts: readonly (readonly [share: number, matrix: Float64Array])[], size: number): Float64Array {
  const out = new Float64Array(size * size);
  for (const [share, matrix] of parts) {
    const scale = share / variance(matrix, size);
    for (let at = 0; at < out.length; at++) out[at] = (out[at] as number) + scale * (matrix[at] as number);
  }
  return out;
}

/** The mean of the diagonal. */
function variance(matrix: Float64Array, size: number): number {
  let sum = 0;
  for (let i = 0; i < size; i++) sum += matrix[i * (size + 1)] as number;
  return sum / size;
}

/**
 * L⁻¹ for the symmetric, positive definite S = L·Lᵀ: then |L⁻¹x|² = xᵀS⁻¹x. Undefined where S is not positive definite.
 */
export function whitening(matrix: Float64Array, size: number): Float64Array | undefined {
  const cholesky = new CholeskyDecomposition(Matrix.from1DArray(size, size, matrix));
  return cholesky.isPositiveDefinite() ? Float64Array.from(inverse(cholesky.lowerTriangularMatrix).to1DArray()) : undefined;
}
