/**
 * The newest value of each key: values go in under a key; each follower, however slow, gets the latest of every key
 * that changed.
 */

export interface News<Key, Value> {
  tell(key: Key, value: Value): void;
  /** From now on, until `signal` is aborted. */
  follow(signal: AbortSignal): AsyncIterable<Value>;
}

export function news<Key, Value>(): News<Key, Value> {
  const followers = new Set<(key: Key, value: Value) => void>();
  return {
    tell: (key, value) => {
      for (const hear of followers) hear(key, value);
    },
    follow: async function* (signal) {
      const unread = new Map<Key, Value>();
      let bell = Promise.withResolvers<void>();
      const hear = (key: Key, value: Value) => {
        unread.delete(key); // kept in the order of the last change
        unread.set(key, value);
        bell.resolve();
      };
      const stop = () => bell.resolve();
      signal.addEventListener('abort', stop, { once: true });
      followers.add(hear);
      try {
        while (!signal.aborted) {
          for (const [key, value] of unread) {
            unread.delete(key);
            yield value;
            if (signal.aborted) return;
          }
          if (unread.size > 0) continue;
          bell = Promise.withResolvers<void>();
          await bell.promise;
        }
      } finally {
        followers.delete(hear);
        signal.removeEventListener('abort', stop);
      }
    },
  };
}
