/** Lets no more than a number of frames a second through: asked for each frame as it comes, it says whether to take it. */
import type { Clock } from '../base/time.ts';

/** How much earlier than due a frame may come, in periods: cameras do not keep time exactly. */
const slack = 0.25;

/** A gate for `fps` frames per second on average, evenly spaced. */
export function rateGate(fps: number, clock: Clock): () => boolean {
  const periodMs = 1000 / fps;
  let dueMs = Number.NEGATIVE_INFINITY;
  return () => {
    const nowMs = clock.now();
    if (nowMs < dueMs - slack * periodMs) return false;
    // A camera that paused goes on from now: it does not make up for lost frames.
    dueMs = nowMs - dueMs > periodMs ? nowMs + periodMs : dueMs + periodMs;
    return true;
  };
}
