/** The optimisers' loops against the same formulas in plain JavaScript, and the sums over many weights. */
import { describe, expect, it } from 'vitest';
import { newRandom } from '../../../src/base/random.ts';
import { openWeightStore } from '../../../src/train/onnx/optimiser.ts';
import type { Network, Objective, Optimiser } from '../../../src/train/port.ts';
import { adam, chance, chanceWeights, crossEntropy, evenNetwork, relativeError } from '../small-networks.ts';

/** 12,288 × 64 weights, no convolution. */
const wide: Network = { name: 'wide', side: 64, convolutions: [], units: 64, distance: 'vector' };
const name = 'embedding/kernel';

/** One step on one parameter, as the papers write it, in float64. */
function plainSteps(optimiser: Optimiser, { l1, l2 }: Objective, start: Float32Array, gradients: readonly Float32Array[]): Float32Array {
  const [weights, first, second] = [Float64Array.from(start), new Float64Array(start.length), new Float64Array(start.length)];
  gradients.forEach((gradient, index) => {
    for (let at = 0; at < weights.length; at++) {
      const w = weights[at]!;
      const g = gradient[at]! + l1 * Math.sign(w) + 2 * l2 * w;
      if (optimiser.kind === 'sgd') {
        first[at] = optimiser.momentum * first[at]! + g;
        weights[at] = w - optimiser.rate * first[at]!;
      } else {
        const { beta1, beta2, rate, epsilon } = optimiser;
        first[at] = beta1 * first[at]! + (1 - beta1) * g;
        second[at] = beta2 * second[at]! + (1 - beta2) * g * g;
        const [m, v] = [first[at]! / (1 - beta1 ** (index + 1)), second[at]! / (1 - beta2 ** (index + 1))];
        weights[at] = w - (rate * m) / (Math.sqrt(v) + epsilon);
      }
    }
  });
  return Float32Array.from(weights);
}

describe.each<Optimiser>([adam, { kind: 'sgd', rate: 0.1, momentum: 0.9 }])('$kind', (optimiser) => {
  it.each([0, 1e-2])('steps as its formula says, penalties of %f', (penalty) => {
    const objective = { ...crossEntropy, l1: penalty, l2: penalty };
    const weights = chanceWeights(evenNetwork, 1);
    const store = openWeightStore({ network: evenNetwork, weights, objective, optimiser, rows: 4 });
    const start = weights.get(name)!;
    const gradients = [1, 2, 3].map((seed) => chance(start.length, newRandom(seed)));
    for (const gradient of gradients) store.step(new Map([[name, gradient]]), undefined);
    expect(relativeError(store.read(name), plainSteps(optimiser, objective, start, gradients))).toBeLessThan(1e-6);
    expect(store.read('conv1/kernel')).toEqual(weights.get('conv1/kernel'));
  });

  it('steps by two factors as by their product', () => {
    const options = { network: wide, weights: chanceWeights(wide, 1), objective: crossEntropy, optimiser, rows: 6 };
    const factored = openWeightStore(options);
    const random = newRandom(4);
    const [input, delta] = [chance(6 * 12288, random), chance(6 * 64, random)];
    const product = new Float32Array(12288 * 64);
    for (let row = 0; row < 6; row++)
      for (let i = 0; i < 12288; i++) for (let j = 0; j < 64; j++) product[i * 64 + j]! += input[row * 12288 + i]! * delta[row * 64 + j]!;
    factored.step(new Map(), { input, delta, rows: 6 });
    const expected = plainSteps(optimiser, crossEntropy, options.weights.get(name)!, [product]);
    expect(relativeError(factored.read(name), expected)).toBeLessThan(1e-5);
  });
});

it('penalties are summed over many weights without losing digits', () => {
  const weights = new Map(chanceWeights(wide, 1))
    .set(name, new Float32Array(12288 * 64).fill(0.01))
    .set('head/kernel', new Float32Array(64));
  const objective = { ...crossEntropy, l1: 1 };
  const store = openWeightStore({ network: wide, weights, objective, optimiser: adam, rows: 2 });
  const penalty = store.step(new Map(), { input: new Float32Array(2 * 12288), delta: new Float32Array(2 * 64), rows: 2 });
  expect(penalty / (12288 * 64 * 0.01)).toBeCloseTo(1, 5);
});
