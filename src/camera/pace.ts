/**
 * The pace of a replay: turns pictures made on demand into frames, either one for each time the consumer asks
 * (speed 0, lock-step, nothing dropped) or at a rate of its own through the slot (any other speed).
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
  /** Frames per second of life, > 0. */
  readonly fps: number;
  /** 1: life at `fps`; 0: lock-step; any other factor ≥ 0: that many times faster than life. */
  readonly speed: number;
  readonly clock: Clock;
  readonly onDrop?: (dropped: number) => void;
}

/** Plays `shots` at `pace` until they end or `signal` is aborted; `shots` is closed when the loop is left. */
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
        // A replay that fell behind goes on from now: it never hurries to make up for lost time.
        dueMs = Math.max(dueMs + periodMs, clock.now());
        await clock.sleep(Math.max(0, dueMs - clock.now()), stop);
      }
    },
    signal,
    pace.onDrop ? { onDrop: pace.onDrop } : {},
  );
}
