/**
 * The fitness of a face for a network without an output for it: a small perceptron on the embedding as the network
 * gives it, before it is normalised. Its numbers are in the manifest (`facelatch models calibrate` fits them).
 */

/** One dense layer; `weights` holds a row of inputs for each output. */
export interface DenseLayer {
  readonly weights: Float32Array;
  readonly bias: Float32Array;
}

/** ReLU between the layers, the logistic function after the last one, which has one output. */
export type FitnessHead = readonly DenseLayer[];

/** 0…1. `values`: one embedding, not normalised. */
export function fitnessOf(head: FitnessHead, values: Float32Array): number {
  let now = values;
  for (const [place, { weights, bias }] of head.entries()) {
    const isLast = place === head.length - 1;
    const next = new Float32Array(bias.length);
    for (let out = 0, at = 0; out < bias.length; out++) {
      let sum = bias[out] as number;
      for (let i = 0; i < now.length; i++, at++) sum += (weights[at] as number) * (now[i] as number);
      next[out] = isLast || sum > 0 ? sum : 0;
    }
    now = next;
  }
  return 1 / (1 + Math.exp(-(now[0] as number)));
}
