/**
 * Follows the journal as it grows: hands over each new entry. Where the journal cannot be read for a while, it tries
 * again later.
 */
import { Fault } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Clock } from '../base/time.ts';
import type { Entry, Journal, Seq } from './port.ts';

export interface FollowOptions {
  readonly journal: Pick<Journal, 'tail'>;
  /** Entries after this one. */
  readonly after: Seq;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly onEntry: (entry: Entry) => void;
}

/** How long to wait before a journal that cannot be read is tried again, milliseconds. */
const retryMs = 5000;

/** Resolves when `signal` is aborted or the journal is closed. */
export async function followJournal({ journal, after, clock, log, signal, onEntry }: FollowOptions): Promise<void> {
  for (let last = after; !signal.aborted; ) {
    try {
      for await (const entry of journal.tail(last, signal)) {
        last = entry.seq;
        onEntry(entry);
      }
      return;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      log.warn({ code: error.code, err: error.message }, 'journal cannot be followed');
      await clock.sleep(retryMs, signal).catch(() => undefined);
    }
  }
}
