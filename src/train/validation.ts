/**
 * How well the network tells pairs apart now: loss, accuracy and the score of each pair, from one embedding per
 * picture.
 */
import { evaluationPairs, type Part, type PicturePair } from './data/dataset.ts';
import type { Pictures } from './data/pictures.ts';
import { headLogit } from './network/head.ts';
import type { Engine, Network, Objective } from './port.ts';

export interface Scored {
  readonly pair: PicturePair;
  /**
   * 0…1: the head's probability; under contrastive loss 1 − distance / margin, at least 0 (0.5 is midway to the
   * margin).
   */
  readonly score: number;
  /** The same, not cut at 0: it orders pairs that lie beyond the margin too. */
  readonly uncut: number;
}

/** What is measured, and on which part. */
export interface ValidationInput {
  readonly engine: Engine;
  readonly network: Network;
  readonly objective: Objective;
  readonly part: Part;
  readonly pictures: Pictures;
}

/**
 * Loss (as in training, without penalties) and the share that is right at score 0.5, over `count` balanced pairs of
 * the part.
 */
export async function validate(
  measured: ValidationInput,
  count: number,
  seed: number,
): Promise<{ loss: number; accuracy: number; scored: Scored[] }> {
  const pairs = evaluationPairs(measured.part, count, seed);
  const embeddings = await embedAll(measured, [...new Set(pairs.flatMap(({ first, second }) => [first, second]))]);
  const tell = await teller(measured);
  let [loss, right] = [0, 0];
  const scored = pairs.map((pair): Scored => {
    const told = tell(embeddings.get(pair.first) as Float32Array, embeddings.get(pair.second) as Float32Array);
    loss += (pair.same ? told.lossIfSame : told.lossIfOther) / pairs.length;
    right += Number(told.score > 0.5 === pair.same) / pairs.length;
    return { pair, score: told.score, uncut: told.uncut };
  });
  return { loss, accuracy: right, scored };
}

type Told = { readonly score: number; readonly uncut: number; readonly lossIfSame: number; readonly lossIfOther: number };

/** Compares two embeddings with the current weights: a score (see `Scored`) and the loss for either truth. */
export async function teller({
  engine,
  network,
  objective,
}: ValidationInput): Promise<(first: Float32Array, second: Float32Array) => Told> {
  if (objective.loss === 'contrastive') return (first, second) => byDistance(first, second, objective.margin);
  const weights = new Map<string, Float32Array>();
  for (const name of ['head/kernel', 'head/bias']) weights.set(name, await engine.read(name));
  return (first, second) => byLogit(headLogit(network, weights, first, second));
}

function byLogit(logit: number): Told {
  const softplus = Math.max(0, logit) + Math.log1p(Math.exp(-Math.abs(logit)));
  const score = 1 / (1 + Math.exp(-logit));
  return { score, uncut: score, lossIfSame: softplus - logit, lossIfOther: softplus };
}

function byDistance(first: Float32Array, second: Float32Array, margin: number): Told {
  const squared = first.reduce((sum, value, index) => sum + (value - (second[index] as number)) ** 2, 0);
  const distance = Math.sqrt(squared);
  const uncut = 1 - distance / margin;
  return {
    ...{ score: Math.max(0, uncut), uncut },
    ...{ lossIfSame: 0.5 * squared, lossIfOther: 0.5 * Math.max(0, margin - distance) ** 2 },
  };
}

const atOnce = 16;

/** The embedding of each picture, by its path. */
export async function embedAll(
  { engine, network, pictures }: ValidationInput,
  paths: readonly string[],
): Promise<Map<string, Float32Array>> {
  const out = new Map<string, Float32Array>();
  const size = network.side * network.side * 3;
  for (let from = 0; from < paths.length; from += atOnce) {
    const some = paths.slice(from, from + atOnce);
    const numbers = new Float32Array(some.length * size);
    for (const [index, path] of some.entries()) numbers.set(await pictures.read(path), index * size);
    const embeddings = await engine.embed(numbers, some.length);
    some.forEach((path, index) => {
      out.set(path, embeddings.slice(index * network.units, (index + 1) * network.units));
    });
  }
  return out;
}
