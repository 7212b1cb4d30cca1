/**
 * What is free inside glibc's heap stays with the process until it is asked for. In: a clock. Out: a function that
 * gives it back to the system, for whoever has a moment.
 */
import koffi from 'koffi';
import type { Clock } from '../base/time.ts';

/**
 * Gives what the whole process has freed back to the system, at most once in 20 s: 1 to 3 ms. Does nothing where the C
 * library cannot.
 */
export function openTrim(clock: Pick<Clock, 'now'>): () => void {
  let dueMs = clock.now() + firstAfterMs;
  const trim = trimOf();
  return () => {
    if (clock.now() < dueMs) return;
    dueMs = clock.now() + trimEveryMs;
    trim?.(0);
  };
}

const trimEveryMs = 20_000;
/** What the start has freed. */
const firstAfterMs = 5000;

/** malloc_trim(3), of glibc alone. */
function trimOf(): ((pad: number) => number) | undefined {
  try {
    return koffi.load(null).func('int malloc_trim(size_t pad)');
  } catch {
    return undefined;
  }
}
