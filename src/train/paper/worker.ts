/**
 * The thread that repeats the experiment. In: cells. Out: their progress. job.ts starts it; it ends with the last
 * cell.
 */
import { isMainThread } from 'node:worker_threads';
import { type Control, serve } from '../thread.ts';
import { type ExperimentProgress, measureSoFar, runExperiment } from './experiment.ts';
import type { ExperimentOrder } from './job.ts';
import { openPaperData } from './paper-data.ts';

async function work({ data, soFar, ...options }: ExperimentOrder, control: Control<ExperimentProgress>): Promise<void> {
  const experiment = { ...options, ...control, supply: openPaperData(data, options.seed) };
  if (soFar) await measureSoFar(experiment);
  else await runExperiment(experiment);
}

if (!isMainThread) await serve(work);
