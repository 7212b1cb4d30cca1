/** Tuning in a thread of its own. */
import type { TrainingProgress } from '../recipe.ts';
import { type Job, startThread } from '../thread.ts';
import type { TuningTrial } from './tune.ts';
import type { TuneTrainingOptions } from './tune-training.ts';

/** What the thread is started with. */
export type TuningSearch = Omit<TuneTrainingOptions, 'signal' | 'onTrial' | 'onProgress'>;

export type TuningProgress =
  | { readonly kind: 'trial'; readonly trial: TuningTrial }
  | { readonly kind: 'training'; readonly progress: TrainingProgress };

/** A cancelled search keeps the trials that have ended. */
export function startTuning(search: TuningSearch, onProgress: (progress: TuningProgress) => void): Job<void> {
  return startThread(new URL('./worker.ts', import.meta.url), search, onProgress);
}
