/** The door of the journal room: an append-only, hash-chained record, from which everything is published. */
import type { Denial, Event, EventKind } from '../events.ts';

/** Counts from 1, without gaps. */
export type Seq = number;

export interface Entry {
  readonly seq: Seq;
  /** Random UUID; with `seq` a consumer recognises repeats. */
  readonly id: string;
  /** When it was written, ISO 8601, UTC, wall clock. */
  readonly at: string;
  readonly event: Event;
  /** Lower-case hex SHA-256 of this row and of the hash before it. */
  readonly hash: string;
  /** The newest checkpoint at or before this row, where the journal is signed. */
  readonly checkpoint?: JournalCheckpoint;
}

/** A row's place in the chain, signed by the door. */
export interface JournalCheckpoint {
  readonly seq: Seq;
  /** Of the row `seq`. */
  readonly hash: string;
  /** Thumbprint of the door's key (RFC 7638). */
  readonly kid: string;
  /** Ed25519 over `facelatch journal checkpoint`, seq and hash, a line each; base64url. */
  readonly signature: string;
}

/** Where a journal begins whose oldest rows were removed, signed by the door. */
export interface JournalCut {
  /** The last row that was removed. The row after it is chained to `hash`. */
  readonly seq: Seq;
  readonly hash: string;
  /** When it was removed, ISO 8601, UTC. */
  readonly at: string;
  /** Thumbprint of the door's key (RFC 7638). */
  readonly kid: string;
  /** Ed25519 over `facelatch journal cut`, seq, hash and at, a line each; base64url. */
  readonly signature: string;
}

export interface Query {
  readonly personId?: string;
  readonly kinds?: readonly EventKind[];
  /** ISO 8601, inclusive. */
  readonly since?: string;
  readonly until?: string;
  /** Only entries after this seq. */
  readonly after?: Seq;
  /** Only entries up to this seq, inclusive. */
  readonly upTo?: Seq;
  /** Only the newest `limit` entries, in rising order. */
  readonly limit?: number;
}

export type ChainVerdict =
  | {
      readonly ok: true;
      /** The number of the last row. */
      readonly entries: number;
      /** Where the oldest rows were removed: the last of them, and when. */
      readonly cut?: Pick<JournalCut, 'seq' | 'at'>;
      /** Where the door's key is known: checkpoints it signed, those of earlier keys, and the row of the last one. */
      readonly checkpoints?: { readonly signed: number; readonly others: number; readonly last?: Seq };
    }
  | {
      readonly ok: false;
      readonly seq: Seq;
      readonly problem: 'altered' | 'removed' | 're-ordered' | 'unreadable' | 'rewritten';
      readonly detail: string;
    };

/**
 * What a room has to remember across restarts, by name: text that only that room reads. Notes stand beside the chain,
 * are replaced each time, and are no record of what happened.
 */
export type JournalNotes = Readonly<Record<string, string>>;

export interface Journal extends Disposable {
  /**
   * Writes durably before it returns: the event and `notes` together, or neither. Throws Fault `journal-down` (cause:
   * disk full, locked, damaged …), also where the file that is open is no longer the one in its place.
   */
  append(event: Event, notes?: JournalNotes): Entry;
  /** The note of that name as it was written last. */
  note(name: string): string | undefined;
  /** Writes notes durably without an entry. Throws Fault `journal-down`. */
  keep(notes: JournalNotes): void;
  /** Entries after `after` in order, then each new one as it is written, by any process, until `signal` is aborted. */
  tail(after: Seq, signal: AbortSignal): AsyncIterable<Entry>;
  query(query: Query): readonly Entry[];
  /**
   * Every entry in which this person stands: whom it is about, who came nearest, or the other of two. It looks through
   * all rows.
   */
  naming(personId: string): readonly Entry[];
  /** The last seq written; 0 where there is none. */
  readonly head: Seq;
  /** A named place in the journal, stored (the MQTT outbox keeps one). */
  cursor(name: string): { get(): Seq; set(seq: Seq): void };
  /** Absent where the journal begins with row 1. */
  readonly begins: JournalCut | undefined;
  /**
   * The last row up to which everything is older than `before` (ISO 8601) and may be removed; undefined where there is
   * none. `now`: rows that claim a later time say nothing. `written`: when a row was written, where it is known that
   * its own time is wrong.
   */
  oldUpTo(before: string, now: string, written?: (row: Pick<Entry, 'seq' | 'at'>) => string): Seq | undefined;
  /**
   * Removes the rows up to `seq`, which `oldUpTo` gave: writes `journal.cut`, the signed place and `notes` together.
   * The rows do not count from then on; `clear` overwrites them. Throws Fault `journal-down`.
   */
  cut(seq: Seq, why: 'age' | 'disk', notes?: JournalNotes): Entry;
  /** Overwrites up to `atMost` rows that were removed; how many. Throws Fault `journal-down`. */
  clear(atMost: number): number;
  /** Checks the checkpoints alone, in milliseconds; `verify` also recomputes the rows between them. */
  verifyCheckpoints(): ChainVerdict;
  /** Recomputes the whole chain, and checks its checkpoints. */
  verify(onProgress?: (done: number, total: number) => void): ChainVerdict;
}

/** A page of a timeline. */
export interface PageQuery {
  /** Rows of this person, and denials for which they were the best candidate. */
  readonly personId?: string;
  readonly kinds?: readonly EventKind[];
  /** Of denials, only those for one of these reasons. Rows of other kinds are not asked for one. */
  readonly reasons?: readonly Denial[];
  /** ISO 8601, inclusive. */
  readonly since?: string;
  readonly until?: string;
  /** Only entries before and after these seqs, both exclusive. */
  readonly before?: Seq;
  readonly after?: Seq;
  readonly limit: number;
}

export interface JournalPage {
  /** Newest first. */
  readonly entries: readonly Entry[];
  /** What people said of these entries, the last of each: `entry.marked`. */
  readonly marks: readonly Entry[];
  /**
   * `before` of the next page; absent at the end. A page may hold fewer entries than asked for, or none, and have a
   * next one: its time was over.
   */
  readonly next?: Seq;
}

/** Likeness of attempts, for whoever asks how strict a door is. */
export interface AttemptScores {
  /** The best logit of each: of those who were let in, and of strangers who were not. Newest first. */
  readonly granted: readonly number[];
  readonly strangers: readonly number[];
  /** Where the time was over: the entry from which on everything was looked at. */
  readonly from?: Seq;
}

/** Reads the journal beside the deciding thread, for whoever asks from afar. */
export interface JournalReader extends AsyncDisposable {
  /**
   * The newest entries that fit, in rising order. `too-long`: they cannot be found within the time of one query;
   * `busy`: too many queries wait. Throws Fault `journal-down` or `journal-damaged`.
   */
  query(query: Query & { readonly limit: number }): Promise<readonly Entry[] | 'too-long' | 'busy'>;
  /** Throws as `query` does. */
  page(query: PageQuery): Promise<JournalPage | 'busy'>;
  /** Of the attempts since then (ISO 8601), before the entry `before`. Throws as `query` does. */
  attempts(since: string, before?: Seq): Promise<AttemptScores | 'busy'>;
}
