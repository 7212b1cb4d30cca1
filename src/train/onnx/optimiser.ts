/**
 * Weights, running means and the optimiser's step over them, in one memory. Gradients go in as arrays (or, for the
 * large dense kernel, as two factors). The weights change in place, in the arrays that the engine reads.
 */

import { isKernel, networkParameters, sizeOf } from '../network/network.ts';
import type { EngineState, Network, Objective, Optimiser, Parameter, Weights } from '../port.ts';
import { toKeras, toOnnx } from './layout.ts';
import { type Kernels, openKernels } from './optimiser-kernels.ts';

/** The gradient of the dense kernel is inputᵀ·delta: `rows` × in, and `rows` × units. */
export interface Factors {
  readonly input: Float32Array;
  readonly delta: Float32Array;
  readonly rows: number;
}

export interface WeightStore {
  /** The live weights by name, in the layout of ONNX. */
  readonly live: Weights;
  /**
   * One step with these gradients (in the layout of ONNX; parameters without one stay). Returns the penalty before
   * it.
   */
  step(gradients: ReadonlyMap<string, Float32Array>, factors: Factors | undefined): number;
  /** A copy of one parameter, in the layout of Keras. */
  read(name: string): Float32Array;
  state(): EngineState;
  restore(state: EngineState): void;
}

interface Place {
  readonly parameter: Parameter;
  /** Byte offsets of weights and running means; `bytes` is rounded up to whole vectors. */
  readonly weights: number;
  readonly first: number;
  readonly second: number;
  readonly bytes: number;
}

export interface WeightStoreOptions {
  readonly network: Network;
  readonly weights: Weights;
  readonly objective: Objective;
  readonly optimiser: Optimiser;
  /** The most rows of the factors. */
  readonly rows: number;
}

const vector = 16; // bytes
const panel = 16; // columns
const denseKernel = 'embedding/kernel';
const whole = (bytes: number) => Math.ceil(bytes / vector) * vector;

/** Whether the product of the factors can be computed two rows and 16 columns at a time. */
export const takesFactors = (inputs: number, units: number) => inputs % 2 === 0 && units % panel === 0;

/** Byte offsets of everything in the one memory. */
interface Plan {
  readonly places: readonly Place[];
  readonly inputs: number;
  readonly units: number;
  /** What one step needs: the current gradient, the two factors, the partial sums of the penalty. */
  readonly scratch: { readonly gradient: number; readonly input: number; readonly delta: number; readonly sums: number };
  readonly bytes: number;
}

/** Weights, then their first means, then their second means, then the scratch. */
function plan(network: Network, rows: number): Plan {
  const parameters = networkParameters(network);
  const sizes = parameters.map(({ dims }) => whole(4 * sizeOf(dims)));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const dense = parameters.findIndex(({ name }) => name === denseKernel);
  const [inputs = 1, units = 1] = parameters[dense]?.dims ?? [];
  // Where it is computed from its factors, only two rows of the dense kernel's gradient exist at a time.
  const gradients = sizes.map((size, index) => (index === dense && takesFactors(inputs, units) ? 8 * units : size));
  let next = 0;
  const places = parameters.map((parameter, index): Place => {
    const [weights, bytes] = [next, sizes[index] ?? 0];
    next += bytes;
    return { parameter, weights, first: total + weights, second: 2 * total + weights, bytes };
  });
  const gradient = 3 * total;
  const input = gradient + Math.max(...gradients);
  const delta = input + whole(4 * rows * inputs);
  const sums = delta + whole(4 * rows * units);
  return { places, inputs, units, scratch: { gradient, input, delta, sums }, bytes: sums + 2 * vector };
}

/** A memory for the weights and means of the network, filled with `weights`. */
export function openWeightStore({ network, weights, objective, optimiser, rows }: WeightStoreOptions): WeightStore {
  const { places, inputs, units, scratch, bytes: size } = plan(network, rows);
  const kernels = openKernels(size);
  const view = (offset: number, length: number) => new Float32Array(kernels.memory, offset, length);
  const numbersAt = (place: Place, offset: number) => view(offset, sizeOf(place.parameter.dims));
  const live = new Map(places.map((place) => [place.parameter.name, numbersAt(place, place.weights)]));
  const put = (place: Place, offset: number, from: Weights) => {
    const numbers = from.get(place.parameter.name);
    if (numbers) toOnnx(place.parameter, numbers, numbersAt(place, offset));
  };
  for (const place of places) put(place, place.weights, weights);
  let steps = 0;

  /**
   * Penalty and step on `bytes` bytes of a parameter from its byte `at`, with its gradient in the scratch. Returns
   * the penalty.
   */
  const update = (place: Place, at: number, bytes: number): number => {
    const penalty = isKernel(place.parameter.name) ? penalise(kernels, objective, place.weights + at, scratch, bytes) : 0;
    applyStep(kernels, optimiser, steps, place, at, scratch.gradient, bytes);
    return penalty;
  };
  const updateWhole = (place: Place, gradient: Float32Array): number => {
    const into = view(scratch.gradient, place.bytes / 4);
    into.fill(0, gradient.length);
    into.set(gradient);
    return update(place, 0, place.bytes);
  };
  const updateByFactors = (place: Place, { input, delta, rows: count }: Factors): number => {
    transpose(input, count, inputs, view(scratch.input, count * inputs));
    intoPanels(delta, count, units, view(scratch.delta, count * units));
    let penalty = 0;
    for (let row = 0; row < inputs; row += 2) {
      kernels.twoRows(scratch.input + 4 * row * count, scratch.delta, count, units / panel, scratch.gradient);
      penalty += update(place, 4 * row * units, 8 * units);
    }
    return penalty;
  };

  return {
    live,
    step: (gradients, factors) => {
      steps += 1;
      let penalty = 0;
      for (const place of places) {
        const gradient = gradients.get(place.parameter.name);
        if (gradient) penalty += updateWhole(place, gradient);
        else if (factors && place.parameter.name === denseKernel) penalty += updateByFactors(place, factors);
      }
      return penalty;
    },
    read: (name) => {
      const place = places.find(({ parameter }) => parameter.name === name);
      return place ? toKeras(place.parameter, numbersAt(place, place.weights)) : new Float32Array(0);
    },
    state: () => {
      const copy = (part: 'weights' | 'first' | 'second') =>
        new Map(places.map((place) => [place.parameter.name, toKeras(place.parameter, numbersAt(place, place[part]))]));
      return { step: steps, weights: copy('weights'), first: copy('first'), second: copy('second') };
    },
    restore: (state) => {
      steps = state.step;
      for (const place of places) for (const part of ['weights', 'first', 'second'] as const) put(place, place[part], state[part]);
    },
  };
}

/**
 * Adds the gradient of the penalties to that in the scratch. Sums are taken per call: one float32 sum over all
 * weights would lose half its digits.
 */
function penalise(kernels: Kernels, { l1, l2 }: Objective, weights: number, scratch: Plan['scratch'], bytes: number): number {
  if (l1 === 0 && l2 === 0) return 0;
  const sums = new Float32Array(kernels.memory, scratch.sums, 8).fill(0);
  kernels.penalise(weights, scratch.gradient, bytes, l1, l2, scratch.sums);
  const sum = (from: number) => sums.subarray(from, from + 4).reduce((all, part) => all + part, 0);
  return l1 * sum(0) + l2 * sum(4);
}

function applyStep(kernels: Kernels, optimiser: Optimiser, step: number, place: Place, at: number, gradient: number, bytes: number): void {
  if (optimiser.kind === 'sgd') {
    kernels.momentum(place.weights + at, gradient, place.first + at, bytes, optimiser.rate, optimiser.momentum);
    return;
  }
  const { rate, beta1, beta2, epsilon } = optimiser;
  // Bias correction is folded into rate and epsilon (Kingma, Ba 2015, end of section 2): the loop needs no power and
  // no second division.
  const spread = Math.sqrt(1 - beta2 ** step);
  const corrected = (rate * spread) / (1 - beta1 ** step);
  kernels.adam(place.weights + at, gradient, place.first + at, place.second + at, bytes, corrected, epsilon * spread, beta1, beta2);
}

/** rows × columns to columns × rows. */
function transpose(from: Float32Array, rows: number, columns: number, to: Float32Array): void {
  for (let row = 0; row < rows; row++)
    for (let column = 0, at = row * columns, out = row; column < columns; column++, at++, out += rows) to[out] = from[at] as number;
}

/** rows × columns to columns / 16 panels of rows × 16: what the kernel reads is contiguous, in few cache lines. */
function intoPanels(from: Float32Array, rows: number, columns: number, to: Float32Array): void {
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column += panel)
      to.set(from.subarray(row * columns + column, row * columns + column + panel), (column / panel) * rows * panel + row * panel);
}
