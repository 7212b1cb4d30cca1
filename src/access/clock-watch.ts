/** Notices a wall clock that moves otherwise than time passes, or that was never set: both clocks in at every tick, jumps and whether it can be trusted out. */
import type { Clock } from '../base/time.ts';

export interface ClockWatchOptions {
  readonly clock: Clock;
  /** Whether the time service holds the clock to be right; true ends every doubt. */
  readonly synchronised: () => boolean;
  readonly onJump: (byMs: number, sure: boolean) => void;
}

export interface ClockWatch {
  /** Call it often; a step is told once. */
  tick(): void;
  /** False after a jump, or before the clock was ever set, until it is synchronised. */
  readonly sure: boolean;
}

/** Slewing by a time service stays far below this between two ticks. */
const jumpMs = 2000;
/** This program did not exist before: an earlier clock was never set. */
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
