/**
 * The thread that tunes. In: a search. Out: its trials and their progress. job.ts starts it; it ends with the search.
 */
import { isMainThread } from 'node:worker_threads';
import { type Control, serve } from '../thread.ts';
import type { TuningProgress, TuningSearch } from './job.ts';
import { tuneTraining } from './tune-training.ts';

async function work(search: TuningSearch, { signal, onProgress }: Control<TuningProgress>): Promise<void> {
  await tuneTraining({
    ...search,
    signal,
    onTrial: (trial) => onProgress({ kind: 'trial', trial }),
    onProgress: (progress) => onProgress({ kind: 'training', progress }),
  });
}

if (!isMainThread) await serve(work);
