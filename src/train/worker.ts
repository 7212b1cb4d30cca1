/** The thread that trains, tunes or repeats the experiment: a task in, its progress and result out. */
import { isMainThread } from 'node:worker_threads';
import type { Task, TuningProgress } from './job.ts';
import { type ExperimentProgress, runExperiment } from './paper/experiment.ts';
import { openPaperData } from './paper/paper-data.ts';
import type { TrainingProgress } from './recipe.ts';
import { type Control, serve } from './thread.ts';
import { train } from './trainer.ts';
import { tuneTraining } from './tune/tune-training.ts';

type AnyProgress = TrainingProgress | TuningProgress | ExperimentProgress;

async function work(task: Task, { signal, onProgress }: Control<AnyProgress>): Promise<unknown> {
  switch (task.kind) {
    case 'train':
      return train(task.recipe, { signal, onProgress });
    case 'tune':
      await tuneTraining({
        ...task.search,
        signal,
        onTrial: (trial) => onProgress({ kind: 'trial', trial }),
        onProgress: (progress) => onProgress({ kind: 'training', progress }),
      });
      return undefined;
    case 'experiment': {
      const { data, ...options } = task.experiment;
      await runExperiment({ ...options, supply: openPaperData(data, options.seed), signal, onProgress });
      return undefined;
    }
  }
}

if (!isMainThread) await serve(work);
