/**
 * When the training process is stopped: faces at the door go in with the time; out comes whether training waits now.
 * Two seconds after the last face it goes on. A face that stays for very long (a poster, a doll in a window) holds it
 * up to a limit; after that, training gets a share of each cycle.
 */
import type { Clock } from '../base/time.ts';

/** This long after the last frame with a face, somebody still counts as being at the door, milliseconds. */
const standingMs = 2000;
/** Past the limit, the share of each cycle that training gets, milliseconds. */
const breathMs = 2000;
const cycleMs = 10_000;

export interface Pause {
  /** A frame with a face. */
  saw(): void;
  /** Whether training waits now. */
  still(): boolean;
}

/** `mostMs`: the limit; 0: none. */
export function pauseOf({ clock, mostMs }: { readonly clock: Pick<Clock, 'now'>; readonly mostMs: number }): Pause {
  let lastFaceMs = Number.NEGATIVE_INFINITY;
  let sinceMs: number | undefined;
  const gone = () => clock.now() - lastFaceMs >= standingMs;
  return {
    saw: () => {
      if (gone()) sinceMs = clock.now();
      lastFaceMs = clock.now();
    },
    still: () => {
      if (gone() || sinceMs === undefined) return false;
      const over = clock.now() - sinceMs - mostMs;
      return mostMs === 0 || over < 0 || over % cycleMs >= breathMs;
    },
  };
}
