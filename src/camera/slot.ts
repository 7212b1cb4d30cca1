/**
 * One slot, newest wins: a producer that pushes items at any time goes in, an iterable comes out whose consumer always
 * gets the newest item. An item that is not taken before the next one arrives is dropped and counted.
 */

/**
 * Resolves when it has nothing more to push, rejects with the Fault to throw, and does either when `signal` is aborted.
 */
export type Producer<T> = (push: (item: T) => void, signal: AbortSignal) => Promise<void>;

export interface NewestOptions {
  /** Called with the number of items dropped so far, each time one is dropped. */
  readonly onDrop?: (dropped: number) => void;
}

/**
 * The newest items of `produce`, which starts at the first `next()`. When the producer ends, an item in the slot is
 * still delivered; then the iteration ends, or throws what the producer rejected with. It ends without a fault when
 * `signal` is aborted. Leaving the loop aborts the producer's signal and waits until the producer has ended.
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
