/**
 * When training stands still: faces at the door go in with the time; out comes whether to wait. Somebody who leaves lets it go on two seconds later; whoever stays for very long (a
 * poster, a doll in a window) keeps it waiting no longer than a bound, and from then on it works in breaths.
 */
import type { Clock } from '../base/time.ts';

/** Somebody stands at the door for so long after the last frame with a face, milliseconds. */
const standingMs = 2000;
/** Past the bound so much of each cycle is for training, milliseconds. */
const breathMs = 2000;
const cycleMs = 10_000;

export interface Pause {
  /** A frame with a face. */
  saw(): void;
  /** Whether training is to stand still now. */
  still(): boolean;
}

/** `mostMs`: the bound; 0: none. */
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
