/**
 * A quality head for a network without such an output: embeddings of good and of spoiled faces go in, with how much of
 * the person is left in each; a perceptron that tells that from the embedding alone comes out, as numbers for the
 * manifest. Also: the thresholds from what it says of good pictures of other people.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { newRandom, normal, type Random, shuffled } from '../../base/random.ts';

/** Embeddings as the network gives them, before they are normalised. */
export interface FitnessSample {
  readonly values: Float32Array;
  /** What is left of the person, 0…1. */
  readonly left: number;
}

/** As in the manifest: a row of inputs for each output. */
export interface FittedLayer {
  readonly weights: readonly number[];
  readonly bias: readonly number[];
}

const hidden = 24;
const epochs = 40;
const rate = 1.5e-3;
const decay = 1e-4;
const batch = 32;

/** The mean and the spread of each input: the layer learns from inputs of one size, and they are folded into it. */
interface Scaling {
  readonly mean: Float64Array;
  readonly spread: Float64Array;
}

/** `onEpoch` is told how many of how many are done. */
export async function fitFitness(
  samples: readonly FitnessSample[],
  { signal, onEpoch }: { readonly signal: AbortSignal; readonly onEpoch: (done: number, total: number) => void },
): Promise<readonly FittedLayer[]> {
  const size = samples[0]?.values.length ?? 0;
  const random = newRandom(711);
  const scaling = scalingOf(samples, size);
  const inputs = samples.map(({ values }) => values.map((v, i) => (v - (scaling.mean[i] as number)) / (scaling.spread[i] as number)));
  const net = newNet(size, random);
  const adam = { first: new Float64Array(net.length), second: new Float64Array(net.length), turn: 0 };
  const gradient = new Float64Array(net.length);
  for (let epoch = 0; epoch < epochs; epoch++) {
    await nextTurn();
    signal.throwIfAborted();
    onEpoch(epoch, epochs);
    const order = shuffled([...samples.keys()], random);
    // The last epochs settle: the rate falls to a tenth.
    const pace = rate * (epoch < epochs / 2 ? 1 : 10 ** (1 - (2 * epoch) / epochs));
    for (let at = 0; at < order.length; at += batch) {
      const some = order.slice(at, at + batch);
      gradient.fill(0);
      for (const index of some) addGradient(net, inputs[index] as Float32Array, (samples[index] as FitnessSample).left, gradient);
      step(net, gradient, adam, pace, some.length);
    }
  }
  return layersOf(net, scaling);
}

function scalingOf(samples: readonly FitnessSample[], size: number): Scaling {
  const [mean, spread] = [new Float64Array(size), new Float64Array(size)];
  for (const { values } of samples) for (let i = 0; i < size; i++) mean[i] = (mean[i] as number) + (values[i] as number) / samples.length;
  for (const { values } of samples)
    for (let i = 0; i < size; i++) spread[i] = (spread[i] as number) + ((values[i] as number) - (mean[i] as number)) ** 2 / samples.length;
  return { mean, spread: spread.map((v) => Math.sqrt(v) || 1) };
}

/** All numbers in one row: the hidden weights, their bias, the last weights, their bias. */
function newNet(size: number, random: Random): Float64Array {
  const net = new Float64Array(hidden * size + 2 * hidden + 1);
  for (let i = 0; i < hidden * size; i++) net[i] = normal(random) * Math.sqrt(1 / size);
  for (let i = 0; i < hidden; i++) net[hidden * (size + 1) + i] = normal(random) * Math.sqrt(1 / hidden);
  return net;
}

const sizeOf = (net: Float64Array): number => (net.length - 1 - 2 * hidden) / hidden;

/** Cross-entropy against the share that is left. */
function addGradient(net: Float64Array, input: Float32Array, left: number, gradient: Float64Array): void {
  const size = sizeOf(net);
  const [biasAt, lastAt] = [hidden * size, hidden * (size + 1)];
  const active = new Float64Array(hidden);
  let logit = net[net.length - 1] as number;
  for (let unit = 0, at = 0; unit < hidden; unit++) {
    let sum = net[biasAt + unit] as number;
    for (let i = 0; i < size; i++, at++) sum += (net[at] as number) * (input[i] as number);
    active[unit] = Math.max(0, sum);
    logit += (net[lastAt + unit] as number) * (active[unit] as number);
  }
  const error = 1 / (1 + Math.exp(-logit)) - left;
  gradient[net.length - 1] = (gradient[net.length - 1] as number) + error;
  for (let unit = 0; unit < hidden; unit++) {
    if (active[unit] === 0) continue;
    gradient[lastAt + unit] = (gradient[lastAt + unit] as number) + error * (active[unit] as number);
    const back = error * (net[lastAt + unit] as number);
    gradient[biasAt + unit] = (gradient[biasAt + unit] as number) + back;
    for (let i = 0, at = unit * size; i < size; i++, at++) gradient[at] = (gradient[at] as number) + back * (input[i] as number);
  }
}

function step(
  net: Float64Array,
  gradient: Float64Array,
  adam: { readonly first: Float64Array; readonly second: Float64Array; turn: number },
  pace: number,
  count: number,
): void {
  adam.turn++;
  const [unbiasFirst, unbiasSecond] = [1 - 0.9 ** adam.turn, 1 - 0.999 ** adam.turn];
  for (let i = 0; i < net.length; i++) {
    const g = (gradient[i] as number) / count;
    adam.first[i] = 0.9 * (adam.first[i] as number) + 0.1 * g;
    adam.second[i] = 0.999 * (adam.second[i] as number) + 0.001 * g * g;
    const move = (adam.first[i] as number) / unbiasFirst / (Math.sqrt((adam.second[i] as number) / unbiasSecond) + 1e-8);
    net[i] = (net[i] as number) * (1 - pace * decay) - pace * move;
  }
}

/** Four digits are enough, and keep the manifest small. */
const short = (value: number) => Number(value.toPrecision(4));

function layersOf(net: Float64Array, { mean, spread }: Scaling): readonly FittedLayer[] {
  const size = sizeOf(net);
  const weights = Array.from({ length: hidden * size }, (_, at) => short((net[at] as number) / (spread[at % size] as number)));
  const bias = Array.from({ length: hidden }, (_, unit) => {
    let sum = net[hidden * size + unit] as number;
    // With the rounded weights: what rounding moves, the bias takes back.
    for (let i = 0; i < size; i++) sum -= (weights[unit * size + i] as number) * (mean[i] as number);
    return Number(sum.toPrecision(6));
  });
  const last = [...net.subarray(hidden * (size + 1), -1)].map(short);
  return [
    { weights, bias },
    { weights: last, bias: [short(net.at(-1) as number)] },
  ];
}

export interface FitnessThresholds {
  readonly door: number;
  readonly enrolment: number;
}

/** As the shipped embedder's; lower where more good pictures would be refused than these shares. */
const usual: FitnessThresholds = { door: 0.5, enrolment: 0.6 };
const refusedAtMost: FitnessThresholds = { door: 0.01, enrolment: 0.03 };

/** `good`: what the head says of good pictures of people from whom it did not learn. */
export function thresholdsFrom(good: readonly number[]): FitnessThresholds {
  const rising = good.toSorted((a, b) => a - b);
  const at = (share: number) => Math.floor(100 * (rising[Math.floor(share * rising.length)] ?? 0)) / 100;
  const door = Math.min(usual.door, at(refusedAtMost.door));
  return { door, enrolment: Math.max(door, Math.min(usual.enrolment, at(refusedAtMost.enrolment))) };
}
