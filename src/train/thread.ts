/**
 * Long work in a thread of its own, so that its caller stays responsive. In: data and the order to cancel. Out:
 * progress and a result. Whoever starts a thread owns it; it ends with its work.
 */
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { Fault, type FaultCode, messageOf } from '../base/errors.ts';

type Report<Progress, Result> =
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'done'; readonly result: Result }
  | { readonly kind: 'failed'; readonly code: FaultCode | undefined; readonly message: string; readonly stack: string | undefined };

export interface Job<Result> {
  /** Ends the work after its current step; what comes of it then is up to the work. */
  cancel(): void;
  /** Rejects with the Fault that ended the work (`reader-failed` where the thread itself died). */
  readonly result: Promise<Result>;
}

/** What the work gets besides its data. */
export interface Control<Progress> {
  /** Aborted by `cancel`. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

/** Starts the thread of `file`, which calls `serve`. `data` is cloned. */
export function startThread<Progress, Result>(file: URL, data: unknown, onProgress: (progress: Progress) => void): Job<Result> {
  const worker = new Worker(file, { workerData: data });
  const { promise, resolve, reject } = Promise.withResolvers<Result>();
  worker.on('message', (report: Report<Progress, Result>) => {
    if (report.kind === 'progress') onProgress(report.progress);
    else if (report.kind === 'done') resolve(report.result);
    else reject(report.code ? new Fault(report.code, report.message) : Object.assign(new Error(report.message), { stack: report.stack }));
  });
  worker.on('error', (error) => reject(new Fault('reader-failed', 'The training thread died: resume from the last checkpoint.', error)));
  worker.on('exit', () =>
    reject(new Fault('reader-failed', 'The training thread ended without a result: resume from the last checkpoint.')),
  );
  promise.catch(() => undefined); // a rejection that nobody awaits must not end the process
  return { cancel: () => worker.postMessage('cancel'), result: promise };
}

/**
 * The job's result; the job is cancelled when `signal` is aborted. Then rejects with the reason of `signal`, unless
 * the work still ended well.
 */
export async function resultOf<Result>(job: Job<Result>, signal: AbortSignal): Promise<Result> {
  if (signal.aborted) job.cancel();
  signal.addEventListener('abort', job.cancel, { once: true });
  try {
    return await job.result;
  } catch (error) {
    if (!(error instanceof Fault)) signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', job.cancel);
  }
}

/** The thread's side: does the work with the data it was started with, and reports what came of it. */
export async function serve<Data, Progress, Result>(work: (data: Data, control: Control<Progress>) => Promise<Result>): Promise<void> {
  const say = (report: Report<Progress, Result>) => parentPort?.postMessage(report);
  const cancel = new AbortController();
  parentPort?.on('message', () => cancel.abort()); // the only order
  try {
    const onProgress = (progress: Progress) => say({ kind: 'progress', progress });
    say({ kind: 'done', result: await work(workerData as Data, { signal: cancel.signal, onProgress }) });
  } catch (error) {
    const stack = error instanceof Error ? error.stack : undefined;
    say({ kind: 'failed', code: error instanceof Fault ? error.code : undefined, message: messageOf(error), stack });
  }
  parentPort?.close();
}
