/**
 * The journal in one SQLite file: events go in and are on the disk when `append` returns; entries come out in order, to
 * whoever queries or follows. Several processes (the daemon, the command line) may append to the same file.
 */
import { randomUUID } from 'node:crypto';
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { type FileId, fileId } from '../base/data/file-id.ts';
import { Fault } from '../base/errors.ts';
import { checkedRow, transact } from '../base/sqlite.ts';
import type { Clock } from '../base/time.ts';
import type { Event } from '../events.ts';
import { type ChainHead, entryOf, type JournalRow, nextRow, verifyChain } from './chain.ts';
import {
  type CheckpointSigner,
  checkpointEvery,
  checkpointOf,
  checkpointRow,
  cutOf,
  leaveWitness,
  readWitness,
  verifyCheckpoints,
} from './checkpoint.ts';
import { behind, clearRows, cutStatements, oldUpTo, placeAt, readCut } from './cut.ts';
import { appendFault, damaged, journalFault, rowDamaged } from './faults.ts';
import { instant } from './instant.ts';
import type { ChainVerdict, Entry, Journal, JournalCheckpoint, JournalNotes, Query, Seq } from './port.ts';
import { type Pseudonyms, plainIds } from './pseudonyms.ts';
import { cursorRow, headRow, journalRow, noteRow, openJournalFile } from './schema.ts';

export interface JournalOptions {
  /** The database file; its folder must exist. */
  readonly file: string;
  readonly clock: Clock;
  /** How often a follower looks for rows of another process, milliseconds. Default 500. */
  readonly pollMs?: number;
  /**
   * How long to wait for a lock that another process holds, milliseconds; the caller is blocked meanwhile. Default
   * 1000.
   */
  readonly busyTimeoutMs?: number;
  /** The door's key. Absent (tests, tools): no checkpoints are made or checked. */
  readonly signer?: CheckpointSigner;
  /** Closed with the journal. Absent (tests, tools): people stand in rows with their ids. */
  readonly people?: Pseudonyms;
}

interface OpenedJournal {
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
  readonly sql: ReturnType<typeof statementsOf>;
  /** Wakes each follower that waits for a new row. */
  readonly followers: Set<() => void>;
}

/** Rows that a follower reads at a time; this limits its memory. */
const batchRows = 256;

/**
 * Opens the journal, making it where there is none. Throws Fault `database-newer`, `journal-damaged` or `journal-down`.
 */
export function openJournal({ file, clock, pollMs = 500, busyTimeoutMs = 1000, signer, people = plainIds }: JournalOptions): Journal {
  const opened: OpenedJournal = guarded(file, () => {
    const before = fileId(file);
    const db = openJournalFile(file, busyTimeoutMs);
    const id = before ?? fileId(file);
    return {
      ...{ db, file, id, signer, people, clock, pollMs },
      log: undefined,
      own: undefined,
      sql: statementsOf(db),
      followers: new Set(),
    };
  });
  const { db } = opened;
  return {
    append: (event, notes) => append(opened, event, notes),
    note: (name) => guarded(file, () => noteOf(opened, name)),
    keep: (notes) => keep(opened, notes),
    tail: (after, signal) => follow(opened, after, signal),
    query: (query) => guarded(file, () => runQuery(opened, query)),
    get head() {
      return guarded(file, () => headOf(opened)?.seq ?? 0);
    },
    cursor: (name) => ({
      get: () => guarded(file, () => cursorOf(opened, name)),
      set: (seq) => guarded(file, () => setCursor(opened, name, seq)),
    }),
    get begins() {
      return guarded(file, () => readCut(opened.sql.cuts, file));
    },
    oldUpTo: (before, now) => guarded(file, () => oldUpTo(opened.sql.cuts, file, instant(before, 'before'), instant(now, 'now'))),
    cut: (seq, why, notes) => cut(opened, seq, why, notes),
    clear: (atMost) => clear(opened, atMost),
    verifyCheckpoints: () => guarded(file, () => signedVerdict(opened, { ok: true, entries: headOf(opened)?.seq ?? 0 })),
    verify: (onProgress) => guarded(file, () => verify(opened, onProgress)),
    [Symbol.dispose]: () => {
      if (!db.isOpen) return;
      db.close();
      people[Symbol.dispose]();
      wakeAll(opened);
    },
  };
}

function statementsOf(db: DatabaseSync) {
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

function guarded<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw journalFault(error, file);
  }
}

/**
 * Writes the row after the head, or nothing. The transaction keeps other writers out from reading the head to moving
 * it.
 */
function append(opened: OpenedJournal, event: Event, notes: JournalNotes = {}): Entry {
  const { db, file } = opened;
  try {
    requireSameFile(opened);
    const { row, checkpoint } = transact(db, () => {
      const earlier = tellReplaced(opened);
      const row = addRow(opened, event);
      setNotes(opened, notes);
      return { row, checkpoint: addCheckpoint(opened, row) ?? earlier };
    });
    return appended(opened, event, { row, checkpoint });
  } catch (error) {
    throw appendFault(error, file);
  }
}

function appended(
  opened: OpenedJournal,
  event: Event,
  { row, checkpoint }: { readonly row: JournalRow; readonly checkpoint: JournalCheckpoint | undefined },
): Entry {
  const { file } = opened;
  opened.own = row;
  opened.log ??= fileId(`${file}-wal`);
  if (checkpoint) leaveWitness(file, checkpoint);
  wakeAll(opened);
  return withCheckpoint(opened, { ...entryOf(row), event });
}

/** What is written to a file without a name is lost at the next restart, and nobody can read it. */
function requireSameFile({ file, id, log }: OpenedJournal): void {
  if (fileId(file) === id && (log === undefined || fileId(`${file}-wal`) === log)) return;
  throw new Fault(
    'journal-down',
    `The journal ${file}, or its log ${file}-wal, is gone or was replaced while this program had it open: put it back, or restart the door to go on with what is there.`,
  );
}

function addRow(opened: OpenedJournal, event: Event): JournalRow {
  const { file, clock, sql, own, people } = opened;
  const head = headOf(opened);
  if (!head) throw damaged(file, new Error('the note of the last row is gone'));
  if (own && !isAsWritten(opened, own)) throw damaged(file, new Error(`row ${own.seq} was written again`));
  const next = nextRow(head, people.written(event), randomUUID(), new Date(clock.wall()).toISOString());
  sql.insert.run(next.seq, next.id, next.at, next.kind, next.person, next.event, next.prev, next.hash);
  sql.moveHead.run(next.seq, next.hash);
  return next;
}

/** The first entry of a process says so, where this door had another journal before. */
function tellReplaced(opened: OpenedJournal): JournalCheckpoint | undefined {
  const { signer, own, file } = opened;
  const witness = signer && !own ? readWitness(file, signer) : undefined;
  if (!signer || !witness || isAsWritten(opened, witness)) return undefined;
  const row = addRow(opened, { kind: 'journal.replaced', had: witness.seq, has: headOf(opened)?.seq ?? 0 });
  // Its checkpoint takes the place of the one beside the journal: the next process does not tell it again.
  return store(opened, checkpointOf(row, signer));
}

/** Undefined where none is due. */
function addCheckpoint(opened: OpenedJournal, row: ChainHead): JournalCheckpoint | undefined {
  const { signer } = opened;
  const due = row.seq % checkpointEvery === 0 || !checkpointAt(opened, row.seq);
  return signer && due ? store(opened, checkpointOf(row, signer)) : undefined;
}

function store({ sql }: OpenedJournal, checkpoint: JournalCheckpoint): JournalCheckpoint {
  const { seq, hash, kid, signature } = checkpoint;
  sql.addCheckpoint.run(seq, hash, kid, signature);
  return checkpoint;
}

/** The newest one at or before a row. */
function checkpointAt({ sql, file }: OpenedJournal, seq: Seq): JournalCheckpoint | undefined {
  const row = sql.checkpoint.get(seq);
  return row && { ...checkedRow(checkpointRow, row, () => damaged(file)) };
}

function hashAt({ sql }: OpenedJournal, seq: Seq): string | undefined {
  const row = sql.hashAt.get(seq);
  return row && String(row.hash);
}

/** Of a row that was removed since, nobody can tell; its place in the chain is signed. */
function isAsWritten(opened: OpenedJournal, { seq, hash }: ChainHead): boolean {
  return hashAt(opened, seq) === hash || seq <= (readCut(opened.sql.cuts, opened.file)?.seq ?? 0);
}

/** The entry, the place and the notes: all or nothing. */
function cut(opened: OpenedJournal, seq: Seq, why: 'age' | 'disk', notes: JournalNotes = {}): Entry {
  const { db, file, clock, signer, sql } = opened;
  try {
    requireSameFile(opened);
    if (!signer) throw new TypeError('a journal without a signer cannot be cut');
    const { event, ...row } = transact(db, () => {
      const before = readCut(sql.cuts, file)?.seq ?? 0;
      const unread = behind(sql.cuts, seq, file);
      const { hash, at, kid, signature } = cutOf(placeAt(sql.cuts, seq, file), new Date(clock.wall()).toISOString(), signer);
      const event: Event = { kind: 'journal.cut', upTo: seq, rows: seq - before, why, ...(unread !== undefined && { unread: unread + 1 }) };
      const added = addRow(opened, event);
      sql.cuts.set.run(seq, hash, at, kid, signature);
      setNotes(opened, notes);
      return { event, row: added, checkpoint: addCheckpoint(opened, added) };
    });
    return appended(opened, event, row);
  } catch (error) {
    throw appendFault(error, file);
  }
}

function clear(opened: OpenedJournal, atMost: number): number {
  try {
    const cleared = clearRows(opened.sql.cuts, atMost);
    // What the log holds of them goes when the last of them does.
    if (cleared < atMost) opened.db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    return cleared;
  } catch (error) {
    throw appendFault(error, opened.file);
  }
}

function withCheckpoint(opened: OpenedJournal, entry: Entry): Entry {
  const checkpoint = opened.signer && checkpointAt(opened, entry.seq);
  return checkpoint ? { ...entry, checkpoint } : entry;
}

function setNotes({ sql }: OpenedJournal, notes: JournalNotes): void {
  for (const [name, value] of Object.entries(notes)) sql.setNote.run(name, value);
}

function keep(opened: OpenedJournal, notes: JournalNotes): void {
  try {
    requireSameFile(opened);
    transact(opened.db, () => setNotes(opened, notes));
  } catch (error) {
    throw appendFault(error, opened.file);
  }
}

function noteOf({ sql, file }: OpenedJournal, name: string): string | undefined {
  const row = sql.note.get(name);
  return row && checkedRow(noteRow, row, () => damaged(file)).value;
}

async function* follow(opened: OpenedJournal, after: Seq, signal: AbortSignal): AsyncGenerator<Entry> {
  const { db, file, sql, people } = opened;
  let last = after;
  while (!signal.aborted && db.isOpen) {
    while (!people.catchUp()) await new Promise(setImmediate);
    if (!db.isOpen) return;
    const rows = guarded(file, () => sql.after.all(last));
    // Nothing is awaited between the empty read and the sleep, so that no append of this process is missed.
    if (rows.length === 0) await woken(opened, signal);
    for (const row of rows) {
      if (signal.aborted) return;
      const entry = withCheckpoint(opened, readEntry(opened, row));
      last = entry.seq;
      yield entry;
    }
  }
}

function wakeAll({ followers }: OpenedJournal): void {
  for (const wake of followers) wake();
}

/** Resolves when this process appends something, the journal is closed, `pollMs` has passed, or `signal` is aborted. */
async function woken({ followers, clock, pollMs }: OpenedJournal, signal: AbortSignal): Promise<void> {
  const slept = new AbortController();
  const wake = () => slept.abort();
  followers.add(wake);
  signal.addEventListener('abort', wake, { once: true });
  try {
    await clock.sleep(pollMs, slept.signal);
  } catch (error) {
    if (!slept.signal.aborted) throw error;
  } finally {
    followers.delete(wake);
    signal.removeEventListener('abort', wake);
  }
}

function headOf({ sql, file }: OpenedJournal): ChainHead | undefined {
  const row = sql.head.get();
  return row && checkedRow(headRow, row, () => damaged(file));
}

function cursorOf({ sql, file }: OpenedJournal, name: string): Seq {
  const row = sql.cursor.get(name);
  return row ? checkedRow(cursorRow, row, () => damaged(file)).seq : 0;
}

/**
 * A cursor is written without a sync of its own: a power cut may set it back, and then entries are published a second
 * time, which at-least-once allows. The next append syncs it too.
 */
function setCursor({ db, sql }: OpenedJournal, name: string, seq: Seq): void {
  db.exec('PRAGMA synchronous = NORMAL');
  try {
    sql.setCursor.run(name, seq);
  } finally {
    db.exec('PRAGMA synchronous = FULL');
  }
}

function runQuery(opened: OpenedJournal, query: Query): readonly Entry[] {
  const found =
    query.personId === undefined
      ? newestRows(opened, query)
      : // One walk along the index for each text that stands for the person.
        opened.people.of(query.personId).flatMap((person) => newestRows(opened, query, person));
  const entries = found.map((row) => readEntry(opened, row)).toSorted((a, b) => a.seq - b.seq);
  return query.limit === undefined ? entries : entries.slice(-query.limit);
}

/** `person`: as the rows have it. */
function newestRows({ db }: OpenedJournal, query: Query, person?: string): readonly unknown[] {
  const conditions: string[] = [];
  const values: SQLInputValue[] = [];
  const where = (condition: string, ...bound: SQLInputValue[]) => {
    conditions.push(condition);
    values.push(...bound);
  };
  if (person !== undefined) where('person = ?', person);
  if (query.kinds) where(`kind IN (${query.kinds.map(() => '?').join(', ')})`, ...query.kinds);
  if (query.since !== undefined) where('at >= ?', instant(query.since, 'since'));
  if (query.until !== undefined) where('at <= ?', instant(query.until, 'until'));
  if (query.after !== undefined) where('seq > ?', query.after);
  if (query.upTo !== undefined) where('seq <= ?', query.upTo);
  const filter = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
  // A negative limit is no limit in SQLite.
  return db.prepare(`SELECT * FROM journal ${filter} ORDER BY seq DESC LIMIT ?`).all(...values, query.limit ?? -1);
}

function verify(opened: OpenedJournal, onProgress: ((done: number, total: number) => void) | undefined): ChainVerdict {
  const { db, file } = opened;
  // One read transaction: rows that another process appends meanwhile would not fit the head.
  db.exec('BEGIN');
  try {
    const head = headOf(opened);
    const total = head?.seq ?? 0;
    const after = readCut(opened.sql.cuts, file);
    const chain = {
      after,
      rows: db
        .prepare('SELECT * FROM journal WHERE seq > ? ORDER BY seq')
        .iterate(after?.seq ?? Number.MIN_SAFE_INTEGER)
        .map((row) => checked(row, file)),
      head,
      chainedTo: (prev: string, notSeq: Seq) =>
        db
          .prepare('SELECT * FROM journal WHERE prev = ? AND seq <> ?')
          .all(prev, notSeq)
          .map((row) => checked(row, file)),
    };
    const verdict = verifyChain(chain, (seq) => {
      if (seq % 1000 === 0) onProgress?.(seq, total);
    });
    onProgress?.(total, total);
    return verdict.ok ? signedVerdict(opened, verdict) : verdict;
  } finally {
    if (db.isTransaction) db.exec('ROLLBACK');
  }
}

function signedVerdict(opened: OpenedJournal, verdict: ChainVerdict & { readonly ok: true }): ChainVerdict {
  const { db, signer, file } = opened;
  const found = readCut(opened.sql.cuts, file);
  const begins = found ? { cut: { seq: found.seq, at: found.at } } : {};
  if (!signer) return { ...verdict, ...begins };
  const rows = db.prepare('SELECT * FROM checkpoint WHERE seq >= ? ORDER BY seq').iterate(found?.seq ?? 0);
  const checkpoints = rows.map((row) => checkedRow(checkpointRow, row, () => damaged(file)));
  const hash = (seq: Seq) => (seq === found?.seq ? found.hash : hashAt(opened, seq));
  const known = { checkpoints, hashAt: hash, cut: found, witness: readWitness(file, signer), signer };
  const signed = verifyCheckpoints({ entries: verdict.entries, ...known });
  return signed.ok ? { ...signed, ...begins } : signed;
}

function checked(row: unknown, file: string): JournalRow {
  return checkedRow(journalRow, row, () => rowDamaged(file, seqOf(row)));
}

function readEntry({ file, people }: OpenedJournal, row: unknown): Entry {
  try {
    const entry = entryOf(checked(row, file));
    return { ...entry, event: people.read(entry.event) };
  } catch (error) {
    throw rowDamaged(file, seqOf(row), error);
  }
}

const seqOf = (row: unknown): unknown => (typeof row === 'object' && row !== null && 'seq' in row ? row.seq : undefined);
