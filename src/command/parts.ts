/**
 * Pictures that come in parts, each in its own command: parts go in, the whole comes out with the last of them. Limited
 * in number, size and time.
 */
import type { Clock } from '../base/time.ts';

export interface Parts {
  /** The whole, or how many parts are there so far; a text says why the part cannot be taken. */
  add(part: {
    readonly key: string;
    readonly index: number;
    readonly of: number;
    readonly bytes: Uint8Array;
  }): Uint8Array | number | string;
}

export interface PartsOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** Of one picture. */
  readonly maxBytes: number;
  /** The most pictures under way; a further one drops the one that waited longest. */
  readonly maxAtOnce: number;
  /** A picture that gets no part for this long is dropped, milliseconds. */
  readonly patienceMs: number;
}

interface Gathering {
  readonly of: number;
  readonly parts: Map<number, Uint8Array>;
  bytes: number;
  touchedMs: number;
}

export function partsOf({ clock, maxBytes, maxAtOnce, patienceMs }: PartsOptions): Parts {
  // In the order of their last part.
  const gatherings = new Map<string, Gathering>();
  const forgetOld = () => {
    for (const [key, { touchedMs }] of gatherings) if (clock.now() - touchedMs > patienceMs) gatherings.delete(key);
    for (const [key] of gatherings) if (gatherings.size >= maxAtOnce) gatherings.delete(key);
  };
  return {
    add: ({ key, index, of, bytes }) => {
      const known = gatherings.get(key);
      if (!known) forgetOld();
      const gathering = known ?? { of, parts: new Map(), bytes: 0, touchedMs: 0 };
      gatherings.delete(key);
      if (of !== gathering.of || index > of) return 'This part does not fit the others: begin again.';
      gathering.bytes += bytes.length - (gathering.parts.get(index)?.length ?? 0);
      if (gathering.bytes > maxBytes) return `A picture may have at most ${maxBytes} bytes.`;
      gathering.parts.set(index, bytes);
      gathering.touchedMs = clock.now();
      if (gathering.parts.size < of) {
        gatherings.set(key, gathering);
        return gathering.parts.size;
      }
      return Buffer.concat(Array.from({ length: of }, (_, i) => gathering.parts.get(i + 1) ?? new Uint8Array()));
    },
  };
}
