/**
 * The pace of a replay: pictures made on demand go in, frames come out. Speed 0 is lock-step: one frame each time the
 * consumer asks, none dropped. At any other speed frames come at their own rate, newest wins.
 */
import type { Clock } from '../base/time.ts';
import type { Frame, Scene } from './port.ts';
import { newest } from './slot.ts';

/** A picture before it has a number and a time. */
export interface Shot {
  readonly picture: Uint8Array;
  readonly scene?: Scene;
}

export interface Pace {
  /** Frames per second at speed 1, > 0. */
  readonly fps: number;
  /** 1: real time; 0: lock-step; any other factor > 0: that many times faster. */
  readonly speed: number;
  readonly clock: Clock;
  readonly onDrop?: (dropped: number) => void;
}

/** Plays `shots` at `pace` until they end or `signal` is aborted. Leaving the loop closes `shots`. */
export async function* paced(shots: AsyncIterable<Shot>, pace: Pace, signal: AbortSignal): AsyncGenerator<Frame, void, void> {
  const { clock } = pace;
  let seq = 0;
  const frame = (shot: Shot): Frame => ({ ...shot, seq: ++seq, capturedAtMs: clock.now() });
  if (pace.speed === 0) {
    if (signal.aborted) return;
    for await (const shot of shots) {
      if (signal.aborted) return;
      yield frame(shot);
      if (signal.aborted) return;
    }
    return;
  }
  const periodMs = 1000 / (pace.fps * pace.speed);
  yield* newest<Frame>(
    async (push, stop) => {
      let dueMs = clock.now();
      for await (const shot of shots) {
        if (stop.aborted) return;
        push(frame(shot));
        // A replay that fell behind continues from now and does not hurry to catch up.
        dueMs = Math.max(dueMs + periodMs, clock.now());
        await clock.sleep(Math.max(0, dueMs - clock.now()), stop);
      }
    },
    signal,
    pace.onDrop ? { onDrop: pace.onDrop } : {},
  );
}
