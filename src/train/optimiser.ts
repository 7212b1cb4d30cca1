/**
 * Weights, running means and the optimiser's step over them, in one memory: gradients go in as arrays (or, for the dense layer's
 * large kernel, as two factors), the weights change in place, under the very arrays that the engine reads them through.
 */
import { toKeras, toOnnx } from './layout.ts';
import { headInputs, isKernel, parametersOf, sizeOf } from './network.ts';
import { type Kernels, openKernels } from './optimiser-kernels.ts';
import type { EngineState, Network, Objective, Optimiser, Parameter, Weights } from './port.ts';

/** The dense kernel's gradient is inputᵀ·delta: `rows` × in, and `rows` × units. */
export interface Factors {
  readonly input: Float32Array;
  readonly delta: Float32Array;
  readonly rows: number;
}

export interface Store {
  /** The live weights by name, in the layout of ONNX. */
  readonly live: Weights;
  /** One step with these gradients (in the layout of ONNX; parameters without one stay). Returns the penalty before it. */
  step(gradients: ReadonlyMap<string, Float32Array>, factors: Factors | undefined): number;
  /** A copy of one parameter, in the layout of Keras. */
  read(name: string): Float32Array;
  state(): EngineState;
  restore(state: EngineState): void;
  optimise(optimiser: Optimiser): void;
}

interface Place {
  readonly parameter: Parameter;
  /** Byte offsets of weights and running means; `bytes` rounded up to whole vectors. */
  readonly weights: number;
  readonly first: number;
  readonly second: number;
  readonly bytes: number;
}

export interface StoreOptions {
  readonly network: Network;
  readonly weights: Weights;
  readonly objective: Objective;
  readonly optimiser: Optimiser;
  /** Rows of the factors at most. */
  readonly rows: number;
}

const vector = 16; // bytes
const panel = 16; // columns
const whole = (bytes: number) => Math.ceil(bytes / vector) * vector;

/** Whether the factors' product can be taken two rows and 16 columns at a time. */
export const takesFactors = (inputs: number, units: number) => inputs % 2 === 0 && units % panel === 0;

/** A memory for the network's weights and means, filled with `weights`. */
export function openStore({ network, weights, objective, optimiser: initial, rows }: StoreOptions): Store {
  const parameters = parametersOf(network);
  const sizes = parameters.map(({ dims }) => whole(4 * sizeOf(dims)));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const [inputs, units] = (parameters.at(-4) as Parameter).dims as [number, number];
  const factored = takesFactors(inputs, units);
  const largest = Math.max(...sizes.map((size, index) => (factored && index === sizes.length - 4 ? 8 * units : size)));
  const scratch = { gradient: 3 * total, input: 3 * total + largest, delta: 0, sums: 0 };
  scratch.delta = scratch.input + whole(4 * rows * inputs);
  scratch.sums = scratch.delta + whole(4 * rows * units);
  const kernels = openKernels(scratch.sums + 2 * vector);
  const view = (offset: number, length: number) => new Float32Array(kernels.memory, offset, length);
  const offsets = sizes.map((_, index) => sizes.slice(0, index).reduce((sum, size) => sum + size, 0));
  const places = parameters.map((parameter, index): Place => {
    const [weightsAt, bytes] = [offsets[index] ?? 0, sizes[index] ?? 0];
    return { parameter, weights: weightsAt, first: total + weightsAt, second: 2 * total + weightsAt, bytes };
  });
  const live = new Map(places.map(({ parameter, weights: at }) => [parameter.name, view(at, sizeOf(parameter.dims))]));
  for (const { parameter } of places) {
    const given = weights.get(parameter.name);
    if (given) toOnnx(parameter, given, live.get(parameter.name) as Float32Array);
  }
  let [steps, optimiser] = [0, initial];

  /** The optimiser (and the penalties) on `bytes` bytes of a parameter from its byte `at` on; the gradient lies in the scratch. */
  const update = (place: Place, at: number, bytes: number) => {
    if ((objective.l1 > 0 || objective.l2 > 0) && isKernel(place.parameter.name))
      kernels.penalise(place.weights + at, scratch.gradient, bytes, objective.l1, objective.l2, scratch.sums);
    applyStep(kernels, optimiser, steps, place, at, scratch.gradient, bytes);
  };

  return {
    live,
    step: (gradients, factors) => {
      steps += 1;
      view(scratch.sums, 8).fill(0);
      for (const place of places) {
        const gradient = gradients.get(place.parameter.name);
        if (gradient) {
          view(scratch.gradient, place.bytes / 4).fill(0, gradient.length);
          view(scratch.gradient, gradient.length).set(gradient);
          update(place, 0, place.bytes);
        } else if (factors && place.parameter.name === 'embedding/kernel') {
          transpose(factors.input, factors.rows, inputs, view(scratch.input, factors.rows * inputs));
          intoPanels(factors.delta, factors.rows, units, view(scratch.delta, factors.rows * units));
          for (let row = 0; row < inputs; row += 2) {
            kernels.twoRows(scratch.input + 4 * row * factors.rows, scratch.delta, factors.rows, units / panel, scratch.gradient);
            update(place, 4 * row * units, 8 * units);
          }
        }
      }
      const sums = view(scratch.sums, 8);
      const sum = (from: number) => sums.subarray(from, from + 4).reduce((all, part) => all + part, 0);
      return objective.l1 * sum(0) + objective.l2 * sum(4);
    },
    read: (name) => {
      const place = places.find(({ parameter }) => parameter.name === name);
      return place ? toKeras(place.parameter, live.get(name) as Float32Array) : new Float32Array(0);
    },
    state: () => {
      const copy = (at: (place: Place) => number) =>
        new Map(places.map((place) => [place.parameter.name, toKeras(place.parameter, view(at(place), sizeOf(place.parameter.dims)))]));
      return { step: steps, weights: copy((p) => p.weights), first: copy((p) => p.first), second: copy((p) => p.second) };
    },
    restore: (state) => {
      steps = state.step;
      for (const place of places) {
        const into = (at: number, from: Weights) => {
          const numbers = from.get(place.parameter.name);
          if (numbers) toOnnx(place.parameter, numbers, view(at, numbers.length));
        };
        into(place.weights, state.weights);
        into(place.first, state.first);
        into(place.second, state.second);
      }
    },
    optimise: (next) => {
      optimiser = next;
    },
  };
}

function applyStep(kernels: Kernels, optimiser: Optimiser, step: number, place: Place, at: number, gradient: number, bytes: number): void {
  if (optimiser.kind === 'sgd') {
    kernels.momentum(place.weights + at, gradient, place.first + at, bytes, optimiser.rate, optimiser.momentum);
    return;
  }
  const { rate, beta1, beta2, epsilon } = optimiser;
  // Bias correction folded into rate and epsilon (Kingma, Ba 2015, end of section 2), so that the loop has neither power nor division more.
  const spread = Math.sqrt(1 - beta2 ** step);
  const corrected = (rate * spread) / (1 - beta1 ** step);
  kernels.adam(place.weights + at, gradient, place.first + at, place.second + at, bytes, corrected, epsilon * spread, beta1, beta2);
}

/** rows × columns to columns × rows. */
function transpose(from: Float32Array, rows: number, columns: number, to: Float32Array): void {
  for (let row = 0; row < rows; row++)
    for (let column = 0, at = row * columns, out = row; column < columns; column++, at++, out += rows) to[out] = from[at] as number;
}

/** rows × columns to columns / 16 panels of rows × 16: what the kernel reads lies together, in few cache lines. */
function intoPanels(from: Float32Array, rows: number, columns: number, to: Float32Array): void {
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column += panel)
      to.set(from.subarray(row * columns + column, row * columns + column + panel), (column / panel) * rows * panel + row * panel);
}

/** The logit that the head gives two embeddings. */
export function headLogit(network: Network, weights: Weights, first: Float32Array, second: Float32Array): number {
  const kernel = weights.get('head/kernel') ?? new Float32Array(headInputs(network));
  let sum = weights.get('head/bias')?.[0] ?? 0;
  for (let index = 0; index < first.length; index++)
    sum += Math.abs((first[index] as number) - (second[index] as number)) * (kernel[network.distance === 'vector' ? index : 0] as number);
  return sum;
}
