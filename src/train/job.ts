/** A training run in a thread of its own, so that the daemon and the console stay awake while it computes. */
import { Worker } from 'node:worker_threads';
import { Fault } from '../errors.ts';
import type { Progress, Recipe } from './recipe.ts';
import type { RunResult } from './trainer.ts';
import type { Order, Report } from './worker.ts';

export interface Job {
  /** Holds the run before its next step. */
  pause(): void;
  goOn(): void;
  /** Ends the run after its step, with a checkpoint; `result` then says `finished: false`. */
  cancel(): void;
  /** Rejects with the Fault that ended the run (`reader-failed` where the thread itself died). */
  readonly result: Promise<RunResult>;
}

/** Starts training. */
export function startTraining(recipe: Recipe, onProgress: (progress: Progress) => void): Job {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: recipe });
  const { promise, resolve, reject } = Promise.withResolvers<RunResult>();
  worker.on('message', (report: Report) => {
    if (report.kind === 'progress') onProgress(report.progress);
    else if (report.kind === 'done') resolve(report.result);
    else reject(report.code ? new Fault(report.code, report.message) : Object.assign(new Error(report.message), { stack: report.stack }));
  });
  worker.on('error', (error) => reject(new Fault('reader-failed', 'The training thread died: resume from the last checkpoint.', error)));
  worker.on('exit', () =>
    reject(new Fault('reader-failed', 'The training thread ended without a result: resume from the last checkpoint.')),
  );
  promise.catch(() => undefined); // whoever asks for `result` later still gets it; nobody asking must not end the process
  const order = (what: Order) => worker.postMessage(what);
  return { pause: () => order('pause'), goOn: () => order('go on'), cancel: () => order('cancel'), result: promise };
}
