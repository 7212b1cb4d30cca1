/**
 * Which signed commands came since the start: a key and an id go in; whether that command came before comes out. In
 * memory, and until the command has expired: what changes something is noted on disk besides (used.ts).
 */

export interface SeenIds {
  has(kid: string, jti: string): boolean;
  /** Both times in seconds since 1970. */
  add(kid: string, jti: string, expS: number, nowS: number): void;
}

/** How often those that have expired are dropped, seconds. */
const sweepS = 60;

export function seenIds(): SeenIds {
  const ids = new Map<string, number>();
  let sweptS = Number.NEGATIVE_INFINITY;
  return {
    has: (kid, jti) => ids.has(`${kid} ${jti}`),
    add: (kid, jti, expS, nowS) => {
      // Also where the clock was set back.
      if (Math.abs(nowS - sweptS) >= sweepS) {
        for (const [id, endS] of ids) if (endS < nowS) ids.delete(id);
        sweptS = nowS;
      }
      ids.set(`${kid} ${jti}`, expS);
    },
  };
}
