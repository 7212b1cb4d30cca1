/** Limits the frame rate: asked for each frame as it arrives, it says whether to take the frame. */
import type { Clock } from '../base/time.ts';

/** How early a frame may be, in periods: cameras do not keep time exactly. */
const slack = 0.25;

/** A gate for `fps` frames per second on average, evenly spaced. */
export function rateGate(fps: number, clock: Clock): () => boolean {
  const periodMs = 1000 / fps;
  let dueMs = Number.NEGATIVE_INFINITY;
  return () => {
    const nowMs = clock.now();
    if (nowMs < dueMs - slack * periodMs) return false;
    // After a pause the count starts from now: lost frames are not made up for.
    dueMs = nowMs - dueMs > periodMs ? nowMs + periodMs : dueMs + periodMs;
    return true;
  };
}
