/**
 * A trained network from its checkpoint: opened to embed and compare, measured on a part, or asked to verify one
 * picture against a folder.
 */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Fault, isBadPicture } from '../base/errors.ts';
import { type Part, readPictureFolder, type SplitOptions } from './data/dataset.ts';
import type { Crop, FaceCrops } from './data/face-crops.ts';
import { type Locate, openPicturesOf } from './data/pictures.ts';
import { type Confusion, confusionAt } from './figures/confusion.ts';
import { decideByFolder, type FolderDecision, type VerificationThresholds, verificationThresholds } from './figures/verification.ts';
import { readCheckpoint, writeCheckpoint } from './network/checkpoint.ts';
import type { Engine, Network, Objective, Optimiser, Weights } from './port.ts';
import type { TrainingRecipe } from './recipe.ts';
import { checkpointName } from './trainer.ts';
import { embedAll, teller, validate } from './validation.ts';

export interface TrainedModel {
  /** The checkpoint's file. */
  readonly path: string;
  readonly network: Network;
  readonly objective: Objective;
  readonly optimiser: Optimiser;
  readonly weights: Weights;
  /** Steps it was trained for. */
  readonly steps: number;
  /** The folder of pictures it was trained on, by its name at the time, and how it was split. */
  readonly data: string;
  readonly split: SplitOptions;
  /** Whether it was trained on pictures that are cut to the face, and so needs such pictures. */
  readonly crop: boolean;
}

/** Reads a checkpoint: its file, or the folder of the run. Throws Fault `not-found`, `model-damaged`. */
export async function readTrainedModel(fileOrFolder: string): Promise<TrainedModel> {
  const path = existsSync(fileOrFolder) && statSync(fileOrFolder).isDirectory() ? join(fileOrFolder, checkpointName) : fileOrFolder;
  if (!existsSync(path) && !existsSync(`${path}.last`))
    throw new Fault('not-found', `There is no trained model ${path}: name the folder that was given to facelatch train as --out.`);
  const { network, state, notes } = await readCheckpoint(path);
  const recipe = JSON.parse(String(notes.recipe)) as Pick<TrainingRecipe, 'objective' | 'optimiser' | 'data' | 'split'> & { crop?: true };
  const { objective, optimiser, data, split, crop = false } = recipe;
  return { path, network, objective, optimiser, weights: state.weights, steps: state.step, data, split, crop };
}

/**
 * Stores a network that was trained elsewhere so that `readTrainedModel` reads it, with the tutorial's settings for
 * further training. Throws as `writeCheckpoint`.
 */
export async function keepImported(
  path: string,
  { network, weights, from, crop }: { readonly network: Network; readonly weights: Weights; readonly from: string; readonly crop: boolean },
): Promise<void> {
  const zeros = () => new Map([...weights].map(([name, values]) => [name, new Float32Array(values.length)]));
  const recipe: Pick<TrainedModel, 'objective' | 'optimiser' | 'data' | 'split'> = {
    objective: { loss: 'bce', margin: 1, l1: 0, l2: 0 },
    optimiser: { kind: 'adam', rate: 1e-4, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 },
    data: from,
    split: { by: 'person', validation: 0.15, test: 0.25, seed: 1 },
  };
  const notes = { recipe: JSON.stringify({ ...recipe, ...(crop && { crop }) }) };
  await writeCheckpoint(path, { network, state: { step: 0, weights, first: zeros(), second: zeros() }, notes });
}

/** On ONNX Runtime, whichever engine trained it: both give the same embeddings. */
async function openEngine({ network, objective, optimiser, weights }: TrainedModel, threads: number): Promise<Engine> {
  const { openOnnxEngine } = await import('./onnx/engine-onnx.ts');
  return openOnnxEngine({ network, pairs: 1, objective, optimiser, weights, threads });
}

/** A picture's embedding, or why there is none. */
export type Embedded =
  /** `usable`: whether a door would compare this face; `fitness` as in face/port.ts. Absent where nothing judges it. */
  | { readonly embedding: Float32Array; readonly usable?: boolean; readonly fitness?: number }
  | { readonly failure: 'no-face' }
  | { readonly failure: 'unreadable'; readonly why: Fault };

/** Compares pictures by a trained network. */
export interface TrainedComparer extends AsyncDisposable {
  /** By path. A call with several paths takes little longer than one: the graph runs on sixteen pictures. */
  readonly embed: (paths: readonly string[]) => Promise<Map<string, Embedded>>;
  /** 0…1. */
  readonly score: (a: Float32Array, b: Float32Array) => number;
}

/** Takes pictures whole, or cut to what `locate` finds. */
export async function openTrainedComparer(model: TrainedModel, threads: number, locate?: Locate): Promise<TrainedComparer> {
  const engine = await openEngine(model, threads);
  const { network, objective } = model;
  const found = new Map<string, Crop>();
  const pictures = openPicturesOf(network.side, locate && found);
  const measured = { engine, network, objective, part: { name: '', subjects: [] }, pictures };
  const tell = await teller(measured);
  return {
    embed: async (paths) => {
      const failures = new Map<string, Embedded>();
      for (const path of paths)
        try {
          const crop = await locate?.(path);
          if (crop) found.set(path, crop);
          if (locate && !crop) failures.set(path, { failure: 'no-face' });
          else await pictures.read(path); // stays in memory, so that it is not read twice
        } catch (error) {
          if (!isBadPicture(error)) throw error;
          failures.set(path, { failure: 'unreadable', why: error });
        }
      const embeddings = await embedAll(
        measured,
        paths.filter((path) => !failures.has(path)),
      );
      return new Map<string, Embedded>([...failures, ...[...embeddings].map(([path, embedding]) => [path, { embedding }] as const)]);
    },
    score: (a, b) => tell(a, b).score,
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  };
}

export interface MeasureOptions {
  /** Most pairs; a small part has fewer. */
  readonly pairs: number;
  readonly seed: number;
  readonly threads: number;
  /** For a network that was trained on faces alone. */
  readonly faces?: FaceCrops;
}

/** Figures of a part at the detection thresholds 0.5, 0.9 and 0.99 (of scores as in `Scored`). */
export async function measureModel(
  model: TrainedModel,
  part: Part,
  { pairs, seed, threads, faces }: MeasureOptions,
): Promise<readonly Confusion[]> {
  await using engine = await openEngine(model, threads);
  const { network, objective } = model;
  const { scored } = await validate({ engine, network, objective, part, pictures: openPicturesOf(network.side, faces) }, pairs, seed);
  const told = scored.map(({ score, pair }) => ({ score, same: pair.same }));
  return verificationThresholds.map(({ detection }) => confusionAt(told, detection)).sort((a, b) => a.threshold - b.threshold);
}

export interface VerifyOptions extends VerificationThresholds {
  readonly probe: string;
  /** Folder of verification images. */
  readonly folder: string;
  readonly threads: number;
  /** For a network that was trained on faces alone. */
  readonly locate?: Locate;
}

export interface Verification extends FolderDecision {
  /** Verification images without a face: they score 0. */
  readonly withoutFace: readonly string[];
  /** Each verification image's score against the probe, 0…1. */
  readonly scores: readonly { readonly picture: string; readonly score: number }[];
}

/**
 * The paper's verification, as in the tutorial's app. Throws Fault `not-found` for a folder without pictures,
 * `bad-picture`.
 */
export async function verifyAgainstFolder(model: TrainedModel, options: VerifyOptions): Promise<Verification> {
  const gallery = await readPictureFolder(options.folder);
  if (gallery.length === 0) throw new Fault('not-found', `There is no picture in the folder of verification images ${options.folder}.`);
  await using comparer = await openTrainedComparer(model, options.threads, options.locate);
  const embedded = await comparer.embed([options.probe, ...gallery]);
  const embeddingOf = (path: string) => {
    const found = embedded.get(path);
    if (found && 'why' in found) throw found.why;
    return found && 'embedding' in found ? found.embedding : undefined;
  };
  const probe = embeddingOf(options.probe);
  if (!probe) throw new Fault('bad-picture', `No face was found in the probe ${options.probe}: take another picture.`);
  const scores = gallery.map((picture) => {
    const image = embeddingOf(picture);
    return { picture, score: image ? comparer.score(probe, image) : 0 };
  });
  const withoutFace = gallery.filter((picture) => !embeddingOf(picture));
  return {
    ...decideByFolder(
      scores.map(({ score }) => score),
      options,
    ),
    scores,
    withoutFace,
  };
}
