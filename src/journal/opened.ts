/**
 * An open journal: what every file of this room that works on it needs. Its statements and what they find, checked.
 * sqlite.ts opens it.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { FileId } from '../base/data/file-id.ts';
import { checkedRow } from '../base/sqlite.ts';
import type { Clock } from '../base/time.ts';
import { type ChainHead, entryOf, type JournalRow } from './chain.ts';
import { type CheckpointSigner, checkpointRow } from './checkpoint.ts';
import { cutStatements, readCut } from './cut.ts';
import { damaged, journalFault, rowDamaged } from './faults.ts';
import type { Entry, JournalCheckpoint, Seq } from './port.ts';
import type { Pseudonyms } from './pseudonyms.ts';
import { headRow, journalRow } from './schema.ts';

export interface OpenedJournal {
  readonly db: DatabaseSync;
  /** The file that is open, and its write-ahead log once this process has written to it. */
  readonly id: FileId | undefined;
  log: FileId | undefined;
  readonly signer: CheckpointSigner | undefined;
  readonly people: Pseudonyms;
  /** The last row that this process wrote. */
  own: ChainHead | undefined;
  readonly file: string;
  readonly clock: Clock;
  readonly pollMs: number;
  readonly sql: ReturnType<typeof journalStatements>;
  /** Wakes each follower that waits for a new row. */
  readonly followers: Set<() => void>;
}

/** Rows that a follower reads at a time; this limits its memory. */
const batchRows = 256;

export function journalStatements(db: DatabaseSync) {
  return {
    insert: db.prepare('INSERT INTO journal (seq, id, at, kind, person, event, prev, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)'),
    moveHead: db.prepare('UPDATE head SET seq = ?, hash = ?'),
    head: db.prepare('SELECT seq, hash FROM head'),
    hashAt: db.prepare('SELECT hash FROM journal WHERE seq = ?'),
    checkpoint: db.prepare('SELECT * FROM checkpoint WHERE seq <= ? ORDER BY seq DESC LIMIT 1'),
    addCheckpoint: db.prepare('INSERT INTO checkpoint (seq, hash, kid, signature) VALUES (?, ?, ?, ?)'),
    after: db.prepare(`SELECT * FROM journal WHERE seq > ? ORDER BY seq LIMIT ${batchRows}`),
    cursor: db.prepare('SELECT seq FROM cursor WHERE name = ?'),
    note: db.prepare('SELECT value FROM note WHERE name = ?'),
    setNote: db.prepare('INSERT INTO note (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value'),
    cuts: cutStatements(db),
    setCursor: db.prepare('INSERT INTO cursor (name, seq) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET seq = excluded.seq'),
  };
}

/** SQLite's errors come out as Faults. */
export function journalGuarded<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw journalFault(error, file);
  }
}

export function journalHead({ sql, file }: OpenedJournal): ChainHead | undefined {
  const row = sql.head.get();
  return row && checkedRow(headRow, row, () => damaged(file));
}

/** The newest one at or before a row. */
export function checkpointAt({ sql, file }: OpenedJournal, seq: Seq): JournalCheckpoint | undefined {
  const row = sql.checkpoint.get(seq);
  return row && { ...checkedRow(checkpointRow, row, () => damaged(file)) };
}

export function hashAt({ sql }: OpenedJournal, seq: Seq): string | undefined {
  const row = sql.hashAt.get(seq);
  return row && String(row.hash);
}

/** Of a row that was removed since, nobody can tell; its place in the chain is signed. */
export function isAsWritten(opened: OpenedJournal, { seq, hash }: ChainHead): boolean {
  return hashAt(opened, seq) === hash || seq <= (readCut(opened.sql.cuts, opened.file)?.seq ?? 0);
}

export function withCheckpoint(opened: OpenedJournal, entry: Entry): Entry {
  const checkpoint = opened.signer && checkpointAt(opened, entry.seq);
  return checkpoint ? { ...entry, checkpoint } : entry;
}

export function checkedJournalRow(row: unknown, file: string): JournalRow {
  return checkedRow(journalRow, row, () => rowDamaged(file, seqOf(row)));
}

export function readEntry({ file, people }: OpenedJournal, row: unknown): Entry {
  try {
    const entry = entryOf(checkedJournalRow(row, file));
    return { ...entry, event: people.read(entry.event) };
  } catch (error) {
    throw rowDamaged(file, seqOf(row), error);
  }
}

const seqOf = (row: unknown): unknown => (typeof row === 'object' && row !== null && 'seq' in row ? row.seq : undefined);
