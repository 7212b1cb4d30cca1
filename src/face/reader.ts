/**
 * The face reader that other rooms use. Opening it starts a worker thread that holds both networks; disposing of it
 * ends the thread. Pictures go to the thread, Readings come back.
 */

import type { NetworkPlace } from '../base/model/place.ts';
import type { Provider } from '../base/model/session.ts';
import { openCalledThread } from '../base/process/called-thread.ts';
import type { EmbedderInfo, FaceReader, QualityLimits, Reading, ReadOptions } from './port.ts';

export interface ReaderOptions {
  /** Folder of the detector network. */
  readonly detector: string;
  /** Where the embedder network lies. */
  readonly embedder: NetworkPlace;
  /** Threads for one inference, ≥ 1. */
  readonly threads: number;
  /** What runs the networks; the processor by default. */
  readonly provider?: Provider;
  readonly limits: QualityLimits;
  /** How much its thread gives way to the rest, 0…19; 0 by default. */
  readonly niceness?: number;
}

export interface WorkerRequest extends ReadOptions {
  readonly picture: Uint8Array;
}

/**
 * Loads both networks in a worker thread.
 * @throws Fault `model-missing`, `model-damaged` or `model-unfit`.
 */
export async function openFaceReader(options: ReaderOptions): Promise<FaceReader> {
  const module = new URL('./worker.ts', import.meta.url);
  const thread = await openCalledThread<EmbedderInfo, WorkerRequest, Reading>({
    module,
    data: options,
    ended: "The face reader's thread ended",
  });
  return {
    embedder: thread.info,
    read: (picture, asked = {}) => thread.call({ picture, ...asked }),
    [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
  };
}
