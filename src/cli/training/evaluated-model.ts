/**
 * What `evaluate` measures: the networks of the configuration or a network trained here in; embeddings and scores
 * out.
 */
import { manyReaderOf, readerOf } from '../../adapters/basics.ts';
import { isBadPicture } from '../../base/errors.ts';
import type { EmbedderInfo, Embedding, FaceReader } from '../../face/port.ts';
import { logitOf, logitOfProbability, probabilityOf } from '../../identity/siamese.ts';
import type { Config } from '../../settings/load.ts';
import { type Embedded, openTrainedComparer, type TrainedModel } from '../../train/trained-model.ts';
import { findFace } from '../face-finding.ts';
import { readProbe } from '../probe.ts';

/** A likeness; the higher, the more alike. */
export interface ModelScore {
  readonly kind: 'head' | 'cosine';
  readonly of: (a: Embedding, b: Embedding) => number;
  /** The score that a probability (of the paper's detection threshold) stands for; absent where there is none. */
  readonly at?: (probability: number) => number;
}

export interface EvaluatedModel extends AsyncDisposable {
  readonly name: string;
  readonly version: string;
  /** Of the networks in use; absent for a network trained here. */
  readonly embedder?: EmbedderInfo;
  /** The main score, which decides, first. */
  readonly scores: readonly ModelScore[];
  /** By path. */
  readonly embed: (paths: readonly string[]) => Promise<ReadonlyMap<string, Embedded>>;
  /** How many pictures to give it at once. */
  readonly atOnce: number;
  /** Probability of one person, 0…1. */
  readonly probability: (a: Embedding, b: Embedding) => number;
}

/** Opens the networks of the configuration: they look for the face themselves. */
export async function openBaseModel(config: Config, kinds: readonly ModelScore['kind'][]): Promise<EvaluatedModel> {
  const reader = await manyReaderOf(config, Number.POSITIVE_INFINITY);
  const { name, version, head } = reader.embedder;
  const all: readonly ModelScore[] = [
    { kind: 'head', of: (a, b) => logitOf(head, a, b), at: logitOfProbability },
    { kind: 'cosine', of: (a, b) => a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0) },
  ];
  return {
    name,
    version,
    embedder: reader.embedder,
    scores: all.filter(({ kind }) => kinds.includes(kind)),
    embed: async (paths) => new Map(await Promise.all(paths.map(async (path) => [path, await embedded(path, reader, config)] as const))),
    atOnce: 4 * reader.atOnce,
    probability: (a, b) => probabilityOf(logitOf(head, a, b)),
    [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
  };
}

async function embedded(path: string, reader: FaceReader, config: Config): Promise<Embedded> {
  try {
    const { embedding, fitness, reasons } = await readProbe(path, reader, config);
    if (!embedding) return { failure: 'no-face' };
    return { embedding, usable: reasons.length === 0, ...(fitness !== undefined && { fitness }) };
  } catch (error) {
    if (isBadPicture(error)) return { failure: 'unreadable', why: error };
    throw error;
  }
}

/** Opens a network trained here: it takes pictures whole, or with `config` cut to the face that its detector finds. */
export async function openTrainedModel(model: TrainedModel, config: Config | undefined): Promise<EvaluatedModel> {
  const reader = config && (await readerOf(config));
  const comparer = await openTrainedComparer(model, 0, reader && ((path) => findFace(path, reader)));
  return {
    name: model.network.name,
    version: `${model.steps} steps, ${model.objective.loss === 'bce' ? 'binary cross-entropy' : 'contrastive loss'}`,
    scores: [{ kind: 'head', of: comparer.score, at: (probability) => probability }],
    embed: comparer.embed,
    atOnce: 16,
    probability: comparer.score,
    [Symbol.asyncDispose]: async () => {
      await comparer[Symbol.asyncDispose]();
      await reader?.[Symbol.asyncDispose]();
    },
  };
}
