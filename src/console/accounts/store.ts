/**
 * The file of the console's accounts: a path goes in, an open database and its guard come out. Two processes work on
 * it: the console, and a command at the door's own shell that makes an invitation.
 */
import type { SQLInputValue } from 'node:sqlite';
import { Fault, messageOf } from '../../base/errors.ts';
import { Compile, type TSchema, Type } from '../../base/schema.ts';
import { checkedRow, faultsOfFile, openSqlite, type RowCheck, type SqliteKind, sqliteTrouble, transact } from '../../base/sqlite.ts';
import type { Clock } from '../../base/time.ts';

interface Prepared {
  get(...values: readonly SQLInputValue[]): unknown;
  all(...values: readonly SQLInputValue[]): readonly unknown[];
  run(...values: readonly SQLInputValue[]): { readonly changes: number | bigint };
}

/** Whatever it does, SQLite's errors are thrown as Faults `accounts-damaged` or `disk-full`. */
export interface Store extends Disposable {
  readonly file: string;
  readonly clock: Pick<Clock, 'wall'>;
  prepare(sql: string): Prepared;
  /** Either all of `work` is stored durably, or nothing. */
  together<T>(work: () => T): T;
}

const version = 1;
// Times are milliseconds since 1970. AUTOINCREMENT: the number of a removed account never names another one.
const schema = `
  CREATE TABLE accounts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE COLLATE NOCASE, role TEXT NOT NULL, handle BLOB NOT NULL UNIQUE,
    password TEXT, created_at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE passkeys (
    id TEXT PRIMARY KEY, account INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE, public_key BLOB NOT NULL, counter INTEGER NOT NULL,
    transports TEXT NOT NULL, label TEXT NOT NULL, host TEXT NOT NULL, created_at INTEGER NOT NULL, used_at INTEGER
  ) STRICT;
  CREATE INDEX passkeys_of ON passkeys (account);
  CREATE TABLE sessions (
    hash BLOB PRIMARY KEY, id TEXT NOT NULL UNIQUE, account INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
    created_at INTEGER NOT NULL, used_at INTEGER NOT NULL, browser TEXT NOT NULL, address TEXT NOT NULL
  ) STRICT;
  CREATE INDEX sessions_of ON sessions (account);
  CREATE TABLE tokens (
    hash BLOB PRIMARY KEY, id TEXT NOT NULL UNIQUE, account INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE, label TEXT NOT NULL,
    role TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER, used_at INTEGER
  ) STRICT;
  CREATE INDEX tokens_of ON tokens (account);
  CREATE TABLE invitations (
    hash BLOB PRIMARY KEY, id TEXT NOT NULL UNIQUE, role TEXT NOT NULL, name TEXT, by TEXT NOT NULL, created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE failures (key TEXT PRIMARY KEY, count INTEGER NOT NULL, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX failures_at ON failures (at);
  CREATE TABLE devices (
    hash BLOB PRIMARY KEY, account INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE, at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX devices_of ON devices (account);
`;
const kind: SqliteKind = {
  ...{ applicationId: 0x464c4143, version, schema, migrations: {} }, // "FLAC"
  faults: faultsOfFile(version, 'accounts-damaged', (file, cause) => damaged(file, cause)),
};

const damaged = (file: string, cause: unknown): Fault =>
  new Fault(
    'accounts-damaged',
    `The accounts of the console in ${file} cannot be read or written (${messageOf(cause)}): restore a backup (facelatch restore), or move the ` +
      'file away and run "facelatch console link" for a new first account',
    cause,
    'The accounts of the console cannot be read or written: see the log of the door',
  );

const lockTimeoutMs = 2000;

/** Opens the file, or makes it. @throws Faults `accounts-damaged`, `database-newer`, `disk-full`. */
export function openStore({ file, clock }: Pick<Store, 'file' | 'clock'>): Store {
  const { db } = safely(file, () => openSqlite(file, kind, lockTimeoutMs));
  return {
    file,
    clock,
    prepare: (sql) => {
      const statement = safely(file, () => db.prepare(sql));
      return {
        get: (...values) => safely(file, () => statement.get(...values)),
        all: (...values) => safely(file, () => statement.all(...values)),
        run: (...values) => safely(file, () => statement.run(...values)),
      };
    },
    together: (work) => safely(file, () => transact(db, work)),
    [Symbol.dispose]: () => {
      if (db.isOpen) db.close();
    },
  };
}

function safely<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const trouble = error instanceof Fault ? undefined : sqliteTrouble(error);
    if (trouble === 'full' || trouble === 'unwritable') throw new Fault('disk-full', `The disk of ${file} is full: free some space`, error);
    throw trouble === undefined ? error : damaged(file, error);
  }
}

/** What a check lets through. */
export type RowOf<Check> = Check extends RowCheck<infer Row> ? Row : never;

/** The rows as `check` knows them. @throws Fault `accounts-damaged` where one does not fit. */
export const rowsAs = <Row>({ file }: Store, check: RowCheck<Row>, rows: readonly unknown[]): Row[] =>
  rows.map((row) => checkedRow(check, row, () => damaged(file, new Error('a row does not fit'))));

/** The row, if there is one. @throws Fault `accounts-damaged`. */
export const rowAs = <Row>(store: Store, check: RowCheck<Row>, row: unknown): Row | undefined =>
  row === undefined ? undefined : rowsAs(store, check, [row])[0];

export const orNull = <const T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

const countForm = Compile(Type.Object({ n: Type.Integer() }));

/** What a statement `SELECT count(*) AS n …` found. */
export const countOf = (store: Store, row: unknown): number => rowAs(store, countForm, row)?.n ?? 0;

/** A time as people and programs read it: ISO 8601, UTC. */
export const isoOf = (ms: number): string => new Date(ms).toISOString();
