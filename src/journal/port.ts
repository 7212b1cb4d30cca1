/** The door of the journal room: an append-only, hash-chained record, from which everything is published. */
import type { Event, EventKind } from '../events.ts';

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
  | { readonly ok: true; readonly entries: number }
  | {
      readonly ok: false;
      readonly seq: Seq;
      readonly problem: 'altered' | 'removed' | 're-ordered' | 'unreadable';
      readonly detail: string;
    };

export interface Journal extends Disposable {
  /** Writes durably before it returns. Throws Fault `journal-down` (cause: disk full, locked, damaged …). */
  append(event: Event): Entry;
  /** Entries after `after` in order, then each new one as it is written, by any process, until `signal` is aborted. */
  tail(after: Seq, signal: AbortSignal): AsyncIterable<Entry>;
  query(query: Query): readonly Entry[];
  /** The last seq written; 0 where there is none. */
  readonly head: Seq;
  /** A named place in the journal, stored (the MQTT outbox keeps one). */
  cursor(name: string): { get(): Seq; set(seq: Seq): void };
  /** Recomputes the whole chain. */
  verify(onProgress?: (done: number, total: number) => void): ChainVerdict;
}
