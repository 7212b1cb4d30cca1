/**
 * The keyring: a file and the key-encryption key (KEK) go in, an open vault comes out. The file holds a data key (DEK)
 * for each owner, wrapped by a key of the present epoch (HKDF of the KEK, RFC 5869), and a tombstone for each destroyed
 * one. Several processes have it open at once; each reads a key from it whenever it needs one.
 */
import { createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { asFault, Fault, messageOf } from '../base/errors.ts';
import { parseJson } from '../base/jws.ts';
import { checkedRow, openSqlite, type SqliteKind, sqliteTrouble, transact } from '../base/sqlite.ts';
import { derivedKey } from './derived.ts';
import { type KeyGiven, type KeyNotes, type KeyOwner, type KeySource, keySources, type Vault } from './port.ts';
import { decrypted, encrypted, opened, ownerName, ownerOf, sealed } from './sealing.ts';

const schemaVersion = 1;
const keyBytes = 32;
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
    foreign: (file) => damaged(file, new Error('a database of another program')),
    newer: (file, found) =>
      new Fault(
        'database-newer',
        `The keyring ${file} was written by a newer facelatch (format ${found}, this one knows ${schemaVersion}): update facelatch`,
      ),
    unwritable: (file, error) =>
      asFault(error, 'vault-down', `The keyring ${file} cannot be written; let this user write to its folder, or set state.folder`),
  },
};

const damaged = (file: string, error: unknown): Fault =>
  new Fault('vault-damaged', `The keyring ${file} is damaged (${messageOf(error)}): restore a backup (facelatch restore)`, error);

const bytes = Type.Refine(Type.Unsafe<Uint8Array>({}), (value) => value instanceof Uint8Array);
const epochForm = Compile(Type.Object({ n: Type.Integer(), salt: bytes, proof: bytes }));
const keyForm = Compile(
  Type.Object({
    ...{ owner: Type.String(), wrapped: bytes, n: Type.Integer(), salt: bytes, proof: bytes },
    before: Type.Union([Type.String(), Type.Null()]),
  }),
);
const ownerForm = Compile(Type.Object({ owner: Type.String() }));
const noteForm = Compile(Type.Object({ name: Type.String(), value: Type.String() }));
const ownersRow = Compile(Type.Object({ owners: Type.String() }));
const ownersForm = Compile(Type.Array(Type.String()));
const destroyedForm = Compile(Type.Object({ owner: Type.String(), at: Type.String() }));

interface KeyringFile {
  readonly file: string;
  /** ISO 8601 of now, for tombstones. */
  readonly now: () => string;
  readonly lockTimeoutMs?: number;
}

export interface KeyringOptions extends KeyringFile {
  /** 32 bytes. The keyring takes it over, and overwrites it with zeros when it is closed. */
  readonly kek: Uint8Array;
  readonly source: KeySource;
}

interface State extends KeyringFile {
  kek: Uint8Array;
  source: KeySource;
  readonly db: DatabaseSync;
  readonly sql: ReturnType<typeof statements>;
  /** The key that wraps the keys, of the epoch in which it was last used. */
  wrapping: { readonly epoch: number; readonly salt: Uint8Array; readonly key: Uint8Array } | undefined;
}

/**
 * Opens the keyring, made where there is none. Throws Faults `vault-unfit` (the KEK is not that of this keyring),
 * `vault-damaged`, `vault-down`, `database-newer`, `disk-full`.
 */
export const openKeyring = ({ kek, source, ...options }: KeyringOptions): Vault =>
  openKeyringBy({ ...options, choose: () => ({ kek, source }) });

/**
 * The same, where the key depends on what the keyring notes: `choose` gives it, from nothing for a keyring that is made
 * now. What `choose` throws is thrown; nothing is written then.
 */
export function openKeyringBy({ choose, ...options }: KeyringFile & { readonly choose: (notes: KeyNotes | undefined) => KeyGiven }): Vault {
  const { file, lockTimeoutMs = 5000 } = options;
  return guarded(file, () => {
    const { db } = openSqlite(file, kind, lockTimeoutMs);
    try {
      const sql = statements(db);
      const notes = notesIn(sql, file);
      const given = choose(notes);
      if (given.kek.length !== keyBytes) throw new TypeError(`a key-encryption key has ${keyBytes} bytes`);
      const state: State = { ...options, kek: given.kek, source: given.source, db, sql, wrapping: undefined };
      transact(db, () => begin(state, given));
      return vaultOf(state);
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

/** Undefined where there is no keyring yet. Needs no key. */
export function keyringNotes(file: string, lockTimeoutMs = 5000): KeyNotes | undefined {
  if (!existsSync(file)) return undefined;
  return guarded(file, () => {
    const { db } = openSqlite(file, kind, lockTimeoutMs);
    try {
      return notesIn(statements(db), file);
    } finally {
      db.close();
    }
  });
}

function notesIn(sql: State['sql'], file: string): KeyNotes | undefined {
  if (sql.epoch.get() === undefined) return undefined;
  const notes = new Map(
    sql.notes.all().map((row) => {
      const { name, value } = checkedRow(noteForm, row, () => damaged(file, new Error('a note')));
      return [name, value];
    }),
  );
  const noted = notes.get('source') ?? 'beside';
  const source = keySources.find((one) => one === noted);
  if (!source) throw damaged(file, new Error('an unknown source of its key'));
  const [wrapped, sealedWith] = [notes.get('wrapped'), notes.get('sealedWith')];
  return { source, ...(wrapped === undefined ? {} : { wrapped }), ...(sealedWith === undefined ? {} : { sealedWith }) };
}

/** Within a transaction. */
function note({ sql }: State, { source, wrapped, sealedWith }: KeyNotes): void {
  sql.forgetNotes.run();
  sql.note.run('source', source);
  if (wrapped !== undefined) sql.note.run('wrapped', wrapped);
  if (sealedWith !== undefined) sql.note.run('sealedWith', sealedWith);
}

/** What is left of the epoch before: keys of owners after `upTo`, in their order, are still wrapped under it. */
const unsettledNote = 'epochBefore';
const unsettledForm = Compile(Type.Object({ n: Type.Integer(), salt: Type.String(), upTo: Type.String() }));
/** Takes one or two milliseconds. */
const wrappedAtOnce = 40;
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

function vaultOf(state: State): Vault {
  const { file, db, sql } = state;
  const safely = <T>(work: () => T): T => guarded(file, work);
  return {
    get source() {
      return state.source;
    },
    get changes() {
      return safely(() => `${sql.version.get()?.data_version} ${sql.ownChanges.get()?.n}`);
    },
    get epoch() {
      return safely(() => present(state).epoch);
    },
    seal: (owner, place, value) => safely(() => using(keyFor(state, owner), (key) => sealed(key, owner, place, value))),
    open: (owner, place, value) => {
      const key = safely(() => keyOf(state, owner));
      return key && using(key, () => opened(key, owner, place, value));
    },
    pseudonym: (owner, purpose, text) =>
      safely(() => {
        const key = isBuried(state, owner) ? undefined : keyFor(state, owner);
        return key && using(key, () => namedBy(key, purpose, text));
      }),
    holds: (owner) => safely(() => sql.key.get(ownerName(owner)) !== undefined),
    destroy: (owners) =>
      safely(() => {
        transact(db, () => destroy(state, owners));
        // What the log holds of the old keys goes with it, or at the next destruction where another process is reading.
        db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      }),
    settle: () =>
      safely(() => {
        if (sql.unsettled.get() === undefined) return true;
        if (!transact(db, () => wrapSome(state))) return false;
        db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
        return true;
      }),
    rekey: (given) =>
      safely(() => {
        transact(db, () => rekey(state, given));
        state.kek.fill(0);
        [state.kek, state.source] = [given.kek, given.source];
        db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      }),
    destroyed: () =>
      safely(() =>
        sql.buried.all().map((row) => {
          const { owner, at } = checkedRow(destroyedForm, row, () => damaged(file, new Error('a tombstone')));
          return { owner: knownOwner(state, owner), at };
        }),
      ),
    owners: () =>
      safely(() =>
        ownersForm
          .Parse(JSON.parse(checkedRow(ownersRow, sql.owners.get(), () => damaged(file, new Error('its keys'))).owners))
          .map((name) => knownOwner(state, name)),
      ),
    derived: (purpose) => derivedKey(state.kek, purpose),
    [Symbol.dispose]: () => {
      state.wrapping?.key.fill(0);
      state.kek.fill(0);
      if (db.isOpen) db.close();
    },
  };
}

/** Notes the first epoch, or checks that the KEK is that of the keyring. */
function begin(state: State, given: KeyNotes): void {
  const { sql, file } = state;
  if (sql.epoch.get() === undefined) {
    startEpoch(state, 1);
    note(state, given);
  }
  present(state);
  if (sql.key.get('door') === undefined && sql.keys.all().length > 0) throw damaged(file, new Error('without the key of the door'));
  keyFor(state, 'door').fill(0);
}

/** What every epoch proves: that the KEK is the one it began with. */
const proofOf = (key: Uint8Array, epoch: number): Uint8Array => createHmac('sha256', key).update(`facelatch vault epoch ${epoch}`).digest();

function wrappingKey(kek: Uint8Array, epoch: number, salt: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', kek, salt, `facelatch vault keys, epoch ${epoch}`, keyBytes));
}

function startEpoch(state: State, epoch: number, kek = state.kek): Uint8Array {
  const salt = randomBytes(keyBytes);
  const key = wrappingKey(kek, epoch, salt);
  state.sql.setEpoch.run(epoch, salt, proofOf(key, epoch));
  state.wrapping?.key.fill(0);
  state.wrapping = { epoch, salt, key };
  return key;
}

/** The wrapping key of the epoch that the file is in. Throws Faults `vault-unfit`, `vault-damaged`. */
function present(state: State, row: unknown = state.sql.epoch.get()): NonNullable<State['wrapping']> {
  const { file, kek, wrapping } = state;
  const { n, salt, proof } = checkedRow(epochForm, row, () => damaged(file, new Error('no epoch')));
  if (wrapping?.epoch === n && Buffer.compare(wrapping.salt, salt) === 0) return wrapping;
  const key = wrappingKey(kek, n, salt);
  if (Buffer.compare(proofOf(key, n), proof) !== 0)
    throw new Fault(
      'vault-unfit',
      `The key that was given is not the one that ${file} was made with: give the right one (facelatch vault status says from where), or restore it from the recovery phrase (facelatch vault recover)`,
    );
  wrapping?.key.fill(0);
  state.wrapping = { epoch: n, salt, key };
  return state.wrapping;
}

const wrapBound = (owner: string, epoch: number): Buffer => Buffer.from(`facelatch wrapped key ${epoch} ${owner}`);

/** The owner's key; undefined where there is none. */
function keyOf(state: State, owner: KeyOwner): Uint8Array | undefined {
  const name = ownerName(owner);
  const row = state.sql.key.get(name);
  return row && unwrapped(state, row);
}

function unwrapped(state: State, row: unknown): Uint8Array {
  const { file } = state;
  const { owner, wrapped, before } = checkedRow(keyForm, row, () => damaged(file, new Error('a key')));
  const { key, epoch } = present(state, row);
  const dek = decrypted(key, wrapBound(owner, epoch), wrapped) ?? unwrappedBefore(state, owner, wrapped, before);
  if (dek?.length === keyBytes) return dek;
  throw damaged(file, new Error(`the key of ${owner} does not open`));
}

/** A key that is still wrapped under the epoch before; undefined where it is not. */
function unwrappedBefore({ kek, file }: State, owner: string, wrapped: Uint8Array, before: string | null): Uint8Array | undefined {
  if (before === null) return undefined;
  const { n, salt } = unsettledOf(before, file);
  return using(wrappingKey(kek, n, Buffer.from(salt, 'base64url')), (key) => decrypted(key, wrapBound(owner, n), wrapped));
}

function unsettledOf(text: unknown, file: string) {
  return checkedRow(unsettledForm, parseJson(Buffer.from(String(text))), () => damaged(file, new Error('a note')));
}

/** The owner's key, made where there is none. Throws Fault `key-destroyed`. */
function keyFor(state: State, owner: KeyOwner): Uint8Array {
  const found = keyOf(state, owner);
  if (found) return found;
  return state.db.isTransaction ? makeKey(state, owner) : transact(state.db, () => makeKey(state, owner));
}

function makeKey(state: State, owner: KeyOwner): Uint8Array {
  // Another process may have made it since.
  const found = keyOf(state, owner);
  if (found) return found;
  const name = ownerName(owner);
  if (isBuried(state, owner)) throw new Fault('key-destroyed', `The key of ${name} was destroyed: nothing can be kept for it any more`);
  const { key, epoch } = present(state);
  const dek = randomBytes(keyBytes);
  state.sql.setKey.run(name, encrypted(key, wrapBound(name, epoch), dek));
  return dek;
}

const isBuried = ({ sql }: State, owner: KeyOwner): boolean => sql.isBuried.get(ownerName(owner)) !== undefined;

/** Within a transaction. */
function destroy(state: State, owners: readonly KeyOwner[]): void {
  const { sql } = state;
  while (!wrapSome(state));
  const at = state.now();
  for (const owner of owners) {
    if (owner === 'door') throw new TypeError('the key of the door is never destroyed');
    sql.drop.run(ownerName(owner));
    sql.bury.run(ownerName(owner), at);
  }
  const { epoch: n, salt } = present(state);
  startEpoch(state, n + 1);
  sql.settle.run(JSON.stringify({ n, salt: Buffer.from(salt).toString('base64url'), upTo: '' }));
  wrapSome(state);
}

/** Within a transaction: some of the keys that are still wrapped under the epoch before. True when none is left. */
function wrapSome(state: State): boolean {
  const { sql, file } = state;
  const note = sql.unsettled.get();
  if (!note) return true;
  const before = unsettledOf(note.value, file);
  const rows = sql.keysAfter.all(before.upTo);
  const last = rows.at(-1);
  const { key, epoch } = present(state);
  for (const row of rows) {
    const { owner } = checkedRow(ownerForm, row, () => damaged(file, new Error('a key')));
    using(unwrapped(state, row), (dek) => sql.setKey.run(owner, encrypted(key, wrapBound(owner, epoch), dek)));
  }
  if (rows.length < wrappedAtOnce) sql.settled.run();
  else sql.settle.run(JSON.stringify({ ...before, upTo: last?.owner }));
  return rows.length < wrappedAtOnce;
}

/** Within a transaction. */
function rekey(state: State, given: KeyGiven): void {
  present(state);
  while (!wrapSome(state));
  note(state, given);
  if (Buffer.compare(given.kek, state.kek) !== 0) wrapAgain(state, given.kek);
}

/** Every key, wrapped under a new epoch of this KEK. */
function wrapAgain(state: State, kek: Uint8Array): void {
  const { sql } = state;
  const keys = sql.keys
    .all()
    .map((row) => [checkedRow(ownerForm, row, () => damaged(state.file, new Error('a key'))).owner, unwrapped(state, row)] as const);
  const epoch = present(state).epoch + 1;
  const key = startEpoch(state, epoch, kek);
  for (const [owner, dek] of keys) {
    sql.setKey.run(owner, encrypted(key, wrapBound(owner, epoch), dek));
    dek.fill(0);
  }
}

function knownOwner({ file }: State, name: string): KeyOwner {
  const owner = ownerOf(name);
  if (owner === undefined) throw damaged(file, new Error('a key of nobody'));
  return owner;
}

/** A key of its own for names, so that a name says nothing of what the owner's key seals. */
function namedBy(key: Uint8Array, purpose: string, text: string): Uint8Array {
  const own = new Uint8Array(hkdfSync('sha256', key, new Uint8Array(0), `facelatch pseudonym ${purpose}`, keyBytes));
  return using(own, () => new Uint8Array(createHmac('sha256', own).update(text).digest()));
}

/** The key is overwritten afterwards. */
function using<T>(key: Uint8Array, work: (key: Uint8Array) => T): T {
  try {
    return work(key);
  } finally {
    key.fill(0);
  }
}

function guarded<T>(file: string, work: () => T): T {
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
      return damaged(file, error);
    default:
      return new Fault(
        'vault-down',
        `The keyring ${file} cannot be read or written: check its owner, its folder and the disk (${messageOf(error)})`,
        error,
      );
  }
}
