/**
 * The journal's tables and rows: a file name goes in, an open SQLite database of this version comes out; rows go in as
 * SQLite gives them and come out checked. WAL (https://www.sqlite.org/wal.html) lets the command line read while the
 * daemon appends.
 */
import type { DatabaseSync } from 'node:sqlite';
import { Fault } from '../base/errors.ts';
import { Compile, Type } from '../base/schema.ts';
import { openSqlite, type SqliteKind } from '../base/sqlite.ts';
import { genesis } from './chain.ts';
import { damaged } from './faults.ts';

/**
 * Ordinary statements can only append; the triggers refuse everything else. The order triggers also refuse INSERT OR
 * REPLACE, which deletes without firing delete triggers (https://www.sqlite.org/lang_conflict.html).
 */
const noteTable = 'CREATE TABLE note (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;';
const checkpointTable = `
CREATE TABLE checkpoint (seq INTEGER PRIMARY KEY, hash TEXT NOT NULL, kid TEXT NOT NULL, signature TEXT NOT NULL) STRICT;
CREATE TRIGGER checkpoint_never_updated BEFORE UPDATE ON checkpoint BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER checkpoint_never_deleted BEFORE DELETE ON checkpoint BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
`;
/** Rows up to the cut may be deleted. The cut lies at a checkpoint, before the last row, and only moves forward. */
const cutTable = `
CREATE TABLE cut (
  one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, hash TEXT NOT NULL, at TEXT NOT NULL, kid TEXT NOT NULL, signature TEXT NOT NULL
) STRICT;
CREATE TRIGGER cut_at_checkpoint BEFORE INSERT ON cut
  WHEN NOT EXISTS (SELECT 1 FROM checkpoint WHERE seq = NEW.seq AND hash = NEW.hash)
    OR NEW.seq <= ifnull((SELECT seq FROM cut), 0) OR NEW.seq >= (SELECT seq FROM head)
  BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER cut_never_updated BEFORE UPDATE ON cut BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER cut_never_deleted BEFORE DELETE ON cut BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
DROP TRIGGER journal_never_deleted;
CREATE TRIGGER journal_never_deleted BEFORE DELETE ON journal WHEN OLD.seq > ifnull((SELECT seq FROM cut), 0)
  BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
DROP TRIGGER checkpoint_never_deleted;
CREATE TRIGGER checkpoint_never_deleted BEFORE DELETE ON checkpoint WHEN OLD.seq >= ifnull((SELECT seq FROM cut), 0)
  BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
`;
const schema = `
CREATE TABLE journal (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL, at TEXT NOT NULL, kind TEXT NOT NULL, person TEXT,
  event TEXT NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL
) STRICT;
CREATE INDEX journal_person ON journal (person, seq) WHERE person IS NOT NULL;
CREATE INDEX journal_kind ON journal (kind, seq);
CREATE INDEX journal_at ON journal (at);
CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;
CREATE TABLE cursor (name TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
${noteTable}
${checkpointTable}
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
${cutTable}
`;

const journal: SqliteKind = {
  applicationId: 0x464c4a31, // "FLJ1"
  version: 4,
  schema,
  // What the door has to remember was read from the rows in version 1.
  migrations: { 1: noteTable, 2: checkpointTable, 3: cutTable },
  faults: {
    foreign: (file) => damaged(file, new Error('a database of another program')),
    newer: (file, found) =>
      new Fault(
        'database-newer',
        `The journal ${file} was written by a newer facelatch (format ${found}, this one knows 4); install that version, or set state.folder to another folder.`,
      ),
  },
};

export const journalRow = Compile(
  Type.Object({
    seq: Type.Integer(),
    id: Type.String(),
    at: Type.String(),
    kind: Type.String(),
    person: Type.Union([Type.String(), Type.Null()]),
    event: Type.String(),
    prev: Type.String(),
    hash: Type.String(),
  }),
);
export const headRow = Compile(Type.Object({ seq: Type.Integer(), hash: Type.String() }));
export const cursorRow = Compile(Type.Object({ seq: Type.Integer() }));
export const noteRow = Compile(Type.Object({ value: Type.String() }));

/**
 * Opens `file`, making the tables where it is new. Waits up to `busyTimeoutMs` milliseconds for a lock that another
 * process holds. Throws Fault `database-newer` or `journal-damaged`, and SQLite's own errors.
 */
export function openJournalFile(file: string, busyTimeoutMs: number): DatabaseSync {
  return openSqlite(file, journal, busyTimeoutMs).db;
}
