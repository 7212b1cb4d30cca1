/**
 * What is free inside glibc's heap stays with the process until it is asked for. In: a clock. Out: a function that
 * gives it back to the system, for whoever has a moment.
 */
import koffi from 'koffi';
import { openCollect } from '../base/process/called-thread.ts';
import type { Clock } from '../base/time.ts';

/**
 * Gives what the whole process has freed back to the system, at most once in 20 s: 1 to 3 ms, and 50 ms the first time,
 * when what the start has left in V8's heap goes (20 MB). A quiet door would keep that for hours.
 */
export function openTrim(clock: Pick<Clock, 'now'>): () => void {
  let dueMs = clock.now() + trimEveryMs;
  let collect: ReturnType<typeof openCollect> | undefined = openCollect();
  const trim = trimOf();
  return () => {
    if (clock.now() < dueMs) return;
    dueMs = clock.now() + trimEveryMs;
    collect?.('all');
    collect = undefined;
    trim?.(0);
  };
}

const trimEveryMs = 20_000;

/** malloc_trim(3), of glibc alone. */
function trimOf(): ((pad: number) => number) | undefined {
  try {
    return koffi.load(null).func('int malloc_trim(size_t pad)');
  } catch {
    return undefined;
  }
}
