/** The thread that trains: a recipe in; its progress and result out. Started by job.ts, it ends with the run. */
import { isMainThread } from 'node:worker_threads';
import type { TrainingProgress, TrainingRecipe } from './recipe.ts';
import { serve } from './thread.ts';
import { type RunResult, train } from './trainer.ts';

if (!isMainThread) await serve<TrainingRecipe, TrainingProgress, RunResult>(train);
