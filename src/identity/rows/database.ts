/**
 * The gallery's SQLite file: a path goes in, an open database of our version comes out, made where there is none.
 * SQLite's errors become Faults with a remedy.
 */
import type { DatabaseSync } from 'node:sqlite';
import { asFault, Fault, messageOf } from '../../base/errors.ts';
import { emptyWriteAheadLog, openSqlite, type SqliteKind, sqliteTrouble } from '../../base/sqlite.ts';
import type { Vault } from '../../vault/port.ts';
import { sealRowsInto6 } from './migration.ts';

const schemaVersion = 6;
/** "FLGY": tells our file from any other SQLite file (SQLite file format, offset 68). */
const applicationId = 0x464c4759;

/**
 * What is personal is sealed (at-rest.ts): `details` and `picture` and `vector`. `mark` and `look` are keyed indexes.
 * `embedder` is the SHA-256 of the network that made the template. A picture may have templates of several, so that the
 * previous network can come back at once. `seal`: see sealing.ts. `_6`: the end of the names while the tables are made.
 */
const tables = (end: '' | '_6') => `
  CREATE TABLE people${end} (
    id TEXT PRIMARY KEY,
    mark BLOB NOT NULL UNIQUE,
    look BLOB NOT NULL,
    details BLOB NOT NULL,
    seal BLOB
  ) STRICT;
  CREATE TABLE pictures${end} (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    person_id TEXT NOT NULL REFERENCES people${end} ON DELETE CASCADE,
    mark BLOB NOT NULL UNIQUE,
    details BLOB NOT NULL,
    picture BLOB NOT NULL,
    seal BLOB
  ) STRICT;
  CREATE TABLE templates${end} (
    picture_id INTEGER NOT NULL REFERENCES pictures${end} ON DELETE CASCADE,
    embedder TEXT NOT NULL,
    vector BLOB NOT NULL,
    seal BLOB,
    PRIMARY KEY (picture_id, embedder)
  ) STRICT;
`;
const indexes = `
  CREATE INDEX look_of_people ON people (look);
  CREATE INDEX pictures_of_person ON pictures (person_id);
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
`;
const triggers = `
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

/** Within the transaction of the migration. */
function sealTables(db: DatabaseSync, vault: Vault): void {
  db.exec(tables('_6'));
  sealRowsInto6(db, vault);
  db.exec(`
    DROP TABLE templates; DROP TABLE pictures; DROP TABLE people;
    ALTER TABLE people_6 RENAME TO people; ALTER TABLE pictures_6 RENAME TO pictures; ALTER TABLE templates_6 RENAME TO templates;
    ${indexes} ${triggers}`);
}

/** From each earlier version to the next. */
const migrations = (vault: Vault): SqliteKind['migrations'] => ({
  1: `ALTER TABLE people ADD COLUMN rules TEXT NOT NULL DEFAULT '{}'`,
  2: `ALTER TABLE templates RENAME TO templates_2;
    CREATE TABLE templates (
      picture_id INTEGER NOT NULL REFERENCES pictures ON DELETE CASCADE,
      embedder TEXT NOT NULL,
      vector BLOB NOT NULL,
      PRIMARY KEY (picture_id, embedder)
    ) STRICT;
    INSERT INTO templates SELECT picture_id, embedder, vector FROM templates_2; DROP TABLE templates_2`,
  3: ['people', 'pictures', 'templates'].map((table) => `ALTER TABLE ${table} ADD COLUMN seal BLOB;`).join(''),
  4: changeLog,
  5: (db) => sealTables(db, vault),
});

const gallery = (vault: Vault): SqliteKind => ({
  ...{ applicationId, version: schemaVersion, migrations: migrations(vault) },
  schema: `${tables('')} ${indexes} ${changeLog} ${triggers}`,
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
});

/**
 * Opens or makes the database; only its owner may read it (mode 0600).
 * Throws Faults `database-newer`, `gallery-damaged`, `gallery-down`, `disk-full`.
 */
export function openGalleryFile(file: string, vault: Vault, lockTimeoutMs: number): DatabaseSync {
  return guarded(file, () => {
    const { db, fresh } = openSqlite(file, gallery(vault), lockTimeoutMs);
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
        `The gallery ${file} is damaged or not a database: restore a backup (facelatch restore), or move it away and enrol everyone again (state.folder)`,
      );
    case 'held':
      return fault('gallery-down', `The gallery ${file} is held by another process: try again`);
    case 'down':
      return fault('gallery-down', `The gallery ${file} cannot be read or written: check its owner, its folder and the disk`);
    default:
      return undefined;
  }
}
