/** How fast a backlog goes out: a rate in, permission for one message after the other out, so that a door that was cut off for a day does not flood the broker. */
import type { Clock } from '../base/time.ts';

export interface Drain {
  /** Resolves when the next message may go; at once after `over`. */
  next(): Promise<void>;
}

/** As many messages may go at once as fall into this time, milliseconds: timers are no finer than that. */
const burstMs = 20;

export function openDrain(perS: number, clock: Clock, over: AbortSignal): Drain {
  const size = Math.max(1, (perS * burstMs) / 1000);
  let tokens = size;
  let atMs = clock.now();
  return {
    next: async () => {
      for (;;) {
        const nowMs = clock.now();
        tokens = Math.min(size, tokens + ((nowMs - atMs) / 1000) * perS);
        atMs = nowMs;
        if (tokens >= 1 || over.aborted) break;
        await clock.sleep(Math.max(1, ((1 - tokens) / perS) * 1000), over).catch(() => undefined);
      }
      tokens--;
    },
  };
}
