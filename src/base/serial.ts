/**
 * One piece of work after the other: pieces go in at any time; each starts when the one before has resolved or
 * rejected.
 */

/**
 * Runs `work` when its turn comes; resolves and rejects as `work` does. A failure does not stop the pieces behind it.
 */
export type SerialQueue = <T>(work: () => T | Promise<T>) => Promise<T>;

export function serialQueue(): SerialQueue {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  };
}
