/** The paper's experiment in a thread of its own. */
import { type Job, startThread } from '../thread.ts';
import type { ExperimentOptions, ExperimentProgress } from './experiment.ts';

/** What the thread is started with. */
export type ExperimentOrder = Omit<ExperimentOptions, 'supply' | 'signal' | 'onProgress'> & {
  /** Folder of the paper's pictures. */
  readonly data: string;
  /** Nothing is trained; cells that have not ended are measured. */
  readonly soFar?: boolean;
};

/**
 * A cancelled experiment keeps the cells that are done, and a checkpoint of the one that ran. The results are read from
 * disk.
 */
export function startExperiment(order: ExperimentOrder, onProgress: (progress: ExperimentProgress) => void): Job<void> {
  return startThread(new URL('./worker.ts', import.meta.url), order, onProgress);
}
