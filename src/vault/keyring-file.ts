/**
 * The keyring's SQLite file: a path goes in, an open file of this version with its statements comes out; rows come out
 * checked, and SQLite's errors as Faults with a remedy. Nothing here needs a key.
 */
import type { DatabaseSync } from 'node:sqlite';
import { asFault, Fault, messageOf } from '../base/errors.ts';
import { parseJson } from '../base/jws.ts';
import { Compile, type Static, Type } from '../base/schema.ts';
import { blob, checkedRow, emptyLogUnlessHeld, openSqlite, type SqliteKind, sqliteTrouble } from '../base/sqlite.ts';
import { type KeyNotes, keySources } from './port.ts';

const schemaVersion = 1;
const schema = `
  CREATE TABLE epoch (one INTEGER PRIMARY KEY CHECK (one = 1), n INTEGER NOT NULL, salt BLOB NOT NULL, proof BLOB NOT NULL) STRICT;
  CREATE TABLE keys (owner TEXT PRIMARY KEY, wrapped BLOB NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE destroyed (owner TEXT PRIMARY KEY, at TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;
const kind: SqliteKind = {
  applicationId: 0x464c564b, // "FLVK"
  version: schemaVersion,
  schema,
  migrations: {},
  faults: {
    foreign: (file) => keyringDamaged(file, new Error('a database of another program')),
    newer: (file, found) =>
      new Fault(
        'database-newer',
        `The keyring ${file} was written by a newer facelatch (format ${found}, this one knows ${schemaVersion}): update facelatch`,
      ),
    unwritable: (file, error) =>
      asFault(error, 'vault-down', `The keyring ${file} cannot be written; let this user write to its folder, or set state.folder`),
  },
};

export const keyringDamaged = (file: string, error: unknown): Fault =>
  new Fault('vault-damaged', `The keyring ${file} is damaged (${messageOf(error)}): restore a backup (facelatch restore)`, error);

export const epochForm = Compile(Type.Object({ n: Type.Integer(), salt: blob, proof: blob }));
export const keyForm = Compile(
  Type.Object({
    ...{ owner: Type.String(), wrapped: blob, n: Type.Integer(), salt: blob, proof: blob },
    before: Type.Union([Type.String(), Type.Null()]),
  }),
);
export const ownerForm = Compile(Type.Object({ owner: Type.String() }));
const noteForm = Compile(Type.Object({ name: Type.String(), value: Type.String() }));
export const ownersRow = Compile(Type.Object({ owners: Type.String() }));
export const ownersForm = Compile(Type.Array(Type.String()));
export const destroyedForm = Compile(Type.Object({ owner: Type.String(), at: Type.String() }));

export interface KeyringFile {
  readonly file: string;
  readonly db: DatabaseSync;
  readonly sql: ReturnType<typeof statements>;
}

/** Opens the file, made where there is none. Throws Faults `database-newer`, `vault-damaged`, `vault-down`. */
export function openKeyringFile(file: string, lockTimeoutMs: number): KeyringFile {
  const { db } = openSqlite(file, kind, lockTimeoutMs);
  return { file, db, sql: statements(db) };
}

/** Undefined where the keyring is new. */
export function notesIn({ sql, file }: KeyringFile): KeyNotes | undefined {
  if (sql.epoch.get() === undefined) return undefined;
  const notes = new Map(
    sql.notes.all().map((row) => {
      const { name, value } = checkedRow(noteForm, row, () => keyringDamaged(file, new Error('a note')));
      return [name, value];
    }),
  );
  const noted = notes.get('source') ?? 'beside';
  const source = keySources.find((one) => one === noted);
  if (!source) throw keyringDamaged(file, new Error('an unknown source of its key'));
  const [wrapped, sealedWith] = [notes.get('wrapped'), notes.get('sealedWith')];
  return { source, ...(wrapped === undefined ? {} : { wrapped }), ...(sealedWith === undefined ? {} : { sealedWith }) };
}

/** Within a transaction. */
export function note({ sql }: KeyringFile, { source, wrapped, sealedWith }: KeyNotes): void {
  sql.forgetNotes.run();
  sql.note.run('source', source);
  if (wrapped !== undefined) sql.note.run('wrapped', wrapped);
  if (sealedWith !== undefined) sql.note.run('sealedWith', sealedWith);
}

/** What is left of the epoch before: keys of owners after `upTo`, in their order, are still wrapped under it. */
const unsettledNote = 'epochBefore';
const unsettledForm = Type.Object({
  ...{ n: Type.Integer(), salt: Type.String(), upTo: Type.String() },
  // Destructions since: the next epoch is so much higher, and begins when this one has all keys.
  since: Type.Optional(Type.Integer({ minimum: 1 })),
});
const unsettledCheck = Compile(unsettledForm);
export type Unsettled = Static<typeof unsettledForm>;
/** Stands until the write-ahead log is emptied of keys as they were wrapped before. */
const logNote = 'logHolds';
/** Takes one or two milliseconds. */
export const wrappedAtOnce = 40;
const keyRows = `SELECT owner, wrapped, n, salt, proof, (SELECT value FROM notes WHERE name = '${unsettledNote}') AS before FROM keys, epoch`;

function statements(db: DatabaseSync) {
  return {
    epoch: db.prepare('SELECT n, salt, proof FROM epoch'),
    setEpoch: db.prepare('INSERT OR REPLACE INTO epoch (one, n, salt, proof) VALUES (1, ?, ?, ?)'),
    // The epoch in the same statement: another process may begin a new one between two.
    key: db.prepare(`${keyRows} WHERE owner = ?`),
    keys: db.prepare(`${keyRows} ORDER BY owner`),
    keysAfter: db.prepare(`${keyRows} WHERE owner > ? ORDER BY owner LIMIT ${wrappedAtOnce}`),
    unsettled: db.prepare(`SELECT value FROM notes WHERE name = '${unsettledNote}'`),
    settle: db.prepare(`INSERT OR REPLACE INTO notes (name, value) VALUES ('${unsettledNote}', ?)`),
    settled: db.prepare(`DELETE FROM notes WHERE name = '${unsettledNote}'`),
    logHolds: db.prepare(`SELECT value FROM notes WHERE name = '${logNote}'`),
    logFills: db.prepare(`INSERT OR IGNORE INTO notes (name, value) VALUES ('${logNote}', 'keys')`),
    logEmptied: db.prepare(`DELETE FROM notes WHERE name = '${logNote}'`),
    setKey: db.prepare('INSERT OR REPLACE INTO keys (owner, wrapped) VALUES (?, ?)'),
    drop: db.prepare('DELETE FROM keys WHERE owner = ?'),
    bury: db.prepare('INSERT OR IGNORE INTO destroyed (owner, at) VALUES (?, ?)'),
    isBuried: db.prepare('SELECT owner FROM destroyed WHERE owner = ?'),
    buried: db.prepare('SELECT owner, at FROM destroyed ORDER BY at, owner'),
    notes: db.prepare('SELECT name, value FROM notes'),
    note: db.prepare('INSERT INTO notes (name, value) VALUES (?, ?)'),
    forgetNotes: db.prepare("DELETE FROM notes WHERE name IN ('source', 'wrapped', 'sealedWith')"),
    // In one row: a thousand of them take a millisecond.
    owners: db.prepare('SELECT json_group_array(owner ORDER BY owner) AS owners FROM keys'),
    // The first changes with every commit of another connection, the second with every change of this one.
    version: db.prepare('PRAGMA data_version'),
    ownChanges: db.prepare('SELECT total_changes() AS n'),
  };
}

export function unsettledOf(text: unknown, file: string): Unsettled {
  return checkedRow(unsettledCheck, parseJson(Buffer.from(String(text))), () => keyringDamaged(file, new Error('a note')));
}

/** Empties the log where it holds keys as they were; false where another process keeps it from that just now. */
export function settleLog({ db, sql }: KeyringFile): boolean {
  if (sql.logHolds.get() === undefined) return true;
  if (!emptyLogUnlessHeld(db)) return false;
  sql.logEmptied.run();
  return true;
}

export function keyringGuarded<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw faultOf(error, file) ?? error;
  }
}

function faultOf(error: unknown, file: string): Fault | undefined {
  switch (sqliteTrouble(error)) {
    case undefined:
    case 'other':
      return undefined;
    case 'full':
    case 'unwritable':
      return new Fault('disk-full', `The disk of the keyring ${file} is full: free some space (${messageOf(error)})`, error);
    case 'damaged':
      return keyringDamaged(file, error);
    default:
      return new Fault(
        'vault-down',
        `The keyring ${file} cannot be read or written: check its owner, its folder and the disk (${messageOf(error)})`,
        error,
      );
  }
}
