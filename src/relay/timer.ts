/**
 * How long a line stays active: pulses and leases in, edges out. Every relay that times its line itself (the dry one, the keeper) uses it, so
 * the limits are the same everywhere.
 */
import type { Clock } from '../time.ts';

export interface LineLimits {
  /** No pulse is active longer, counted from its first edge. Milliseconds. */
  readonly maxMs: number;
  /** No hold is active longer, however often it is renewed. Milliseconds. */
  readonly maxHoldMs: number;
}

export interface LineTimerOptions extends LineLimits {
  readonly clock: Clock;
  /** Drives the line; throws where it cannot be driven. Called at edges only. */
  readonly drive: (level: 'safe' | 'active') => void;
  /** The line could not be driven safe at the end of a pulse or lease: nobody waits for it who could be told. */
  readonly onLost?: (error: unknown) => void;
}

export interface LineTimer {
  pulse(durationMs: number): void;
  hold(leaseMs: number): void;
  safe(): void;
  readonly level: 'safe' | 'active';
}

/** A lease is meant to be renewed each second; a longer one would outlive whoever gave it. */
export const maxLeaseMs = 5000;

/** A timer over a line that is at its safe level. */
export function lineTimer({ clock, maxMs, maxHoldMs, drive, onLost }: LineTimerOptions): LineTimer {
  let level: LineTimer['level'] = 'safe';
  let pulseSinceMs: number | undefined;
  let pulseEndMs = 0;
  let holdSinceMs: number | undefined;
  let holdEndMs = 0;
  let renewedMs = 0;
  let waiting: AbortController | undefined;

  const to = (next: LineTimer['level']) => {
    if (level === next) return;
    drive(next);
    level = next;
  };
  const lapse = () => {
    waiting?.abort();
    waiting = pulseSinceMs = undefined;
    pulseEndMs = holdEndMs = 0;
    to('safe');
  };
  const safe = () => {
    holdSinceMs = undefined;
    lapse();
  };
  const wait = () => {
    waiting?.abort();
    const mine = new AbortController();
    waiting = mine;
    const restMs = Math.max(pulseEndMs, holdEndMs) - clock.now();
    clock.sleep(restMs, mine.signal).then(
      () => {
        try {
          lapse();
        } catch (error) {
          onLost?.(error);
        }
      },
      () => undefined, // lengthened or ended: nothing is left for this wait to do
    );
  };
  const activate = () => {
    if (Math.max(pulseEndMs, holdEndMs) <= clock.now()) return lapse();
    to('active');
    wait();
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
      activate();
    },
    hold: (leaseMs) => {
      const now = clock.now();
      // A hold that reached its maximum is not begun anew by the next renewal, only by one after a pause.
      if (now - renewedMs > maxLeaseMs) holdSinceMs = undefined;
      renewedMs = now;
      holdSinceMs ??= now;
      holdEndMs = Math.min(holdSinceMs + maxHoldMs, Math.max(holdEndMs, now + Math.min(leaseMs, maxLeaseMs)));
      activate();
    },
    safe,
  };
}
