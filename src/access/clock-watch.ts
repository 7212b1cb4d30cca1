/**
 * Notices a wall clock that jumps or was never set. In: both clocks, at every tick. Out: each jump, and whether the
 * wall clock can be trusted.
 */
import type { Clock } from '../base/time.ts';

export interface ClockWatchOptions {
  readonly clock: Clock;
  /** Whether the time service says that the clock is right; true ends every doubt. */
  readonly synchronised: () => boolean;
  readonly onJump: (byMs: number, sure: boolean) => void;
}

export interface ClockWatch {
  /** Call it often; each jump is reported once. */
  tick(): void;
  /** False after a jump, or before the clock was ever set, until it is synchronised. */
  readonly sure: boolean;
}

/** A time service that slews the clock stays far below this between two ticks. */
const jumpMs = 2000;
/** This program did not exist before this date: a clock that shows an earlier one was never set. */
const earliestWallMs = Date.UTC(2026, 0, 1);

export function clockWatch({ clock, synchronised, onJump }: ClockWatchOptions): ClockWatch {
  const offset = () => clock.wall() - clock.now();
  let before = offset();
  let doubtful = clock.wall() < earliestWallMs;
  return {
    tick: () => {
      const now = offset();
      const byMs = now - before;
      before = now;
      if (clock.wall() < earliestWallMs) doubtful = true;
      if (Math.abs(byMs) > jumpMs) doubtful = true;
      if (doubtful && synchronised()) doubtful = clock.wall() < earliestWallMs;
      if (Math.abs(byMs) > jumpMs) onJump(Math.round(byMs), !doubtful);
    },
    get sure() {
      return !doubtful;
    },
  };
}
