/**
 * Time as a thing that is passed in: a monotonic clock for every decision, the wall clock for what people read.
 */
import { setTimeout as delay } from 'node:timers/promises';

/** Where the daemon takes its time from; tests pass their own. */
export interface Clock {
  /** Monotonic milliseconds since an arbitrary start; never goes back. */
  now(): number;
  /** Wall-clock milliseconds since 1970 (UTC). May jump. */
  wall(): number;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  sleep: async (ms, signal) => {
    await delay(ms, undefined, signal ? { signal } : {});
  },
};
