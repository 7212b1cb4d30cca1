/**
 * The journal's tables: a file name goes in, an open SQLite connection to a journal of this version comes out.
 * WAL (https://www.sqlite.org/wal.html) lets the command line read while the daemon appends; `synchronous=FULL` syncs every commit.
 */
import { chmodSync, closeSync, openSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { Fault } from '../base/errors.ts';
import { genesis } from './chain.ts';
import { damaged } from './faults.ts';

/** Marks the file as a journal of facelatch ("FLJ1"), so that no other database is ever written to. */
const applicationId = 0x464c4a31;
const version = 1;

/**
 * Ordinary statements can only append: the triggers refuse the rest. The order triggers also refuse INSERT OR REPLACE, which
 * deletes without firing delete triggers (https://www.sqlite.org/lang_conflict.html).
 */
const tables = `
CREATE TABLE journal (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL, at TEXT NOT NULL, kind TEXT NOT NULL, person TEXT,
  event TEXT NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL
) STRICT;
CREATE INDEX journal_person ON journal (person, seq) WHERE person IS NOT NULL;
CREATE INDEX journal_kind ON journal (kind, seq);
CREATE INDEX journal_at ON journal (at);
CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;
CREATE TABLE cursor (name TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO head VALUES (1, ${genesis.seq}, '${genesis.hash}');
CREATE TRIGGER journal_never_updated BEFORE UPDATE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_never_deleted BEFORE DELETE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_in_order BEFORE INSERT ON journal
  WHEN NEW.seq IS NOT (SELECT seq + 1 FROM head) OR NEW.prev IS NOT (SELECT hash FROM head)
  BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER head_forward BEFORE UPDATE ON head
  WHEN NEW.seq IS NOT OLD.seq + 1 OR NEW.hash IS NOT (SELECT hash FROM journal WHERE seq = NEW.seq)
  BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER head_never_deleted BEFORE DELETE ON head BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER head_single BEFORE INSERT ON head BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
PRAGMA application_id = ${applicationId};
PRAGMA user_version = ${version};
`;

/**
 * Opens `file`, making the tables when it is new; only its owner may read it (mode 0600). A lock held by another process is waited for up to `busyTimeoutMs` milliseconds.
 * Throws Fault `database-newer` or `journal-damaged`, and SQLite's own errors.
 */
export function openJournalFile(file: string, busyTimeoutMs: number): DatabaseSync {
  keepPrivate(file);
  const db = new DatabaseSync(file, { timeout: busyTimeoutMs });
  try {
    // Looked at before anything is written, so that a file that is not ours stays as it was.
    const fresh = isFresh(db, file);
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
    if (fresh) create(db, file);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Who came and went is nobody else's to read. SQLite gives its log and index files the mode of the database. */
function keepPrivate(file: string): void {
  try {
    closeSync(openSync(file, 'a', 0o600));
    if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600);
  } catch {
    // Not ours to make or to change: SQLite's own error, which comes next, says what is wrong, if anything is.
  }
}

/** True when the file holds nothing yet; throws when it holds what this version cannot use. */
function isFresh(db: DatabaseSync, file: string): boolean {
  const found = pragma(db, 'user_version');
  const id = pragma(db, 'application_id');
  if (id === applicationId && found > version) {
    throw new Fault(
      'database-newer',
      `The journal ${file} was written by a newer facelatch (format ${found}, this one knows ${version}); install that version, or set state.folder to another folder.`,
    );
  }
  if (id === applicationId && found === version) return false;
  const { count } = db.prepare('SELECT count(*) AS count FROM sqlite_schema').get() as { count: number };
  if (count > 0 || found !== 0 || id !== 0) throw damaged(file, new Error('a database of something else'));
  return true;
}

/** Makes the tables, unless another process that opened the new file at the same moment has just made them. */
function create(db: DatabaseSync, file: string): void {
  db.exec('BEGIN IMMEDIATE');
  try {
    if (isFresh(db, file)) db.exec(tables);
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function pragma(db: DatabaseSync, name: 'user_version' | 'application_id'): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
}
