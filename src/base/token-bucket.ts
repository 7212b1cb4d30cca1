/** A token bucket: a rate and a size go in, permission for one thing at a time comes out. Full at the start. */
import type { Clock } from './time.ts';

export interface TokenBucket {
  /** Takes one token; false when there is none. */
  take(): boolean;
  /** How long until the next token is there, milliseconds; 0 when one is. */
  waitMs(): number;
}

/** `perS`: tokens a second, above 0. `size`: how many can be saved up, at least 1. */
export function tokenBucket({
  perS,
  size,
  clock,
}: {
  readonly perS: number;
  readonly size: number;
  readonly clock: Pick<Clock, 'now'>;
}): TokenBucket {
  let tokens = size;
  let atMs = clock.now();
  const refill = () => {
    const nowMs = clock.now();
    tokens = Math.min(size, tokens + ((nowMs - atMs) / 1000) * perS);
    atMs = nowMs;
  };
  return {
    take: () => {
      refill();
      if (tokens < 1) return false;
      tokens--;
      return true;
    },
    waitMs: () => {
      refill();
      return tokens >= 1 ? 0 : ((1 - tokens) / perS) * 1000;
    },
  };
}
