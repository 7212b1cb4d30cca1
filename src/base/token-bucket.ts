/** A token bucket: a rate and a size go in, permission for one thing, or several, comes out. Full at the start. */
import type { Clock } from './time.ts';

export interface TokenBucket {
  /** Takes `count` tokens (1), or none when there are fewer; false then. */
  take(count?: number): boolean;
  /** How long until `count` tokens (1) are there, milliseconds; 0 when they are. */
  waitMs(count?: number): number;
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
    take: (count = 1) => {
      refill();
      if (tokens < count) return false;
      tokens -= count;
      return true;
    },
    waitMs: (count = 1) => {
      refill();
      return tokens >= count ? 0 : ((count - tokens) / perS) * 1000;
    },
  };
}
