/**
 * The quality head of a network without such an output: aligned faces go in; they are spoiled in many ways, embedded,
 * and a head is fitted to how much of the person is left. Out: the head, its thresholds, and what it refuses, measured
 * on people from whom it did not learn.
 */
import { newRandom } from '../../base/random.ts';
import { fitnessOf } from '../../face/fitness.ts';
import { type FitnessSample, type FittedLayer, fitFitness, thresholdsFrom } from '../../recipes/own/fitness-fit.ts';
import { isHopeless, type Spoiling, spoiled, spoilings } from '../../recipes/own/spoil.ts';
import { clopperPearson, type Interval } from '../../train/figures/binomial.ts';
import { type FedNetwork, unitOf } from './reading.ts';

/** A face as it is, with the mean of its person's other embeddings. */
export interface PlainFace {
  readonly aligned: Uint8Array;
  /** As the network gives it. */
  readonly values: Float32Array;
  /** Of length 1. */
  readonly own: Float32Array;
}

export interface RefusedShare {
  readonly what: 'good' | Spoiling;
  readonly faces: number;
  readonly door: { readonly rate: number; readonly interval: Interval };
  readonly enrolment: { readonly rate: number; readonly interval: Interval };
}

export interface QualityFit {
  readonly layers: readonly FittedLayer[];
  readonly door: number;
  readonly enrolment: number;
  readonly refused: readonly RefusedShare[];
}

export interface QualityFaces {
  readonly learnFrom: readonly PlainFace[];
  /** Of other people: spoiled, and as they are. */
  readonly measureOn: readonly PlainFace[];
  readonly good: readonly Float32Array[];
}

export interface QualityOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (stage: 'spoiling faces' | 'fitting the quality head', done: number, total: number) => void;
}

/** Undefined where a head tells nothing: it would refuse no more of the hopeless faces than of the good ones. */
export async function fitQuality(
  network: FedNetwork,
  { learnFrom, measureOn, good }: QualityFaces,
  { signal, onProgress }: QualityOptions,
): Promise<QualityFit | undefined> {
  const usual = medianOf(learnFrom.map((face) => likeness(face.values, face.own)));
  const total = (learnFrom.length + measureOn.length) * spoilings.length;
  let done = 0;
  const spoil = async (faces: readonly PlainFace[], seed: number) => {
    const random = newRandom(seed);
    const samples: { readonly what: RefusedShare['what']; readonly sample: FitnessSample }[] = [];
    for (const face of faces) {
      const left = (values: Float32Array) => Math.min(1, Math.max(0, likeness(values, face.own) / usual));
      samples.push({ what: 'good', sample: { values: face.values, left: left(face.values) } });
      for (const what of spoilings) {
        signal.throwIfAborted();
        const { width, height } = network.feed.input;
        const { values } = await network.embed(await spoiled({ width, height, rgb: face.aligned }, what, random));
        samples.push({ what, sample: { values, left: isHopeless(what) ? 0 : left(values) } });
        onProgress('spoiling faces', ++done, total);
      }
    }
    return samples;
  };
  const learned = await spoil(learnFrom, 1);
  const measured = await spoil(measureOn, 2);
  const layers = await fitFitness(
    learned.map(({ sample }) => sample),
    { signal, onEpoch: (epoch, epochs) => onProgress('fitting the quality head', epoch, epochs) },
  );
  const head = layers.map(({ weights, bias }) => ({ weights: Float32Array.from(weights), bias: Float32Array.from(bias) }));
  const found = measured.map(({ what, sample }) => ({ what, fitness: fitnessOf(head, sample.values) }));
  const goodOnes = good.map((values) => fitnessOf(head, values));
  const of = (what: RefusedShare['what']) =>
    what === 'good' ? goodOnes : found.filter((each) => each.what === what).map(({ fitness }) => fitness);
  const { door, enrolment } = thresholdsFrom(of('good'));
  const refused = (['good', ...spoilings] as const).map((what): RefusedShare => {
    const all = of(what);
    const share = (bound: number) => {
      const below = all.filter((fitness) => fitness < bound).length;
      return { rate: below / all.length, interval: clopperPearson(below, all.length) };
    };
    return { what, faces: all.length, door: share(door), enrolment: share(enrolment) };
  });
  const rateOf = (what: RefusedShare['what']) => refused.find((each) => each.what === what)?.door.rate ?? 0;
  return rateOf('turned') > rateOf('good') + 0.2 ? { layers, door, enrolment, refused } : undefined;
}

function likeness(values: Float32Array, own: Float32Array): number {
  const unit = unitOf(values);
  let sum = 0;
  for (let i = 0; i < unit.length; i++) sum += (unit[i] as number) * (own[i] as number);
  return sum;
}

const medianOf = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 1;
