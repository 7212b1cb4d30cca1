/** Training, tuning and the paper's experiment, each in a thread of its own. */
import type { ExperimentOptions, ExperimentProgress } from './paper/experiment.ts';
import type { TrainingProgress, TrainingRecipe } from './recipe.ts';
import { type Job, startThread } from './thread.ts';
import type { RunResult } from './trainer.ts';
import type { TuningTrial } from './tune/tune.ts';
import type { TuneTrainingOptions } from './tune/tune-training.ts';

/** A cancelled run ends with a checkpoint; its result then says `finished: false`. */
export function startTraining(recipe: TrainingRecipe, onProgress: (progress: TrainingProgress) => void): Job<RunResult> {
  return startThread(new URL('./worker.ts', import.meta.url), { kind: 'train', recipe } satisfies Task, onProgress);
}

export type TuningProgress =
  | { readonly kind: 'trial'; readonly trial: TuningTrial }
  | { readonly kind: 'training'; readonly progress: TrainingProgress };

/** A cancelled search keeps the trials that have ended. */
export function startTuning(search: Search, onProgress: (progress: TuningProgress) => void): Job<void> {
  return startThread(new URL('./worker.ts', import.meta.url), { kind: 'tune', search } satisfies Task, onProgress);
}

/** A cancelled experiment keeps the cells that are done, and a checkpoint of the one that ran. The results are read from disk. */
export function startExperiment(experiment: Experiment, onProgress: (progress: ExperimentProgress) => void): Job<void> {
  return startThread(new URL('./worker.ts', import.meta.url), { kind: 'experiment', experiment } satisfies Task, onProgress);
}

type Search = Omit<TuneTrainingOptions, 'signal' | 'onTrial' | 'onProgress'>;

type Experiment = Omit<ExperimentOptions, 'supply' | 'signal' | 'onProgress'> & {
  /** Folder of the paper's pictures. */
  readonly data: string;
};

/** What the thread is started with. */
export type Task =
  | { readonly kind: 'train'; readonly recipe: TrainingRecipe }
  | { readonly kind: 'tune'; readonly search: Search }
  | { readonly kind: 'experiment'; readonly experiment: Experiment };
