/**
 * The retraining room's SQLite file: a path and the vault in, an open database of our version out (made where there is
 * none, for its owner alone), and SQLite's errors as Faults with a remedy. It holds the kept pictures (sealed), the
 * frozen split, the registry's pointer and the jobs; every change is one transaction.
 */
import type { DatabaseSync } from 'node:sqlite';
import { asFault, Fault, messageOf } from '../base/errors.ts';
import { parseJson } from '../base/jws.ts';
import { checkedRow, openSqlite, type RowCheck, type SqliteKind, sqliteTrouble, transact } from '../base/sqlite.ts';
import type { Vault } from '../vault/port.ts';
import { sealKept } from './held/kept-rows.ts';

const schemaVersion = 2;
/** "FLRT" (SQLite file format, offset 68). */
const applicationId = 0x464c5254;

// `alike`: turned away, and yet rather like somebody enrolled. `visit`: the first entry of the same visit, by one
// visitor. `part`: a group (a person's day, a stranger's visit) is assigned for good. `history`: the champions before
// this one, the oldest first; null is the network of the configuration.
const schema = `
  CREATE TABLE kept (
    id TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    person_id TEXT,
    alike INTEGER NOT NULL,
    visit INTEGER NOT NULL,
    taken_at TEXT NOT NULL,
    mark TEXT,
    marked_at TEXT,
    picture BLOB NOT NULL
  ) STRICT;
  CREATE INDEX kept_of_entry ON kept (seq);
  CREATE TABLE parts (name TEXT PRIMARY KEY, part TEXT NOT NULL) STRICT;
  CREATE TABLE bundles (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    version INTEGER NOT NULL,
    recipe TEXT NOT NULL,
    created_at TEXT NOT NULL,
    base TEXT NOT NULL,
    embedder TEXT NOT NULL,
    note TEXT NOT NULL DEFAULT ''
  ) STRICT;
  CREATE TABLE history (n INTEGER PRIMARY KEY AUTOINCREMENT, bundle TEXT) STRICT;
  CREATE TABLE pointer (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    champion TEXT,
    lowest_version INTEGER NOT NULL,
    next_version INTEGER NOT NULL,
    probation TEXT,
    changes INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  INSERT INTO pointer (one, champion, lowest_version, next_version) VALUES (1, NULL, 1, 1);
  CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    recipe TEXT NOT NULL,
    place TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    seed INTEGER NOT NULL,
    state TEXT NOT NULL,
    progress TEXT,
    started_at TEXT NOT NULL,
    ended_at TEXT,
    bundle TEXT,
    detail TEXT,
    cancelled_by TEXT,
    crashes INTEGER NOT NULL DEFAULT 0,
    n INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
`;

export interface RetrainStore extends Disposable {
  readonly db: DatabaseSync;
  /** Seals what the file holds of people. The store does not own it. */
  readonly vault: Vault;
  /** All of it is stored, durably, or nothing. */
  change<T>(work: () => T): T;
  read<T>(work: () => T): T;
  /** The row where it is of this form. Throws Fault `registry-damaged`. */
  row<Row>(form: RowCheck<Row>, row: unknown): Row;
  /** The document of a column with JSON text, likewise. */
  json<Row>(form: RowCheck<Row>, text: string): Row;
}

const kindOf = (file: string, vault: Vault): SqliteKind => ({
  ...{ applicationId, version: schemaVersion, schema },
  migrations: { 1: (db) => sealKept(db, vault, () => damagedFault(file)) },
  faults: {
    foreign: (file) =>
      new Fault('registry-damaged', `${file} is an SQLite file of another program: move it away, or set state.folder to another folder`),
    newer: (file) =>
      new Fault('database-newer', `${file} was written by a newer facelatch: update facelatch, or set state.folder to another folder`),
    unwritable: (file, error) =>
      asFault(error, 'registry-down', `${file} cannot be written; let this user write to its folder, or set state.folder to another`),
  },
});

/** Opens or makes it. Throws Faults `database-newer`, `registry-damaged`, `registry-down`, `disk-full`, the vault's. */
export function openRetrainStore(file: string, vault: Vault, lockTimeoutMs = 5000): RetrainStore {
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw faultOf(error, file) ?? error;
    }
  };
  const { db } = guarded(() => openSqlite(file, kindOf(file, vault), lockTimeoutMs));
  return {
    db,
    vault,
    change: (work) => guarded(() => transact(db, work)),
    read: guarded,
    row: (form, row) => checkedRow(form, row, () => damagedFault(file)),
    json: (form, text) => checkedRow(form, parseJson(Buffer.from(text)), () => damagedFault(file)),
    [Symbol.dispose]: () => {
      if (db.isOpen) db.close();
    },
  };
}

function faultOf(error: unknown, file: string): Fault | undefined {
  const trouble = sqliteTrouble(error);
  const said = `(${messageOf(error)})`;
  switch (trouble) {
    case undefined:
      return undefined;
    case 'full':
    case 'unwritable':
      return new Fault('disk-full', `The disk of ${file} is full: free some space ${said}`, error);
    case 'damaged':
      return damagedFault(file, error);
    default:
      return new Fault(
        'registry-down',
        `${file} cannot be read or written: check its owner, its folder and the disk, and try again ${said}`,
        error,
      );
  }
}

function damagedFault(file: string, error?: unknown): Fault {
  const said = error === undefined ? '' : ` (${messageOf(error)})`;
  const remedy = 'restore a backup (facelatch restore), or move it away; trained networks must then be added again';
  return new Fault('registry-damaged', `${file} is damaged: ${remedy}${said}`, error);
}
