/**
 * The publisher's position in the journal. In: acknowledged entries. Out: the stored cursor, written often but not
 * for each.
 */
import { Fault } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Clock } from '../base/time.ts';
import type { Journal, Seq } from '../journal/port.ts';

/**
 * While acknowledgements keep coming, the cursor is stored this often, milliseconds. A kill repeats no more than
 * that.
 */
const storeEveryMs = 200;

export interface CursorKeeper {
  /** The last entry acknowledged, stored or not. */
  readonly acked: Seq;
  /** The journal's last entry, or the last one acknowledged when the journal cannot be read (the pump reports that). */
  head(): Seq;
  /** Entries up to `seq` are acknowledged. `idle`: no other is under way. */
  move(seq: Seq, idle: boolean): void;
  /** Stores what is not stored yet. */
  store(): void;
  /** Resolves when the cursor has reached `seq`, or when `signal` is aborted. */
  reaches(seq: Seq, signal: AbortSignal): Promise<void>;
}

/**
 * The cursor `mqtt` of the journal. If it cannot be stored (full disk), a restart repeats messages; nothing else
 * happens.
 */
export function cursorKeeper(journal: Journal, clock: Clock, log: Log): CursorKeeper {
  const cursor = journal.cursor('mqtt');
  let acked = cursor.get();
  let stored = acked;
  let storedAtMs = Number.NEGATIVE_INFINITY;
  const waiting = new Set<() => void>();

  const store = () => {
    if (stored === acked) return;
    storedAtMs = clock.now();
    try {
      cursor.set(acked);
      stored = acked;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      log.warn({ code: error.code, seq: acked }, 'cursor not stored');
    }
  };
  return {
    get acked() {
      return acked;
    },
    head: () => {
      try {
        return journal.head;
      } catch (error) {
        if (error instanceof Fault) return acked;
        throw error;
      }
    },
    move: (seq, idle) => {
      acked = seq;
      if (idle || clock.now() - storedAtMs >= storeEveryMs) store();
      for (const look of waiting) look();
    },
    store,
    reaches: (seq, signal) =>
      new Promise((resolve) => {
        const look = () => {
          if (acked < seq && !signal.aborted) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        signal.addEventListener('abort', look, { once: true });
        look();
      }),
  };
}
