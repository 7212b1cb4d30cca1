/**
 * The checker of liveness that the house uses. Opening it starts a worker thread that holds the networks; disposing of
 * it ends the thread. Frames go to the thread with the memory of their cuts; evidence comes back.
 */
import { buffersIn, openCalledThread } from '../base/process/called-thread.ts';
import type { FrameEvidence, LivenessChecker, LivenessFrame, LivenessInfo } from './port.ts';

export interface CheckerOptions {
  /** Folder of the networks, and of the network that tells whether an eye is open. */
  readonly networks: string;
  readonly eye: string;
  /** Threads for one inference, ≥ 1. */
  readonly threads: number;
}

/**
 * Loads the networks in a worker thread.
 * @throws Fault `model-missing`, `model-damaged` or `model-unfit`.
 */
export async function openLivenessChecker(options: CheckerOptions): Promise<LivenessChecker> {
  const module = new URL('./worker.ts', import.meta.url);
  const thread = await openCalledThread<LivenessInfo, LivenessFrame, FrameEvidence>({
    module,
    data: options,
    ended: "The liveness checks' thread ended",
  });
  return {
    info: thread.info,
    look: (frame) => thread.call(frame, buffersIn(frame.cuts)),
    [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
  };
}
