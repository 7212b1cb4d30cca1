/**
 * The journal in one SQLite file: events go in and are on the disk when `append` returns; entries come out, in order, to whoever
 * queries or follows. Several processes may append to the same file (the daemon and the command line).
 */
import { randomUUID } from 'node:crypto';
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { Fault } from '../base/errors.ts';
import type { Clock } from '../base/time.ts';
import type { Event } from '../events.ts';
import { type ChainHead, entryOf, type JournalRow, nextRow, verifyChain } from './chain.ts';
import { appendFault, damaged, journalFault } from './faults.ts';
import { instant } from './instant.ts';
import type { ChainVerdict, Entry, Journal, Query, Seq } from './port.ts';
import { openJournalFile } from './schema.ts';

export interface JournalOptions {
  /** The database file; its folder must exist. */
  readonly file: string;
  readonly clock: Clock;
  /** How often a follower looks for rows of another process, milliseconds. Default 500. */
  readonly pollMs?: number;
  /** How long a lock held by another process is waited for, milliseconds; the caller stands still meanwhile. Default 1000. */
  readonly busyTimeoutMs?: number;
}

/** Rows read at a time by a follower: what bounds its memory. */
const batchRows = 256;

/** Opens the journal, making it when there is none. Throws Fault `database-newer`, `journal-damaged` or `journal-down`. */
export function openJournal(options: JournalOptions): Journal {
  const { file, clock } = options;
  try {
    return sqliteJournal(openJournalFile(file, options.busyTimeoutMs ?? 1000), file, clock, options.pollMs ?? 500);
  } catch (error) {
    throw journalFault(error, file);
  }
}

function sqliteJournal(db: DatabaseSync, file: string, clock: Clock, pollMs: number): Journal {
  const insert = db.prepare('INSERT INTO journal (seq, id, at, kind, person, event, prev, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
  const moveHead = db.prepare('UPDATE head SET seq = ?, hash = ?');
  const readHead = db.prepare('SELECT seq, hash FROM head');
  const readAfter = db.prepare(`SELECT * FROM journal WHERE seq > ? ORDER BY seq LIMIT ${batchRows}`);
  const followers = new Set<() => void>();

  const guarded = <T>(read: () => T): T => {
    try {
      return read();
    } catch (error) {
      throw journalFault(error, file);
    }
  };
  const wakeAll = () => {
    for (const wake of followers) wake();
  };

  return {
    append: (event) => {
      try {
        const row = appendRow(
          db,
          () => readHead.get() as ChainHead | undefined,
          file,
          clock,
          event,
          (next) => {
            insert.run(next.seq, next.id, next.at, next.kind, next.person, next.event, next.prev, next.hash);
            moveHead.run(next.seq, next.hash);
          },
        );
        wakeAll();
        return entryOf(row);
      } catch (error) {
        throw appendFault(error, file);
      }
    },
    tail: (after, signal) => follow(after, signal),
    query: (query) => guarded(() => runQuery(db, file, query)),
    get head() {
      return guarded(() => (readHead.get() as ChainHead | undefined)?.seq ?? 0);
    },
    cursor: (name) => ({
      get: () => guarded(() => Number(db.prepare('SELECT seq FROM cursor WHERE name = ?').get(name)?.seq ?? 0)),
      set: (seq) => guarded(() => setCursor(db, name, seq)),
    }),
    verify: (onProgress) => guarded(() => verify(db, onProgress)),
    [Symbol.dispose]: () => {
      if (!db.isOpen) return;
      db.close();
      wakeAll();
    },
  };

  async function* follow(after: Seq, signal: AbortSignal): AsyncGenerator<Entry> {
    let last = after;
    while (!signal.aborted && db.isOpen) {
      const rows = guarded(() => readAfter.all(last) as unknown as JournalRow[]);
      // Nothing is awaited between the empty read and the sleep, so that no append of this process is missed.
      if (rows.length === 0) await woken(followers, clock, pollMs, signal);
      for (const row of rows) {
        if (signal.aborted) return;
        last = row.seq;
        yield readEntry(row, file);
      }
    }
  }
}

/** Writes the row after the head, or nothing: BEGIN IMMEDIATE keeps other writers out between reading the head and moving it. */
function appendRow(
  db: DatabaseSync,
  readHead: () => ChainHead | undefined,
  file: string,
  clock: Clock,
  event: Event,
  write: (row: JournalRow) => void,
): JournalRow {
  db.exec('BEGIN IMMEDIATE');
  try {
    const head = readHead();
    if (!head) throw damaged(file, new Error('the note of the last row is gone'));
    const row = nextRow(head, event, randomUUID(), new Date(clock.wall()).toISOString());
    write(row);
    db.exec('COMMIT');
    return row;
  } catch (error) {
    // A full disk makes SQLite roll back by itself; then there is no transaction left to end.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/**
 * A cursor is written without a sync of its own: a cut of the power may set it back, and then entries are published a
 * second time, which is what at-least-once allows. The next append syncs it along.
 */
function setCursor(db: DatabaseSync, name: string, seq: Seq): void {
  db.exec('PRAGMA synchronous = NORMAL');
  try {
    db.prepare('INSERT INTO cursor (name, seq) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET seq = excluded.seq').run(name, seq);
  } finally {
    db.exec('PRAGMA synchronous = FULL');
  }
}

/** Resolves when something is appended by this process, the journal is closed, `pollMs` has passed, or `signal` is aborted. */
async function woken(followers: Set<() => void>, clock: Clock, pollMs: number, signal: AbortSignal): Promise<void> {
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

function runQuery(db: DatabaseSync, file: string, query: Query): readonly Entry[] {
  const conditions: string[] = [];
  const values: SQLInputValue[] = [];
  const where = (condition: string, ...bound: SQLInputValue[]) => {
    conditions.push(condition);
    values.push(...bound);
  };
  if (query.personId !== undefined) where('person = ?', query.personId);
  if (query.kinds) where(`kind IN (${query.kinds.map(() => '?').join(', ')})`, ...query.kinds);
  if (query.since !== undefined) where('at >= ?', instant(query.since, 'since'));
  if (query.until !== undefined) where('at <= ?', instant(query.until, 'until'));
  if (query.after !== undefined) where('seq > ?', query.after);
  if (query.upTo !== undefined) where('seq <= ?', query.upTo);
  const filter = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
  // A negative limit is no limit in SQLite.
  const rows = db.prepare(`SELECT * FROM journal ${filter} ORDER BY seq DESC LIMIT ?`).all(...values, query.limit ?? -1);
  return (rows as unknown as JournalRow[]).reverse().map((row) => readEntry(row, file));
}

function verify(db: DatabaseSync, onProgress: ((done: number, total: number) => void) | undefined): ChainVerdict {
  // One read transaction: rows that another process appends meanwhile do not disagree with the head.
  db.exec('BEGIN');
  try {
    const head = db.prepare('SELECT seq, hash FROM head').get() as ChainHead | undefined;
    const total = head?.seq ?? 0;
    const chain = {
      rows: db.prepare('SELECT * FROM journal ORDER BY seq').iterate() as Iterable<unknown> as Iterable<JournalRow>,
      head,
      chainedTo: (prev: string, notSeq: Seq) =>
        db.prepare('SELECT * FROM journal WHERE prev = ? AND seq <> ?').all(prev, notSeq) as unknown as JournalRow[],
    };
    const verdict = verifyChain(chain, (seq) => {
      if (seq % 1000 === 0) onProgress?.(seq, total);
    });
    onProgress?.(total, total);
    return verdict;
  } finally {
    if (db.isTransaction) db.exec('ROLLBACK');
  }
}

function readEntry(row: JournalRow, file: string): Entry {
  try {
    return entryOf(row);
  } catch (error) {
    throw new Fault('journal-damaged', `Row ${row.seq} of the journal ${file} cannot be read; run "facelatch journal verify".`, error);
  }
}
