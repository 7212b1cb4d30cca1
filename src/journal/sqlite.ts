/**
 * The journal in one SQLite file: events go in and are on the disk when `append` returns; entries come out in order, to
 * whoever queries or follows. Several processes (the daemon, the command line) may append to the same file.
 */
import type { SQLInputValue } from 'node:sqlite';
import { fileId } from '../base/data/file-id.ts';
import { checkedRow } from '../base/sqlite.ts';
import type { Clock } from '../base/time.ts';
import { append, clear, cutAway, keep, wakeAll } from './appending.ts';
import type { CheckpointSigner } from './checkpoint.ts';
import { notRemoved, oldUpTo, readCut } from './cut.ts';
import { damaged } from './faults.ts';
import { instant } from './instant.ts';
import { journalGuarded, journalHead, journalStatements, type OpenedJournal, readEntry, withCheckpoint } from './opened.ts';
import type { Entry, Journal, Query, Seq } from './port.ts';
import { type Pseudonyms, personFields, plainIds } from './pseudonyms.ts';
import { cursorRow, noteRow, openJournalFile } from './schema.ts';
import { signedVerdict, verifyWhole } from './verifying.ts';

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

/**
 * Opens the journal, making it where there is none. Throws Fault `database-newer`, `journal-damaged` or `journal-down`.
 */
export function openJournal({ file, clock, pollMs = 500, busyTimeoutMs = 1000, signer, people = plainIds }: JournalOptions): Journal {
  const opened: OpenedJournal = journalGuarded(file, () => {
    const before = fileId(file);
    const db = openJournalFile(file, busyTimeoutMs);
    const id = before ?? fileId(file);
    return {
      ...{ db, file, id, signer, people, clock, pollMs },
      log: undefined,
      own: undefined,
      sql: journalStatements(db),
      followers: new Set(),
    };
  });
  const { db } = opened;
  return {
    append: (event, notes) => append(opened, event, notes),
    note: (name) => journalGuarded(file, () => noteOf(opened, name)),
    keep: (notes) => keep(opened, notes),
    tail: (after, signal) => follow(opened, after, signal),
    query: (query) => journalGuarded(file, () => runQuery(opened, query)),
    naming: (personId) => journalGuarded(file, () => rowsNaming(opened, personId).map((row) => readEntry(opened, row))),
    get head() {
      return journalGuarded(file, () => journalHead(opened)?.seq ?? 0);
    },
    cursor: (name) => ({
      get: () => journalGuarded(file, () => cursorOf(opened, name)),
      set: (seq) => journalGuarded(file, () => setCursor(opened, name, seq)),
    }),
    get begins() {
      return journalGuarded(file, () => readCut(opened.sql.cuts, file));
    },
    oldUpTo: (before, now, written) =>
      journalGuarded(file, () => oldUpTo(opened.sql.cuts, file, { before: instant(before, 'before'), now: instant(now, 'now'), written })),
    cut: (seq, why, notes) => cutAway(opened, seq, why, notes),
    clear: (atMost) => clear(opened, atMost),
    verifyCheckpoints: () => journalGuarded(file, () => signedVerdict(opened, { ok: true, entries: journalHead(opened)?.seq ?? 0 })),
    verify: (onProgress) => journalGuarded(file, () => verifyWhole(opened, onProgress)),
    [Symbol.dispose]: () => {
      if (!db.isOpen) return;
      db.close();
      people[Symbol.dispose]();
      wakeAll(opened);
    },
  };
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
    const rows = journalGuarded(file, () => sql.after.all(last));
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

function rowsNaming({ db, people }: OpenedJournal, personId: string): readonly unknown[] {
  // A row that was altered must not keep the others from being found.
  const fields = [...personFields].map(
    (field) => `iif(json_valid(event), json_extract(event, '$.${field}'), NULL) IN (SELECT value FROM names)`,
  );
  return db
    .prepare(`WITH names AS (SELECT value FROM json_each(?)) SELECT * FROM journal WHERE ${fields.join(' OR ')} ORDER BY seq`)
    .all(JSON.stringify(people.of(personId)));
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
  where(notRemoved);
  // A negative limit is no limit in SQLite.
  return db.prepare(`SELECT * FROM journal WHERE ${conditions.join(' AND ')} ORDER BY seq DESC LIMIT ?`).all(...values, query.limit ?? -1);
}
