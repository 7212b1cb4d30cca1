/**
 * What a thread that runs for months does with memory it no longer needs. Pictures and networks lie outside of V8's
 * heap, behind small objects: the heap hardly grows, so V8 collects seldom, and much waits to be freed. And what is
 * free inside glibc's heap stays with the process until it is asked for.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import koffi from 'koffi';
import type { Clock } from '../time.ts';

/** Frees what this thread holds no more: all of it (milliseconds), or what was made since the last time (less). */
export type Collect = (what: 'all' | 'young') => void;

export function openCollect(): Collect {
  setFlagsFromString('--expose-gc');
  const gc: (options: { type: 'major' | 'minor' }) => void = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  return (what) => gc({ type: what === 'all' ? 'major' : 'minor' });
}

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
