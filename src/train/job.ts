/** Training in a thread of its own. */
import type { TrainingProgress, TrainingRecipe } from './recipe.ts';
import { type Job, startThread } from './thread.ts';
import type { RunResult } from './trainer.ts';

/** A cancelled run ends with a checkpoint; its result then says `finished: false`. */
export function startTraining(recipe: TrainingRecipe, onProgress: (progress: TrainingProgress) => void): Job<RunResult> {
  return startThread(new URL('./worker.ts', import.meta.url), recipe, onProgress);
}
