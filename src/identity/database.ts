/**
 * The gallery's SQLite file: a path goes in, an open database of our version comes out, made where there is none.
 * SQLite's errors become Faults with a remedy.
 */
import type { DatabaseSync } from 'node:sqlite';
import { asFault, Fault, messageOf } from '../base/errors.ts';
import { emptyWriteAheadLog, openSqlite, type SqliteKind, sqliteTrouble } from '../base/sqlite.ts';

const schemaVersion = 5;
/** "FLGY": tells our file from any other SQLite file (SQLite file format, offset 68). */
const applicationId = 0x464c4759;

// `embedder` is the SHA-256 of the network that made the template. A picture may have templates of several, so that the
// previous network can come back at once. `vector` is float32, little-endian like every machine we run on.
// `seal`: see sealing.ts.
const templatesTable = (seal: string) => `
  CREATE TABLE templates (
    picture_id INTEGER NOT NULL REFERENCES pictures ON DELETE CASCADE,
    embedder TEXT NOT NULL,
    vector BLOB NOT NULL,${seal}
    PRIMARY KEY (picture_id, embedder)
  ) STRICT;
`;
/**
 * Who changed, kept by the database itself, so that every process at the file sees what every other one does. A person
 * has one entry, with the number of their last change; it stays when they are removed.
 */
const changeLog = `
  CREATE TABLE change_log (
    revision INTEGER PRIMARY KEY AUTOINCREMENT,
    person_id TEXT NOT NULL UNIQUE
  ) STRICT;
  ${logged('people', (row) => `${row}.id`)}
  ${logged('pictures', (row) => `${row}.person_id`)}
  ${logged('templates', (row) => `person_id FROM pictures WHERE id = ${row}.picture_id`)}
`;

/** `person`: gives the person whom a row is about, as it is selected. */
function logged(table: string, person: (row: 'new' | 'old') => string): string {
  const rows = { INSERT: ['new'], UPDATE: ['old', 'new'], DELETE: ['old'] } as const;
  return Object.entries(rows)
    .map(([change, of]) => {
      const entries = of.map(
        (row) => `
          DELETE FROM change_log WHERE person_id = (SELECT ${person(row)});
          INSERT INTO change_log (person_id) SELECT ${person(row)};`,
      );
      return `CREATE TRIGGER ${table}_${change.toLowerCase()} AFTER ${change} ON ${table} BEGIN ${entries.join('')} END;`;
    })
    .join('\n');
}

const schema = `
  CREATE TABLE people (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    enrolled_at TEXT NOT NULL,
    rules TEXT NOT NULL DEFAULT '{}',
    seal BLOB
  ) STRICT;
  CREATE TABLE pictures (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    person_id TEXT NOT NULL REFERENCES people ON DELETE CASCADE,
    source TEXT NOT NULL,
    added_at TEXT NOT NULL,
    sha256 TEXT NOT NULL UNIQUE,
    picture BLOB NOT NULL,
    seal BLOB
  ) STRICT;
  CREATE INDEX pictures_of_person ON pictures (person_id);
  ${templatesTable('seal BLOB,')}
  ${changeLog}
`;

/** From each earlier version to the next. */
const migrations: Readonly<Record<number, string>> = {
  1: `ALTER TABLE people ADD COLUMN rules TEXT NOT NULL DEFAULT '{}'`,
  2: `ALTER TABLE templates RENAME TO templates_2; ${templatesTable('')}
    INSERT INTO templates SELECT picture_id, embedder, vector FROM templates_2; DROP TABLE templates_2`,
  3: ['people', 'pictures', 'templates'].map((table) => `ALTER TABLE ${table} ADD COLUMN seal BLOB;`).join(''),
  4: changeLog,
};

const gallery: SqliteKind = {
  ...{ applicationId, version: schemaVersion, schema, migrations },
  faults: {
    foreign: (file) =>
      new Fault(
        'gallery-damaged',
        `${file} is an SQLite file of another program, not a gallery of facelatch: set state.folder (--state) to another folder.`,
      ),
    newer: (file, found) =>
      new Fault(
        'database-newer',
        `The gallery ${file} was written by a newer facelatch (format ${found}, this one knows ${schemaVersion}): update facelatch, or set state.folder (--state) to another folder.`,
      ),
    unwritable: (file, error) =>
      asFault(
        error,
        'gallery-down',
        `The gallery ${file} cannot be written; let this user write to its folder, or set state.folder (--state) to another`,
      ),
  },
};

/**
 * Opens or makes the database; only its owner may read it (mode 0600).
 * Throws Faults `database-newer`, `gallery-damaged`, `gallery-down`, `disk-full`.
 */
export function openGalleryFile(file: string, lockTimeoutMs: number): DatabaseSync {
  return guarded(file, () => {
    const { db, fresh } = openSqlite(file, gallery, lockTimeoutMs);
    try {
      if (fresh) emptyLog(db, file); // now, because a disk that fills up later would have no room for it
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

/**
 * Moves what the write-ahead log holds into the file and empties the log, so that pages from before a removal are gone
 * from both. False where another process was reading or the disk is full: nothing is lost, and the caller tries again
 * later. (Blocks that the file system has freed cannot be reached.)
 */
export function emptyLog(db: DatabaseSync, file: string): boolean {
  try {
    return guarded(file, () => emptyWriteAheadLog(db));
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

function faultOf(error: unknown, file: string): Fault | undefined {
  const fault = (kind: 'disk-full' | 'gallery-damaged' | 'gallery-down', what: string) =>
    new Fault(kind, `${what} (${messageOf(error)}).`, error);
  switch (sqliteTrouble(error)) {
    case 'unwritable':
      return fault('disk-full', `The gallery ${file} could not be written: free some space, or check quota and disk`);
    case 'full':
      return fault('disk-full', `The disk of the gallery ${file} is full: free some space`);
    case 'damaged':
      return fault(
        'gallery-damaged',
        `The gallery ${file} is damaged or not a database: restore a copy, or move it away and enrol everyone again (state.folder)`,
      );
    case 'held':
      return fault('gallery-down', `The gallery ${file} is held by another process: try again`);
    case 'down':
      return fault('gallery-down', `The gallery ${file} cannot be read or written: check its owner, its folder and the disk`);
    default:
      return undefined;
  }
}
