/** Tuning a training recipe: which settings are searched between which ends, and the validation loss that they are measured by. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../../base/errors.ts';
import type { TrainingProgress, TrainingRecipe } from '../recipe.ts';
import { train } from '../trainer.ts';
import { type Setting, type Space, type TuningTrial, tune } from './tune.ts';

/** What may be tuned; `facelatch tune` takes these ends where none are given. Momentum is Adam's β₁ too. */
export const trainingSpace = {
  rate: { from: 1e-5, to: 1e-2, log: true },
  momentum: { from: 0.5, to: 0.99 },
  l1: { from: 1e-8, to: 1e-4, log: true },
  pairs: { from: 4, to: 32, whole: true },
  epochs: { from: 2, to: 10, whole: true },
  augment: { from: 0, to: 1 },
} as const satisfies Space;

export interface TuneTrainingOptions {
  /** What the settings are laid over; its validation part is what counts, its test part is not looked at. */
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

/** Searches. Throws Fault `bad-argument` for a parameter that is none of `trainingSpace`, and what training throws but for a loss that broke. */
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

/** The recipe with a setting laid over it. */
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

/** Trains under the setting; the validation loss after each epoch is reported, the last one counts. A loss that broke counts as none. */
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
  // Ended from outside: no value, and no trial.
  options.signal.throwIfAborted();
  return last;
}
