/**
 * The face reader that other rooms use. Opening it starts a worker thread that holds both networks; disposing of it
 * ends the thread. Pictures go to the thread, Readings come back.
 */
import { Worker } from 'node:worker_threads';
import { Fault, type FaultCode } from '../base/errors.ts';
import type { Provider } from '../base/model/session.ts';
import type { EmbedderInfo, FaceReader, QualityLimits, Reading, ReadOptions } from './port.ts';

export interface ReaderOptions {
  /** Folder of the detector network. */
  readonly detector: string;
  /** Folder of the embedder network. */
  readonly embedder: string;
  /** Threads for one inference, ≥ 1. */
  readonly threads: number;
  /** What runs the networks; the processor by default. */
  readonly provider?: Provider;
  readonly limits: QualityLimits;
}

export interface WorkerRequest {
  readonly id: number;
  readonly picture: Uint8Array;
  readonly embed: ReadOptions['embed'];
  readonly mask: ReadOptions['mask'];
  readonly purpose: ReadOptions['purpose'];
}

export type WorkerAnswer =
  | { readonly kind: 'ready'; readonly info: EmbedderInfo }
  | { readonly kind: 'reading'; readonly id: number; readonly reading: Reading }
  | { readonly kind: 'fault'; readonly id?: number; readonly code: FaultCode; readonly message: string };

/** Longest time for the picture in hand when the reader ends. Milliseconds. */
const endMs = 5000;

/**
 * The thread ends by itself, after the picture in hand: a thread that is stopped while a network runs takes the whole
 * process with it (ONNX Runtime throws where nothing catches it).
 */
async function endOf(worker: Worker): Promise<void> {
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  worker.once('exit', () => resolve());
  if (worker.threadId === -1) return;
  worker.postMessage('end');
  const hung = setTimeout(() => void worker.terminate(), endMs);
  await gone;
  clearTimeout(hung);
}

/** Pictures lie outside the thread's heap: with the usual young generation it only grows, by 30 MB. */
const youngMb = 4;

/**
 * Loads both networks in a worker thread.
 * @throws Fault `model-missing`, `model-damaged` or `model-unfit`.
 */
export async function openFaceReader(options: ReaderOptions): Promise<FaceReader> {
  const resourceLimits = { maxYoungGenerationSizeMb: youngMb };
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: options, resourceLimits });
  const waiting = new Map<number, { resolve: (reading: Reading) => void; reject: (fault: Fault) => void }>();
  const { promise: ready, resolve: opened, reject: failed } = Promise.withResolvers<EmbedderInfo>();
  let death: Fault | undefined;
  let nextId = 1;
  const die = (why: string, cause?: unknown) => {
    death ??= new Fault('reader-failed', `The face reader's thread ended: ${why}`, cause);
    failed(death);
    for (const { reject } of waiting.values()) reject(death);
    waiting.clear();
  };
  worker.on('error', (error) => die(error instanceof Error ? error.message : String(error), error));
  worker.on('exit', (code) => die(`exit code ${code}`));
  worker.on('message', (answer: WorkerAnswer) => {
    if (answer.kind === 'ready') return opened(answer.info);
    if (answer.kind === 'fault' && answer.id === undefined) return failed(new Fault(answer.code, answer.message));
    const call = waiting.get(answer.id ?? 0);
    waiting.delete(answer.id ?? 0);
    if (answer.kind === 'reading') call?.resolve(answer.reading);
    else call?.reject(new Fault(answer.code, answer.message));
  });
  const info = await ready.catch(async (error) => {
    await worker.terminate();
    throw error;
  });
  return {
    embedder: info,
    read: (picture, { embed = 'good', mask, purpose = 'door' } = {}) =>
      new Promise((resolve, reject) => {
        if (death) return reject(death);
        const id = nextId++;
        waiting.set(id, { resolve, reject });
        worker.postMessage({ id, picture, embed, mask, purpose } satisfies WorkerRequest);
      }),
    [Symbol.asyncDispose]: () => endOf(worker),
  };
}
