/**
 * One slot, newest wins: turns a producer that pushes items whenever it has them into an iterable whose consumer
 * always gets the newest one. An item that was not taken before the next came is dropped and counted.
 */

/** Runs until it has nothing more to push (resolves), fails (rejects with the Fault to throw), or `signal` is aborted (either). */
export type Producer<T> = (push: (item: T) => void, signal: AbortSignal) => Promise<void>;

export interface NewestOptions {
  /** Told the number of items dropped so far, each time one is. */
  readonly onDrop?: (dropped: number) => void;
}

/**
 * The newest items of `produce`, which is started at the first `next()`. An item still in the slot when the producer ends is
 * delivered first; then the iteration throws what the producer rejected with, or ends. It ends without a fault when `signal` is
 * aborted. Leaving the loop aborts the producer's signal and waits until the producer has ended.
 */
export async function* newest<T>(produce: Producer<T>, signal: AbortSignal, options: NewestOptions = {}): AsyncGenerator<T, void, void> {
  if (signal.aborted) return;
  const left = new AbortController();
  const both = AbortSignal.any([signal, left.signal]);
  let held: { readonly item: T } | undefined;
  let dropped = 0;
  let end: { readonly fault?: unknown } | undefined;
  let bell = Promise.withResolvers<void>();
  const ring = (): void => bell.resolve();
  const push = (item: T): void => {
    if (both.aborted) return;
    if (held) options.onDrop?.(++dropped);
    held = { item };
    ring();
  };
  signal.addEventListener('abort', ring, { once: true });
  const ended = produce(push, both).then(
    () => {
      end = {};
      ring();
    },
    (fault: unknown) => {
      end = { fault };
      ring();
    },
  );
  try {
    while (!signal.aborted) {
      if (held) {
        const { item } = held;
        held = undefined;
        yield item;
      } else if (end) {
        if ('fault' in end) throw end.fault;
        return;
      } else {
        await bell.promise;
        bell = Promise.withResolvers<void>();
      }
    }
  } finally {
    signal.removeEventListener('abort', ring);
    left.abort();
    await ended;
  }
}
