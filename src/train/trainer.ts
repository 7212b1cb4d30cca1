/**
 * A training run: batches through an engine, step by step, with progress, checkpoints and cancellation. A resumed run
 * continues as if it had never stopped. The run owns its engine and ends with its losses; the weights are in the last
 * checkpoint.
 */
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Fault } from '../base/errors.ts';
import { type BatchSource, openBatches } from './batch-source.ts';
import { readDataset, type Split, splitDataset } from './data/dataset.ts';
import { facesOnly } from './data/face-crops.ts';
import { openPicturesOf, type Pictures } from './data/pictures.ts';
import type { TrainingHistory } from './history.ts';
import { discardCheckpoint, type Notes, readCheckpoint, writeCheckpoint } from './network/checkpoint.ts';
import { initialWeights } from './network/network.ts';
import type { Batch, Engine, EngineOptions } from './port.ts';
import { type EpochResult, fingerprint, requireSameRecipe, requireSensible, type TrainingProgress, type TrainingRecipe } from './recipe.ts';
import { validate } from './validation.ts';

export interface RunControl {
  readonly onProgress: (progress: TrainingProgress) => void;
  /** Aborted: the run writes a checkpoint and ends early. */
  readonly signal: AbortSignal;
  /** Called after each epoch with the results of all epochs so far; false ends the run there, as finished. */
  readonly afterEpoch?: (epoch: number, trained: Trained, results: readonly EpochResult[]) => Promise<boolean>;
  /**
   * Whether the checkpoint before stays beside the newest: it takes twice the disk, and is the way back when the loss
   * breaks. Default: true.
   */
  readonly keepLast?: boolean;
  /** Called after each checkpoint with the history up to it. */
  readonly onSaved?: (history: TrainingHistory) => void;
  /** Called when the run has finished and before the engine closes: for measuring. */
  readonly finish?: (trained: Trained) => Promise<void>;
}

export interface Trained {
  readonly engine: Engine;
  readonly split: Split;
  readonly pictures: Pictures;
}

export interface RunResult {
  readonly steps: number;
  readonly finished: boolean;
  readonly losses: readonly number[];
  readonly epochs: readonly EpochResult[];
  readonly checkpoint: string;
}

export const checkpointName = 'checkpoint.facelatch';

/** Opens the engine a recipe names. */
export async function openEngine(recipe: TrainingRecipe, options: EngineOptions): Promise<Engine> {
  const { engine, device } = recipe;
  if (engine === 'onnx')
    return (await import('./onnx/engine-onnx.ts')).openOnnxEngine({
      ...options,
      device: device === 'webgpu' || device === 'cuda' ? device : 'cpu',
    });
  if (device === 'cuda') throw new Fault('bad-argument', 'TensorFlow.js has no cuda: choose --engine onnx.');
  return (await import('./tfjs/engine-tfjs.ts')).openTfjsEngine({ ...options, device });
}

/**
 * Trains. Throws Fault `training-failed` when the loss is no longer a number (the checkpoint before it stays), and
 * what dataset, pictures, engine and checkpoint throw. `given` replaces the split of the folder, and what reads its
 * pictures where they are not files.
 */
export async function train(
  recipe: TrainingRecipe,
  control: RunControl,
  given?: { readonly split: Split; readonly pictures?: Pictures },
): Promise<RunResult> {
  requireSensible(recipe);
  const path = join(recipe.out, checkpointName);
  const resumed = recipe.resume ? await readCheckpoint(path, recipe.network) : undefined;
  if (resumed) requireSameRecipe(resumed.notes, recipe, path);
  const split = given?.split ?? (await splitOf(recipe));
  const pictures = given?.pictures ?? openPicturesOf(recipe.network.side, recipe.faces);
  const { network, pairs, objective, optimiser, threads, seed } = recipe;
  await using engine = await openEngine(recipe, {
    ...{ network, pairs, objective, optimiser, threads },
    weights: resumed?.state.weights ?? initialWeights(network, seed),
  });
  if (resumed) await engine.restore(resumed.state);
  const history = historyOf(resumed?.notes);
  const batches = openBatches(recipe, { engine, split, pictures }, resumed?.notes);
  return await run(recipe, control, { engine, split, pictures, batches, history, path });
}

async function splitOf({ data, split, faces }: TrainingRecipe): Promise<Split> {
  const parts = splitDataset(await readDataset(data), split);
  return faces ? facesOnly(parts, faces) : parts;
}

/** What the run has so far, the steps of earlier runs included. */
interface History {
  readonly losses: number[];
  readonly epochs: EpochResult[];
  readonly seconds: (number | null)[];
}

interface Run {
  readonly engine: Engine;
  readonly split: Split;
  readonly pictures: Pictures;
  readonly batches: BatchSource;
  readonly history: History;
  readonly path: string;
}

async function run(recipe: TrainingRecipe, control: RunControl, given: Run): Promise<RunResult> {
  const { engine, split, pictures, batches, history, path } = given;
  const steps = recipe.epochs * recipe.batchesPerEpoch;
  const { losses, epochs, seconds } = history;
  const began = performance.now() - 1000 * (seconds.at(-1) ?? 0);
  let savedAt: number | undefined;
  let enough = false;
  const save = async () => {
    if (recipe.checkpointEvery === 0) return;
    const notes = { recipe: fingerprint(recipe), losses, epochs, seconds, ...batches.notes() };
    await writeCheckpoint(path, { network: recipe.network, state: await engine.state(), notes }, control.keepLast);
    savedAt = losses.length;
    control.onSaved?.({ losses, epochs, seconds, batchesPerEpoch: recipe.batchesPerEpoch });
    control.onProgress({ kind: 'checkpoint', step: losses.length, path });
  };
  control.onProgress({ kind: 'started', step: losses.length, steps, engine: engine.label });
  let next: Promise<Batch> | undefined;
  while (losses.length < steps && !enough && !control.signal.aborted) {
    await nextTurn(); // an engine may compute without letting messages in
    if (control.signal.aborted) break;
    const startedAt = performance.now();
    const step = losses.length;
    const batch = await (next ?? batches.draw(step));
    // The next batch is read and augmented (its JPEG coding in other threads) while this one is trained on.
    next = step + 1 < steps && !batches.needsEngine(step + 1) ? batches.draw(step + 1) : undefined;
    next?.catch(() => undefined); // awaited, and thrown, in its own turn
    const { loss, penalty } = await engine.step(batch);
    if (!Number.isFinite(loss + penalty)) {
      // A checkpoint is good once a step from it gave a number; the weights of the one just written gave none.
      if (savedAt === step) await discardCheckpoint(path);
      throw diverged(recipe, step, losses, path);
    }
    losses.push(loss);
    seconds.push((performance.now() - began) / 1000);
    control.onProgress({ kind: 'step', step: step + 1, steps, loss, penalty, tookMs: performance.now() - startedAt });
    if (losses.length % recipe.batchesPerEpoch === 0) {
      epochs.push(await endEpoch(recipe, engine, split, pictures, losses));
      control.onProgress({ kind: 'epoch', epoch: epochs.length, ...(epochs.at(-1) as EpochResult) });
      enough = (await control.afterEpoch?.(epochs.length, { engine, split, pictures }, epochs)) === false;
    }
    if (!enough && recipe.checkpointEvery > 0 && losses.length % recipe.checkpointEvery === 0 && losses.length < steps) await save();
  }
  await save();
  const finished = enough || losses.length >= steps;
  if (finished) await control.finish?.({ engine, split, pictures });
  return { steps: losses.length, finished, losses, epochs, checkpoint: path };
}

async function endEpoch(
  recipe: TrainingRecipe,
  engine: Engine,
  split: Split,
  pictures: Pictures,
  losses: readonly number[],
): Promise<EpochResult> {
  const recent = losses.slice(-recipe.batchesPerEpoch);
  const loss = recent.reduce((sum, value) => sum + value, 0) / recent.length;
  if (recipe.validationPairs === 0) return { loss };
  const found = await validate(
    { engine, network: recipe.network, objective: recipe.objective, part: split.validation, pictures },
    recipe.validationPairs,
    recipe.seed,
  );
  return { loss, validationLoss: found.loss, validationAccuracy: found.accuracy };
}

function diverged(recipe: TrainingRecipe, step: number, losses: readonly number[], path: string): Fault {
  const before = losses.slice(-5).map((loss) => loss.toPrecision(4));
  const grew = losses.length > 1 && (losses.at(-1) ?? 0) > 2 * (losses[0] ?? 0);
  const cause = grew
    ? `the loss grew before (${before.join(', ')}), so the learning rate is too high: lower it (--learning-rate) below ${recipe.optimiser.rate}`
    : `the losses before were ordinary (${before.join(', ') || 'none'}), so one step went too far, or a picture or a weight holds a value that is ` +
      `not a number: lower --learning-rate below ${recipe.optimiser.rate}, and look at the data with --preview`;
  return new Fault(
    'training-failed',
    `Step ${step + 1} gave a loss that is not a number; ${cause}. The last good checkpoint (${path}), where one was written, is kept.`,
  );
}

function historyOf(notes: Notes | undefined): History {
  const losses = [...((notes?.losses as number[] | undefined) ?? [])];
  const seconds = (notes?.seconds as (number | null)[] | undefined) ?? [];
  return {
    losses,
    epochs: [...((notes?.epochs as EpochResult[] | undefined) ?? [])],
    seconds: losses.map((_, index) => seconds[index] ?? null),
  };
}
