/**
 * Keys that a process keeps until it ends, by the file that they are for. Keys go in and are taken over; copies come
 * out.
 */
export interface KeptKeys {
  of(file: string): Uint8Array | undefined;
  /** In place of the one before, which is overwritten with zeros. */
  keep(file: string, key: Uint8Array): void;
}

export function keptKeys(): KeptKeys {
  const keys = new Map<string, Uint8Array>();
  return {
    of: (file) => {
      const key = keys.get(file);
      return key && Uint8Array.from(key);
    },
    keep: (file, key) => {
      keys.get(file)?.fill(0);
      keys.set(file, key);
    },
  };
}
