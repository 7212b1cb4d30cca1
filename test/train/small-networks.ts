/** Networks small enough for tests, and batches of chance for them. */

import { newRandom, normal, type Random } from '../../src/base/random.ts';
import { initialWeights, networkParameters } from '../../src/train/network/network.ts';
import type { Batch, Network, Objective, Optimiser, Weights } from '../../src/train/port.ts';

const pool = { size: 2, stride: 2 };

/** Channels, batch and width fit every blocked layout and the factored dense gradient. */
export const evenNetwork: Network = {
  name: 'even',
  side: 14,
  convolutions: [
    { filters: 16, size: 4, pool },
    { filters: 32, size: 3, pool },
    { filters: 16, size: 2 },
  ],
  units: 32,
  distance: 'vector',
};

/** Nothing fits: every plain path is taken. Its odd sides leave a pixel of padding in the pool. */
export const oddNetwork: Network = {
  name: 'odd',
  side: 13,
  convolutions: [
    { filters: 5, size: 3, pool },
    { filters: 7, size: 2 },
  ],
  units: 9,
  distance: 'sum',
};

/** Pools with windows that overlap, as the tutorial's. */
export const overlappingNetwork: Network = {
  ...oddNetwork,
  name: 'overlapping',
  distance: 'vector',
  convolutions: [
    { filters: 5, size: 3, pool: { size: 6, stride: 2 } },
    { filters: 7, size: 2 },
  ],
};

export const crossEntropy: Objective = { loss: 'bce', margin: 1, l1: 0, l2: 0 };
export const adam: Optimiser = { kind: 'adam', rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 };

export function chanceBatch(network: Network, pairs: number, seed: number): Batch {
  const random = newRandom(seed);
  return {
    pairs,
    pictures: Float32Array.from({ length: 2 * pairs * network.side * network.side * 3 }, random),
    labels: Float32Array.from({ length: pairs }, (_, index) => index % 2),
  };
}

/** Weights with biases that are not zero, so that no layer starts symmetric. */
export function chanceWeights(network: Network, seed: number): Weights {
  const random = newRandom(seed);
  const weights = initialWeights(network, seed);
  for (const { name } of networkParameters(network))
    if (name.endsWith('/bias')) weights.get(name)?.set(Array.from(weights.get(name)!, () => 0.1 * normal(random)));
  return weights;
}

export const chance = (length: number, random: Random) => Float32Array.from({ length }, () => 2 * random() - 1);

/** Length of the difference over the length of the second. */
export function relativeError(found: Float32Array, expected: Float32Array): number {
  let [difference, size] = [0, 0];
  expected.forEach((value, index) => {
    difference += ((found[index] ?? Number.NaN) - value) ** 2;
    size += value ** 2;
  });
  return Math.sqrt(difference) / Math.max(Math.sqrt(size), 1e-12);
}
