/**
 * The gallery's SQLite file: a path in, an open database of our version out (made where there is none), and SQLite's
 * errors turned into Faults with a remedy.
 */
import { chmodSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { asFault, Fault, messageOf } from '../errors.ts';

const schemaVersion = 3;
/** «FLGY»: tells our file from anyone else's SQLite file (SQLite file format, offset 68). */
const applicationId = 0x464c4759;

// `embedder` is the SHA-256 of the network that made the template (a picture may have templates of several: the network before the present one can
// come back at once); `vector` is float32, little-endian like every machine we run on.
const templatesTable = `
  CREATE TABLE templates (
    picture_id INTEGER NOT NULL REFERENCES pictures ON DELETE CASCADE,
    embedder TEXT NOT NULL,
    vector BLOB NOT NULL,
    PRIMARY KEY (picture_id, embedder)
  ) STRICT;
`;
const schema = `
  CREATE TABLE people (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    enrolled_at TEXT NOT NULL,
    rules TEXT NOT NULL DEFAULT '{}'
  ) STRICT;
  CREATE TABLE pictures (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    person_id TEXT NOT NULL REFERENCES people ON DELETE CASCADE,
    source TEXT NOT NULL,
    added_at TEXT NOT NULL,
    sha256 TEXT NOT NULL UNIQUE,
    picture BLOB NOT NULL
  ) STRICT;
  CREATE INDEX pictures_of_person ON pictures (person_id);
  ${templatesTable}
`;

/** From each earlier version to the next. */
const migrations: Readonly<Record<number, string>> = {
  1: `ALTER TABLE people ADD COLUMN rules TEXT NOT NULL DEFAULT '{}'`,
  2: `ALTER TABLE templates RENAME TO templates_2; ${templatesTable}
    INSERT INTO templates SELECT picture_id, embedder, vector FROM templates_2; DROP TABLE templates_2`,
};

/**
 * Opens or makes the database; only its owner may read it (mode 0600).
 * Throws Faults `database-newer`, `gallery-damaged`, `gallery-down`, `disk-full`.
 */
export function openDatabase(file: string, lockTimeoutMs: number): DatabaseSync {
  keepPrivate(file);
  return guarded(file, () => {
    const db = new DatabaseSync(file, { timeout: lockTimeoutMs, enableForeignKeyConstraints: true });
    try {
      checkOurs(db, file); // first of all: a foreign or newer file is left as it was
      db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
      // A removed face must not linger: freed pages are overwritten with zeros, and nothing is written to temporary files.
      db.exec('PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY');
      if (migrate(db)) emptyLog(db, file); // now: on a disk that fills up later there would be no room for it
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

function keepPrivate(file: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    closeSync(openSync(file, 'a', 0o600));
    if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600);
  } catch (error) {
    throw asFault(
      error,
      'gallery-down',
      `The gallery ${file} cannot be written; let this user write to its folder, or set state.folder (--state) to another`,
    );
  }
}

function checkOurs(db: DatabaseSync, file: string): void {
  const version = pragma(db, 'user_version');
  const owner = pragma(db, 'application_id');
  const isNew = owner === 0 && version === 0 && db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.n === 0;
  if (!isNew && owner !== applicationId) {
    throw new Fault(
      'gallery-damaged',
      `${file} is an SQLite file of another program, not a gallery of facelatch: set state.folder (--state) to another folder.`,
    );
  }
  if (version > schemaVersion) {
    throw new Fault(
      'database-newer',
      `The gallery ${file} was written by a newer facelatch (format ${version}, this one knows ${schemaVersion}): update facelatch, or set state.folder (--state) to another folder.`,
    );
  }
}

/** True when there was something to do. */
function migrate(db: DatabaseSync): boolean {
  return transact(db, () => {
    const found = pragma(db, 'user_version');
    if (found >= schemaVersion) return false;
    if (found === 0) db.exec(schema);
    else for (let version = found; version < schemaVersion; version++) db.exec(migrations[version] ?? '');
    db.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion}`);
    return true;
  });
}

export function pragma(db: DatabaseSync, name: 'user_version' | 'application_id' | 'data_version'): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
}

/** Runs `work` as one transaction: all of it is stored, durably, or nothing. */
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

/**
 * Moves what the write-ahead log holds into the file and empties it, so that pages from before a removal are gone from
 * both. False when it could not be done, because another process was reading or the disk is full: nothing is lost, try again later.
 * (Blocks that the file system has freed are beyond us.)
 */
export function emptyLog(db: DatabaseSync, file: string): boolean {
  try {
    return guarded(file, () => db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.busy === 0);
  } catch (error) {
    if (error instanceof Fault && error.code !== 'gallery-damaged') return false;
    throw error;
  }
}

/** Runs `work`; SQLite's errors come out as Faults, anything else as it is. */
export function guarded<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw faultOf(error, file) ?? error;
  }
}

// Result codes: https://www.sqlite.org/rescode.html; the low byte is the primary code.
const ioErrorWrite = 778;
const ioErrorSharedMemorySize = 4874;

function faultOf(error: unknown, file: string): Fault | undefined {
  if (!(error instanceof Error && 'errcode' in error)) return undefined;
  const code = Number(error.errcode);
  const fault = (kind: 'disk-full' | 'gallery-damaged' | 'gallery-down', what: string) =>
    new Fault(kind, `${what} (${messageOf(error)}).`, error);
  if (code === ioErrorWrite || code === ioErrorSharedMemorySize) {
    return fault('disk-full', `The gallery ${file} could not be written: free some space, or check quota and disk`);
  }
  switch (code & 255) {
    case 13: // FULL
      return fault('disk-full', `The disk of the gallery ${file} is full: free some space`);
    case 11: // CORRUPT
    case 26: // NOTADB
      return fault(
        'gallery-damaged',
        `The gallery ${file} is damaged or not a database: restore a copy, or move it away and enrol everyone anew (state.folder)`,
      );
    case 5: // BUSY
    case 6: // LOCKED
      return fault('gallery-down', `The gallery ${file} is held by another process: try again`);
    case 3: // PERM
    case 8: // READONLY
    case 10: // IOERR
    case 14: // CANTOPEN
      return fault('gallery-down', `The gallery ${file} cannot be read or written: check its owner, its folder and the disk`);
    default:
      return undefined;
  }
}
