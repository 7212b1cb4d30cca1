/**
 * Fits the rules for covered halves of a face: what an embedder sees of faces with and without masks and glasses goes
 * in; a linear rule for each half comes out, and how many covered faces each lets through, counted on people whom it
 * was not fitted on. The same samples give the same rules.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Half } from '../../face/port.ts';
import { type CoveringKind, maskKinds, sunglassKinds } from './covering-drawings.ts';

/** `worn`: sunglasses in the photograph itself. */
export type CoverKind = CoveringKind | 'free' | 'worn';

export interface CoverSample {
  readonly person: string;
  readonly kind: CoverKind;
  /** Whether its quality alone would let it be stored. */
  readonly fit: boolean;
  /** The embeddings of all looks, then the picture of the eyes. */
  readonly seen: Float32Array;
}

export interface FittedRule {
  /** One for each number that the rule looks at. */
  readonly weights: Float64Array;
  readonly bias: number;
}

/** Covered faces of one kind. */
export interface CoverShare {
  readonly half: Half;
  readonly kind: CoverKind;
  readonly faces: number;
  /** Of them, fit to be stored by their quality; and of those, let through by the rule. */
  readonly fit: number;
  readonly passed: number;
}

export type CoverFit = Readonly<Record<Half, FittedRule>> & { readonly shares: readonly CoverShare[] };

export interface CoverFitOptions {
  /** How many numbers of a sample are embeddings: the rule for the lower half does without the eyes. */
  readonly embedded: number;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

/** Share of the uncovered faces that each rule may refuse, on people whom it was not fitted on. */
const refused = { lower: 0.004, upper: 0.01 } as const;
const kindsOf: Readonly<Record<Half, readonly CoverKind[]>> = { lower: maskKinds, upper: [...sunglassKinds, 'worn'] };
const folds = 4;
const decay = 1e-2;
const steps = 150;
const fits = 2 * (folds + 1);

export async function fitCover(samples: readonly CoverSample[], options: CoverFitOptions): Promise<CoverFit> {
  const shares: CoverShare[] = [];
  let done = 0;
  const fitted = async (some: readonly CoverSample[], isCovered: (sample: CoverSample) => boolean) => {
    const rule = await ruleFrom(some, isCovered, options.signal);
    options.onProgress(++done, fits);
    return rule;
  };
  const ruleFor = async (half: Half, numbers: number): Promise<FittedRule> => {
    const all = samples.map((sample) => ({ ...sample, seen: sample.seen.subarray(0, numbers) }));
    const kinds = kindsOf[half];
    const isCovered = ({ kind }: CoverSample) => kinds.includes(kind);
    const logits = await crossed(all, (some) => fitted(some, isCovered));
    const stored = all.map((sample, i) => ({ ...sample, logit: logits[i] as number })).filter(({ fit }) => fit);
    const free = stored.filter(isFree).toSorted((a, b) => b.logit - a.logit);
    const limit = free[Math.floor(refused[half] * free.length)]?.logit ?? 0;
    for (const kind of kinds) {
      const faces = all.filter((sample) => sample.kind === kind).length;
      const fit = stored.filter((sample) => sample.kind === kind);
      if (faces > 0) shares.push({ half, kind, faces, fit: fit.length, passed: fit.filter(({ logit }) => logit <= limit).length });
    }
    const { weights, bias } = await fitted(all, isCovered);
    return { weights, bias: bias - limit };
  };
  const lower = await ruleFor('lower', options.embedded);
  return { lower, upper: await ruleFor('upper', samples[0]?.seen.length ?? 0), shares };
}

const isFree = ({ kind }: CoverSample) => kind === 'free' || kind === 'spectacles';

/** The logit of each sample by a rule that was fitted on other people. */
async function crossed(
  samples: readonly CoverSample[],
  fitted: (some: readonly CoverSample[]) => Promise<FittedRule>,
): Promise<Float64Array> {
  const people = [...new Set(samples.map(({ person }) => person))];
  const foldOf = new Map(people.map((person, i) => [person, i % folds]));
  const logits = new Float64Array(samples.length);
  for (let fold = 0; fold < folds; fold++) {
    const rule = await fitted(samples.filter(({ person }) => foldOf.get(person) !== fold));
    for (const [i, { person, seen }] of samples.entries()) if (foldOf.get(person) === fold) logits[i] = ruleLogit(rule, seen);
  }
  return logits;
}

const ruleLogit = ({ weights, bias }: FittedRule, seen: Float32Array) =>
  seen.reduce((sum, value, i) => sum + value * (weights[i] ?? 0), bias);

/** The mean of each number, and 1 / its standard deviation. */
function scaleOf(samples: readonly CoverSample[], size: number): { readonly mean: Float64Array; readonly scale: Float64Array } {
  const [mean, deviation] = [new Float64Array(size), new Float64Array(size)];
  for (const { seen } of samples) for (let i = 0; i < size; i++) mean[i] = (mean[i] as number) + (seen[i] as number) / samples.length;
  for (const { seen } of samples)
    for (let i = 0; i < size; i++)
      deviation[i] = (deviation[i] as number) + ((seen[i] as number) - (mean[i] as number)) ** 2 / samples.length;
  return { mean, scale: deviation.map((square) => 1 / (Math.sqrt(square) || 1)) };
}

/** Logistic regression with both classes weighted alike, on standardised values (Adam; D. Kingma, J. Ba, 2015). */
async function ruleFrom(
  samples: readonly CoverSample[],
  isCovered: (sample: CoverSample) => boolean,
  signal: AbortSignal,
): Promise<FittedRule> {
  const [count, size] = [samples.length, samples[0]?.seen.length ?? 0];
  const { mean, scale } = scaleOf(samples, size);
  const rows = samples.map(({ seen }) => seen.map((value, i) => (value - (mean[i] as number)) * (scale[i] as number)));
  const labels = samples.map((sample) => (isCovered(sample) ? 1 : 0));
  const positive = labels.reduce<number>((sum, label) => sum + label, 0);
  const share = [0.5 / (count - positive), 0.5 / positive];
  const [theta, first, second] = [new Float64Array(size + 1), new Float64Array(size + 1), new Float64Array(size + 1)];
  for (let step = 1; step <= steps; step++) {
    await nextTurn();
    signal.throwIfAborted();
    const gradient = theta.map((value, i) => (i < size ? decay * value : 0));
    for (const [at, row] of rows.entries()) {
      let logit = theta[size] as number;
      for (let i = 0; i < size; i++) logit += (theta[i] as number) * (row[i] as number);
      const label = labels[at] as number;
      const error = (1 / (1 + Math.exp(-logit)) - label) * (share[label] as number);
      for (let i = 0; i < size; i++) gradient[i] = (gradient[i] as number) + error * (row[i] as number);
      gradient[size] = (gradient[size] as number) + error;
    }
    const rate = step < 0.7 * steps ? 0.05 : 0.01;
    for (let i = 0; i <= size; i++) {
      const g = gradient[i] as number;
      first[i] = 0.9 * (first[i] as number) + 0.1 * g;
      second[i] = 0.999 * (second[i] as number) + 0.001 * g * g;
      const move = (first[i] as number) / (1 - 0.9 ** step) / (Math.sqrt((second[i] as number) / (1 - 0.999 ** step)) + 1e-8);
      theta[i] = (theta[i] as number) - rate * move;
    }
  }
  const weights = scale.map((factor, i) => factor * (theta[i] as number));
  return { weights, bias: weights.reduce((sum, weight, i) => sum - weight * (mean[i] as number), theta[size] as number) };
}
