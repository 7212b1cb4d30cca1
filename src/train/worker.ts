/** The thread that trains: a recipe and orders (pause, go on, cancel) in as messages, progress and the result out. */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { Fault, type FaultCode, messageOf } from '../errors.ts';
import type { Progress, Recipe } from './recipe.ts';
import { type RunResult, train } from './trainer.ts';

export type Order = 'pause' | 'go on' | 'cancel';

export type Report =
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'done'; readonly result: RunResult }
  | { readonly kind: 'failed'; readonly code: FaultCode | undefined; readonly message: string; readonly stack: string | undefined };

async function serve(recipe: Recipe): Promise<void> {
  const say = (report: Report) => parentPort?.postMessage(report);
  const cancel = new AbortController();
  let gate: PromiseWithResolvers<void> | undefined;
  const orders: Record<Order, () => void> = {
    pause: () => {
      gate ??= Promise.withResolvers();
    },
    'go on': () => {
      gate?.resolve();
      gate = undefined;
    },
    cancel: () => {
      cancel.abort();
      gate?.resolve();
    },
  };
  parentPort?.on('message', (order: Order) => orders[order]());
  try {
    const onProgress = (progress: Progress) => say({ kind: 'progress', progress });
    const result = await train(recipe, { onProgress, signal: cancel.signal, permit: () => gate?.promise });
    say({ kind: 'done', result });
  } catch (error) {
    const stack = error instanceof Error ? error.stack : undefined;
    say({ kind: 'failed', code: error instanceof Fault ? error.code : undefined, message: messageOf(error), stack });
  }
  parentPort?.close();
}

if (!isMainThread) await serve(workerData as Recipe);
