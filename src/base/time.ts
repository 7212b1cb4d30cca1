/** Time is passed in: the monotonic clock for every decision, the wall clock for what people read. */
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

/** Time since the computer started, suspensions included; nobody sets it. */
export interface BootTime {
  /** Another one after each start of the computer. */
  readonly id: string;
  nowMs(): number;
}

/** Where the computer's start is not known: each run of the program counts as one. */
export const runTime = (clock: Pick<Clock, 'now'>, id: string): BootTime => ({ id, nowMs: () => clock.now() });

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  sleep: async (ms, signal) => {
    await delay(Math.max(0, ms), undefined, signal ? { signal } : {});
  },
};

export interface SteppedClock extends Clock {
  /** Moves the clock on to the next frame of a replay that runs faster than life. */
  step(ms: number): void;
}

/**
 * The clock of a replay in lock-step. Each frame moves it on by one frame period; within a period it follows real time,
 * so that ages and latencies stay true. Sleepers wake when this clock, or real time, has passed their end.
 */
export function steppedClock(): SteppedClock {
  let baseMs = 0;
  let periodMs = 0;
  let since = performance.now();
  const sleepers = new Set<{ readonly endMs: number; readonly wake: () => void }>();
  const now = () => baseMs + Math.min(performance.now() - since, periodMs);
  return {
    now,
    wall: () => Date.now(),
    step: (ms) => {
      baseMs += periodMs;
      periodMs = ms;
      since = performance.now();
      for (const sleeper of sleepers) if (sleeper.endMs <= baseMs) sleeper.wake();
    },
    sleep: async (ms, signal) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const sleeper = { endMs: now() + ms, wake: resolve };
      const real = new AbortController();
      sleepers.add(sleeper);
      try {
        await Promise.race([
          promise,
          delay(Math.max(0, ms), undefined, { signal: AbortSignal.any([real.signal, ...(signal ? [signal] : [])]) }),
        ]);
      } finally {
        sleepers.delete(sleeper);
        real.abort();
      }
    },
  };
}
