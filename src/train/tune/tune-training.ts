/** Tuning a training recipe: which settings are searched, their ranges, and the validation loss that judges them. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../../base/errors.ts';
import type { TrainingProgress, TrainingRecipe } from '../recipe.ts';
import { train } from '../trainer.ts';
import { type Setting, type Space, type TuningTrial, tune } from './tune.ts';

/** The settings that can be tuned; `facelatch tune` takes these ranges by default. Momentum is also Adam's β₁. */
export const trainingSpace = {
  rate: { from: 1e-5, to: 1e-2, log: true },
  momentum: { from: 0.5, to: 0.99 },
  l1: { from: 1e-8, to: 1e-4, log: true },
  pairs: { from: 4, to: 32, whole: true },
  epochs: { from: 2, to: 10, whole: true },
  augment: { from: 0, to: 1 },
} as const satisfies Space;

export interface TuneTrainingOptions {
  /** The settings replace values of this recipe. Its validation part counts; its test part is not used. */
  readonly recipe: TrainingRecipe;
  readonly space: Space;
  readonly trials: number;
  readonly seed: number;
  readonly search: 'bayes' | 'random';
  /** Folder of `trials.jsonl`. */
  readonly out: string;
  readonly signal: AbortSignal;
  readonly onTrial?: (trial: TuningTrial) => void;
  readonly onProgress?: (progress: TrainingProgress) => void;
}

/**
 * Searches. Throws Fault `bad-argument` for a parameter outside `trainingSpace`, and what training throws, except for
 * a loss that broke.
 */
export async function tuneTraining(options: TuneTrainingOptions): Promise<TuningTrial[]> {
  for (const name of Object.keys(options.space))
    if (!(name in trainingSpace))
      throw new Fault('bad-argument', `${name} cannot be tuned: choose from ${Object.keys(trainingSpace).join(', ')}.`);
  if (options.recipe.validationPairs < 1)
    throw new Fault('bad-argument', 'Tuning needs validation pairs: give --validation-pairs from 1 up.');
  const { space, trials, seed, search, signal, out } = options;
  await mkdir(out, { recursive: true });
  return tune({
    ...{ space, trials, seed, search, signal },
    file: join(out, 'trials.jsonl'),
    ...(options.onTrial && { onTrial: options.onTrial }),
    measure: (setting, report) => measure(options, setting, report),
  });
}

/** The recipe with the values of a setting. */
export function recipeWith(recipe: TrainingRecipe, setting: Setting): TrainingRecipe {
  const {
    rate = recipe.optimiser.rate,
    l1 = recipe.objective.l1,
    pairs = recipe.pairs,
    epochs = recipe.epochs,
    augment = recipe.augment,
  } = setting;
  const { momentum } = setting;
  const optimiser =
    recipe.optimiser.kind === 'adam'
      ? { ...recipe.optimiser, rate, beta1: momentum ?? recipe.optimiser.beta1 }
      : { ...recipe.optimiser, rate, momentum: momentum ?? recipe.optimiser.momentum };
  return { ...recipe, optimiser, objective: { ...recipe.objective, l1 }, pairs, epochs, augment };
}

/**
 * Trains under the setting and reports the validation loss after each epoch; the last one counts. NaN where the loss
 * broke.
 */
async function measure(options: TuneTrainingOptions, setting: Setting, report: (value: number) => 'go on' | 'stop'): Promise<number> {
  const folder = join(options.out, 'running');
  await mkdir(folder, { recursive: true });
  const stop = new AbortController();
  let last = Number.NaN;
  const onProgress = (progress: TrainingProgress) => {
    options.onProgress?.(progress);
    if (progress.kind !== 'epoch') return;
    last = progress.validationLoss ?? Number.NaN;
    if (report(last) === 'stop') stop.abort();
  };
  try {
    const recipe = { ...recipeWith(options.recipe, setting), out: folder, checkpointEvery: 0, resume: false };
    await train(recipe, { onProgress, signal: AbortSignal.any([options.signal, stop.signal]) });
  } catch (error) {
    if (!(error instanceof Fault && error.code === 'training-failed')) throw error;
    return Number.NaN;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  // Stopped by the caller: no value, and no trial.
  options.signal.throwIfAborted();
  return last;
}
