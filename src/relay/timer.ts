/**
 * How long a line stays active: pulses and leases go in, edges come out. The dry relay and the keeper both use it, so
 * the limits are the same everywhere.
 */
import type { Clock } from '../base/time.ts';
import type { Level } from './line.ts';

export interface LineLimits {
  /** Longest pulse, from its first edge. Milliseconds. */
  readonly maxMs: number;
  /** Longest hold, however often it is renewed. Milliseconds. */
  readonly maxHoldMs: number;
}

export interface LineTimerOptions extends LineLimits {
  readonly clock: Clock;
  /**
   * Drives the line, active for `restMs` from now; throws if it cannot. Returns a promise for a network device, whose
   * level counts as active from the command until it is confirmed safe. Called only at edges, unless `renews`.
   */
  readonly drive: (level: Level, restMs: number) => unknown;
  /** Call `drive` for every pulse and lease, because what it drives switches off by itself. */
  readonly renews?: boolean;
  /** Called if the line could not be made safe at the end of a pulse or lease, when no caller waits for the result. */
  readonly onLost?: (error: unknown) => void;
}

/** Each call returns what `drive` returns: nothing, or a promise for a network device. */
export interface LineTimer {
  pulse(durationMs: number): unknown;
  hold(leaseMs: number): unknown;
  safe(): unknown;
  readonly level: Level;
}

/** A lease is renewed every second; a longer one would outlive its holder. */
export const maxLeaseMs = 5000;

/** The line must be at its safe level. */
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
      () => undefined, // extended or ended: this wait has nothing left to do
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
      // A pulse during a pulse counts from the first edge; a pulse during or after a hold counts from its own start.
      if (pulseSinceMs === undefined || pulseEndMs <= now) pulseSinceMs = now;
      pulseEndMs = Math.min(pulseSinceMs + maxMs, Math.max(pulseEndMs, now + durationMs));
      return activate();
    },
    hold: (leaseMs) => {
      const now = clock.now();
      // After a hold has reached its maximum, only a renewal after a pause starts a new one.
      if (now - renewedMs > maxLeaseMs) holdSinceMs = undefined;
      renewedMs = now;
      holdSinceMs ??= now;
      holdEndMs = Math.min(holdSinceMs + maxHoldMs, Math.max(holdEndMs, now + Math.min(leaseMs, maxLeaseMs)));
      return activate();
    },
    safe,
  };
}
