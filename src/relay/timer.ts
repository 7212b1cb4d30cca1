/**
 * How long a line stays active: pulses and leases in, edges out. Every relay that times its line itself (the dry one, the keeper) uses it, so
 * the limits are the same everywhere.
 */
import type { Clock } from '../base/time.ts';
import type { Level } from './line.ts';

export interface LineLimits {
  /** No pulse is active longer, counted from its first edge. Milliseconds. */
  readonly maxMs: number;
  /** No hold is active longer, however often it is renewed. Milliseconds. */
  readonly maxHoldMs: number;
}

export interface LineTimerOptions extends LineLimits {
  readonly clock: Clock;
  /**
   * Drives the line, active for `restMs` from now; throws where it cannot be driven. A promise where the line is driven over a network: from when it is
   * asked to be active until it is safe for certain, its level counts as active. Called at edges only, unless `renews`.
   */
  readonly drive: (level: Level, restMs: number) => unknown;
  /** `drive` is told of every pulse and lease, because what it drives ends by itself. */
  readonly renews?: boolean;
  /** The line could not be driven safe at the end of a pulse or lease: nobody waits for it who could be told. */
  readonly onLost?: (error: unknown) => void;
}

/** What the line answers is answered at once, and over a network as a promise. */
export interface LineTimer {
  pulse(durationMs: number): unknown;
  hold(leaseMs: number): unknown;
  safe(): unknown;
  readonly level: Level;
}

/** A lease is meant to be renewed each second; a longer one would outlive whoever gave it. */
export const maxLeaseMs = 5000;

/** A timer over a line that is at its safe level. */
export function lineTimer({ clock, maxMs, maxHoldMs, drive, renews = false, onLost }: LineTimerOptions): LineTimer {
  let level: Level = 'safe';
  let asked = 0;
  let pulseSinceMs: number | undefined;
  let pulseEndMs = 0;
  let holdSinceMs: number | undefined;
  let holdEndMs = 0;
  let renewedMs = 0;
  let waiting: AbortController | undefined;

  const to = (next: Level, restMs = 0): unknown => {
    if (level === next && !(renews && next === 'active')) return undefined;
    const mine = ++asked;
    const driven = drive(next, restMs);
    if (!(driven instanceof Promise) || next === 'active') {
      level = next;
      return driven;
    }
    return driven.then(() => {
      if (mine === asked) level = 'safe';
    });
  };
  const lapse = () => {
    waiting?.abort();
    waiting = pulseSinceMs = undefined;
    pulseEndMs = holdEndMs = 0;
    return to('safe');
  };
  const safe = () => {
    holdSinceMs = undefined;
    return lapse();
  };
  const wait = () => {
    waiting?.abort();
    const mine = new AbortController();
    waiting = mine;
    const restMs = Math.max(pulseEndMs, holdEndMs) - clock.now();
    clock.sleep(restMs, mine.signal).then(
      async () => {
        try {
          await lapse();
        } catch (error) {
          onLost?.(error);
        }
      },
      () => undefined, // lengthened or ended: nothing is left for this wait to do
    );
  };
  const activate = () => {
    const restMs = Math.max(pulseEndMs, holdEndMs) - clock.now();
    if (restMs <= 0) return lapse();
    const driven = to('active', restMs);
    wait();
    return driven;
  };
  return {
    get level() {
      return level;
    },
    pulse: (durationMs) => {
      const now = clock.now();
      // A pulse during a pulse counts from the first edge; one that begins during a hold, or after one, from itself.
      if (pulseSinceMs === undefined || pulseEndMs <= now) pulseSinceMs = now;
      pulseEndMs = Math.min(pulseSinceMs + maxMs, Math.max(pulseEndMs, now + durationMs));
      return activate();
    },
    hold: (leaseMs) => {
      const now = clock.now();
      // A hold that reached its maximum is not begun anew by the next renewal, only by one after a pause.
      if (now - renewedMs > maxLeaseMs) holdSinceMs = undefined;
      renewedMs = now;
      holdSinceMs ??= now;
      holdEndMs = Math.min(holdSinceMs + maxHoldMs, Math.max(holdEndMs, now + Math.min(leaseMs, maxLeaseMs)));
      return activate();
    },
    safe,
  };
}
