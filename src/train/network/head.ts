/** The Siamese head outside the training graph. In: two embeddings. Out: the logit of "the same person". */

import type { Network, Weights } from '../port.ts';
import { headInputs } from './network.ts';

/** bias + Σ kernel·|first − second|; under the summed distance, one weight times the sum. */
export function headLogit(network: Network, weights: Weights, first: Float32Array, second: Float32Array): number {
  const kernel = weights.get('head/kernel') ?? new Float32Array(headInputs(network));
  let sum = weights.get('head/bias')?.[0] ?? 0;
  for (let index = 0; index < first.length; index++)
    sum += Math.abs((first[index] as number) - (second[index] as number)) * (kernel[network.distance === 'vector' ? index : 0] as number);
  return sum;
}

/**
 * The head over vectors of `unitModel`, in the form of a manifest: logit = bias − Σ weights[i]·|a[i] − b[i]|. It is
 * the logit that `headLogit` gives for the embeddings themselves. units + 1 weights.
 */
export function unitHead({ units, distance }: Network, weights: Weights): { readonly weights: readonly number[]; readonly bias: number } {
  const kernel = weights.get('head/kernel') ?? new Float32Array(units);
  const scale = -Math.sqrt(units);
  const each = Array.from({ length: units }, (_, index) => scale * (kernel[distance === 'vector' ? index : 0] as number));
  return {
    weights: [...each, 0].map((value) => Number(value.toPrecision(9))),
    bias: Number((weights.get('head/bias')?.[0] ?? 0).toPrecision(9)),
  };
}
