/**
 * A private SQLite file: a path and the kind of file go in; an open database of this version comes out. It is created
 * if there is none, readable by its owner only, and deleted data is overwritten. Also: what SQLite's errors mean. Each
 * room turns them into its own Faults.
 */
import { chmodSync, closeSync, openSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { asFault, Fault, type FaultCode } from './errors.ts';
import { makeFolder } from './make-folder.ts';
import { Type } from './schema.ts';

/** A kind of SQLite file. */
export interface SqliteKind {
  /** Marks the file as this kind (SQLite file format, offset 68). */
  readonly applicationId: number;
  readonly version: number;
  readonly schema: string;
  /** From each earlier version to the next, all in one transaction: SQL, or a function where SQL is not enough. */
  readonly migrations: Readonly<Record<number, string | ((db: DatabaseSync) => void)>>;
  readonly faults: {
    /** The file belongs to another program. */
    foreign(file: string): Fault;
    /** The file has a later version than this program knows. */
    newer(file: string, found: number): Fault;
    /** The folder or the file cannot be made. If absent, the folder must exist, and SQLite's own error is thrown. */
    unwritable?(file: string, error: unknown): Fault;
  };
}

/** The faults of a file whose room has one code for all that is wrong with it; `damaged` makes that fault. */
export function faultsOfFile(version: number, code: FaultCode, damaged: (file: string, cause: unknown) => Fault): SqliteKind['faults'] {
  return {
    foreign: (file) => damaged(file, new Error('a database of another program')),
    newer: (file, found) =>
      new Fault(
        'database-newer',
        `${file} was written by a newer facelatch (format ${found}, this one knows ${version}): update facelatch`,
      ),
    unwritable: (file, error) =>
      asFault(error, code, `${file} cannot be written; let this user write to its folder, or set state.folder to another`),
  };
}

/** `fresh`: the file was created or migrated just now. Throws the kind's faults, and SQLite's errors as they are. */
export function openSqlite(file: string, kind: SqliteKind, lockTimeoutMs: number): { readonly db: DatabaseSync; readonly fresh: boolean } {
  if (file !== ':memory:') keepPrivate(file, kind);
  const db = new DatabaseSync(file, { timeout: lockTimeoutMs, enableForeignKeyConstraints: true });
  try {
    checkOurs(db, file, kind); // first: a foreign or newer file must stay as it is
    becomeWal(db, lockTimeoutMs);
    db.exec('PRAGMA synchronous = FULL');
    // No trace of a removed face: freed pages are overwritten with zeros, and nothing goes to temporary files.
    db.exec('PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY');
    const { fresh, isUnswept } = migrate(db, kind);
    if (isUnswept) sweep(db);
    return { db, fresh };
  } catch (error) {
    db.close();
    throw error;
  }
}

/** SQLite gives its log and index files the mode of the database. */
function keepPrivate(file: string, { faults }: SqliteKind): void {
  try {
    if (faults.unwritable) makeFolder(dirname(resolve(file)), 0o700);
    closeSync(openSync(file, 'a', 0o600));
    if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600);
  } catch (error) {
    if (faults.unwritable) throw faults.unwritable(file, error);
  }
}

function checkOurs(db: DatabaseSync, file: string, { applicationId, version, faults }: SqliteKind): void {
  const { found, owner, tables } = atOneMoment(db, () => ({
    found: pragma(db, 'user_version'),
    owner: pragma(db, 'application_id'),
    tables: db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.n,
  }));
  const isNew = owner === 0 && found === 0 && tables === 0;
  if (!isNew && owner !== applicationId) throw faults.foreign(file);
  if (found > version) throw faults.newer(file, found);
}

/** SQLite does not wait for a lock in this one statement, and another process may be opening the same new file. */
function becomeWal(db: DatabaseSync, lockTimeoutMs: number): void {
  const giveUpMs = performance.now() + lockTimeoutMs;
  for (;;) {
    try {
      db.exec('PRAGMA journal_mode = WAL');
      return;
    } catch (error) {
      if (sqliteTrouble(error) !== 'held' || performance.now() >= giveUpMs) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, againMs);
    }
  }
}

const againMs = 5;

/** Reads one state of the file: while another process makes its tables, a mixture looks like a foreign file. */
function atOneMoment<T>(db: DatabaseSync, read: () => T): T {
  db.exec('BEGIN');
  try {
    return read();
  } finally {
    db.exec('COMMIT');
  }
}

/** `fresh`: there was something to do. */
function migrate(
  db: DatabaseSync,
  { applicationId, version, schema, migrations }: SqliteKind,
): { readonly fresh: boolean; readonly isUnswept: boolean } {
  return transact(db, () => {
    const found = pragma(db, 'user_version');
    if (found < version) {
      if (found === 0) db.exec(schema);
      else {
        for (let at = found; at < version; at++) stepOn(db, migrations[at] ?? '');
        db.exec('CREATE TABLE IF NOT EXISTS unswept (one INTEGER) STRICT');
      }
      db.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${version}`);
    }
    // Here, within the transaction: outside of one, a process that is just closing the file refuses a reader at once.
    const isUnswept = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'unswept'").get() !== undefined;
    return { fresh: found < version, isUnswept };
  });
}

function stepOn(db: DatabaseSync, step: string | ((db: DatabaseSync) => void)): void {
  if (typeof step === 'string') db.exec(step);
  else step(db);
}

/**
 * After a migration nothing of what it replaced may stay in the file or in the write-ahead log. The table `unswept`
 * marks that this is still to be done, so that a process that was killed in between does it at its next start.
 */
function sweep(db: DatabaseSync): void {
  try {
    // First over the old bytes in their place: blocks that the file gives back would keep them.
    if (!emptyWriteAheadLog(db)) return;
    // Not in memory: the copy may be as large as a gallery, and it holds nothing that is not in the file.
    db.exec('PRAGMA temp_store = FILE; VACUUM');
    if (emptyWriteAheadLog(db)) db.exec('DROP TABLE IF EXISTS unswept');
  } catch (error) {
    // Another process reads the file, or the disk has no room for a copy: the next one that opens it does it.
    if (!['held', 'full', 'unwritable', 'down'].includes(sqliteTrouble(error) ?? '')) throw error;
  } finally {
    db.exec('PRAGMA temp_store = MEMORY');
  }
}

/** Moves what the write-ahead log holds into the file; false where another process keeps it from that. */
export const emptyWriteAheadLog = (db: DatabaseSync): boolean => db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.busy === 0;

/** The same without waiting for another process: the door's thread calls this. */
export function emptyLogUnlessHeld(db: DatabaseSync): boolean {
  const timeoutMs = Number(db.prepare('PRAGMA busy_timeout').get()?.timeout);
  db.exec('PRAGMA busy_timeout = 0');
  try {
    return emptyWriteAheadLog(db);
  } finally {
    db.exec(`PRAGMA busy_timeout = ${timeoutMs}`);
  }
}

export function pragma(db: DatabaseSync, name: 'user_version' | 'application_id' | 'data_version'): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
}

/** A column of bytes, in the form of a row. */
export const blob = Type.Refine(Type.Unsafe<Uint8Array>(Type.Unknown()), (value) => value instanceof Uint8Array);

/** Runs `work` as one transaction: either all of it is stored durably, or nothing. */
export function transact<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/** Tells whether a value is a row of its kind; typebox's `Compile` makes one from a schema, once at file level. */
export interface RowCheck<Row> {
  Check(value: unknown): value is Row;
}

/** The row as its check knows it. @throws what `damaged` makes, for a row that does not fit. */
export function checkedRow<Row>(check: RowCheck<Row>, row: unknown, damaged: () => Fault): Row {
  if (check.Check(row)) return row;
  throw damaged();
}

/** `other`: a programming mistake, such as a violated constraint. */
export type SqliteTrouble = 'full' | 'unwritable' | 'damaged' | 'held' | 'down' | 'other';

// Result codes: https://www.sqlite.org/rescode.html; the low byte is the primary code.
const ioErrorWrite = 778;
const ioErrorSharedMemorySize = 4874;
const troubles: Readonly<Record<number, SqliteTrouble>> = {
  13: 'full', // FULL
  11: 'damaged', // CORRUPT
  26: 'damaged', // NOTADB
  5: 'held', // BUSY
  6: 'held', // LOCKED
  3: 'down', // PERM
  8: 'down', // READONLY
  10: 'down', // IOERR
  14: 'down', // CANTOPEN
};

/** Undefined if the error is not SQLite's. */
export function sqliteTrouble(error: unknown): SqliteTrouble | undefined {
  if (!(error instanceof Error && 'errcode' in error)) return undefined;
  const code = Number(error.errcode);
  if (code === ioErrorWrite || code === ioErrorSharedMemorySize) return 'unwritable';
  return troubles[code & 255] ?? 'other';
}
