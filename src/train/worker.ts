/**
 * The thread that trains. In: a recipe. Out: progress, the result, and the history next to the checkpoint. job.ts
 * starts it; it ends with the run.
 */
import { isMainThread } from 'node:worker_threads';
import { writeHistory } from './history.ts';
import type { TrainingProgress, TrainingRecipe } from './recipe.ts';
import { type Control, serve } from './thread.ts';
import { type RunResult, train } from './trainer.ts';

const work = (recipe: TrainingRecipe, control: Control<TrainingProgress>): Promise<RunResult> =>
  train(recipe, { ...control, onSaved: (history) => writeHistory(recipe.out, history) });

if (!isMainThread) await serve(work);
