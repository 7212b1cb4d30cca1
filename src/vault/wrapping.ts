/**
 * How the keyring wraps its keys: an open keyring with its key-encryption key (KEK) goes in, data keys (DEK) by owner
 * come out. Each is wrapped by a key of the present epoch (HKDF of the KEK, RFC 5869). A destruction begins a new
 * epoch; the keys that stay are wrapped again a few at a time.
 */
import { createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { Fault } from '../base/errors.ts';
import { checkedRow, transact } from '../base/sqlite.ts';
import {
  epochForm,
  type KeyringFile,
  keyForm,
  keyringDamaged,
  note,
  ownerForm,
  type Unsettled,
  unsettledOf,
  wrappedAtOnce,
} from './keyring-file.ts';
import type { KeyGiven, KeyOwner, KeySource } from './port.ts';
import { decrypted, encrypted, ownerName } from './sealing.ts';

export const keyBytes = 32;

export interface OpenKeyring extends KeyringFile {
  kek: Uint8Array;
  source: KeySource;
  /** ISO 8601 of now, for tombstones. */
  readonly now: () => string;
  /** The key that wraps the keys, of the epoch in which it was last used. */
  wrapping: { readonly epoch: number; readonly salt: Uint8Array; readonly key: Uint8Array } | undefined;
}

/** What every epoch proves: that the KEK is the one it began with. */
const proofOf = (key: Uint8Array, epoch: number): Uint8Array => createHmac('sha256', key).update(`facelatch vault epoch ${epoch}`).digest();

function wrappingKey(kek: Uint8Array, epoch: number, salt: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', kek, salt, `facelatch vault keys, epoch ${epoch}`, keyBytes));
}

export function startEpoch(state: OpenKeyring, epoch: number, kek = state.kek): Uint8Array {
  const salt = randomBytes(keyBytes);
  const key = wrappingKey(kek, epoch, salt);
  state.sql.setEpoch.run(epoch, salt, proofOf(key, epoch));
  state.wrapping?.key.fill(0);
  state.wrapping = { epoch, salt, key };
  return key;
}

/** The wrapping key of the epoch that the file is in. Throws Faults `vault-unfit`, `vault-damaged`. */
export function present(state: OpenKeyring, row: unknown = state.sql.epoch.get()): NonNullable<OpenKeyring['wrapping']> {
  const { file, kek, wrapping } = state;
  const { n, salt, proof } = checkedRow(epochForm, row, () => keyringDamaged(file, new Error('no epoch')));
  if (wrapping?.epoch === n && Buffer.compare(wrapping.salt, salt) === 0) return wrapping;
  const key = wrappingKey(kek, n, salt);
  if (Buffer.compare(proofOf(key, n), proof) !== 0) {
    key.fill(0);
    throw new Fault(
      'vault-unfit',
      `The key that was given is not the one that ${file} was made with: give the right one (facelatch vault status says from where), or restore it from the recovery phrase (facelatch vault recover)`,
    );
  }
  wrapping?.key.fill(0);
  state.wrapping = { epoch: n, salt, key };
  return state.wrapping;
}

const wrapBound = (owner: string, epoch: number): Buffer => Buffer.from(`facelatch wrapped key ${epoch} ${owner}`);

/** The owner's key; undefined where there is none. */
export function wrappedKeyOf(state: OpenKeyring, owner: KeyOwner): Uint8Array | undefined {
  const name = ownerName(owner);
  const row = state.sql.key.get(name);
  return row && unwrapped(state, row);
}

function unwrapped(state: OpenKeyring, row: unknown): Uint8Array {
  const { file } = state;
  const { owner, wrapped, before } = checkedRow(keyForm, row, () => keyringDamaged(file, new Error('a key')));
  const { key, epoch } = present(state, row);
  const dek = decrypted(key, wrapBound(owner, epoch), wrapped) ?? unwrappedBefore(state, owner, wrapped, before);
  if (dek?.length === keyBytes) return dek;
  throw keyringDamaged(file, new Error(`the key of ${owner} does not open`));
}

/** A key that is still wrapped under the epoch before; undefined where it is not. */
function unwrappedBefore({ kek, file }: OpenKeyring, owner: string, wrapped: Uint8Array, before: string | null): Uint8Array | undefined {
  if (before === null) return undefined;
  const { n, salt } = unsettledOf(before, file);
  return using(wrappingKey(kek, n, Buffer.from(salt, 'base64url')), (key) => decrypted(key, wrapBound(owner, n), wrapped));
}

/** The owner's key, made where there is none. Throws Fault `key-destroyed`. */
export function keyFor(state: OpenKeyring, owner: KeyOwner): Uint8Array {
  const found = wrappedKeyOf(state, owner);
  if (found) return found;
  return state.db.isTransaction ? makeKey(state, owner) : transact(state.db, () => makeKey(state, owner));
}

function makeKey(state: OpenKeyring, owner: KeyOwner): Uint8Array {
  // Another process may have made it since.
  const found = wrappedKeyOf(state, owner);
  if (found) return found;
  const name = ownerName(owner);
  if (isBuried(state, owner)) throw new Fault('key-destroyed', `The key of ${name} was destroyed: nothing can be kept for it any more`);
  const { key, epoch } = present(state);
  const dek = randomBytes(keyBytes);
  state.sql.setKey.run(name, encrypted(key, wrapBound(name, epoch), dek));
  return dek;
}

export const isBuried = ({ sql }: OpenKeyring, owner: KeyOwner): boolean => sql.isBuried.get(ownerName(owner)) !== undefined;

/** Within a transaction. */
export function destroy(state: OpenKeyring, owners: readonly KeyOwner[]): void {
  const { sql } = state;
  present(state);
  const at = state.now();
  for (const owner of owners) {
    if (owner === 'door') throw new TypeError('the key of the door is never destroyed');
    sql.drop.run(ownerName(owner));
    sql.bury.run(ownerName(owner), at);
  }
  const before = unsettled(state);
  if (before) sql.settle.run(JSON.stringify({ ...before, since: (before.since ?? 0) + 1 } satisfies Unsettled));
  else {
    nextEpoch(state, 1);
    wrapSome(state);
  }
  sql.logFills.run();
}

function nextEpoch(state: OpenKeyring, later: number): void {
  const { epoch: n, salt } = present(state);
  startEpoch(state, n + later);
  state.sql.settle.run(JSON.stringify({ n, salt: Buffer.from(salt).toString('base64url'), upTo: '' } satisfies Unsettled));
}

function unsettled({ sql, file }: OpenKeyring): Unsettled | undefined {
  const note = sql.unsettled.get();
  return note && unsettledOf(note.value, file);
}

/** The epoch in which everything is settled. */
export const epochAhead = (state: OpenKeyring): number => present(state).epoch + (unsettled(state)?.since ?? 0);

/** Within a transaction: some of the keys that are still wrapped under the epoch before. True when none is left. */
export function wrapSome(state: OpenKeyring): boolean {
  const { sql, file } = state;
  const before = unsettled(state);
  if (!before) return true;
  const rows = sql.keysAfter.all(before.upTo);
  const last = rows.at(-1);
  const { key, epoch } = present(state);
  for (const row of rows) {
    const { owner } = checkedRow(ownerForm, row, () => keyringDamaged(file, new Error('a key')));
    using(unwrapped(state, row), (dek) => sql.setKey.run(owner, encrypted(key, wrapBound(owner, epoch), dek)));
  }
  if (rows.length === wrappedAtOnce) sql.settle.run(JSON.stringify({ ...before, upTo: last?.owner }));
  else if (before.since !== undefined) nextEpoch(state, before.since);
  else sql.settled.run();
  sql.logFills.run();
  return rows.length < wrappedAtOnce && before.since === undefined;
}

/** Within a transaction. */
export function rekey(state: OpenKeyring, given: KeyGiven): void {
  present(state);
  note(state, given);
  state.sql.logFills.run();
  if (Buffer.compare(given.kek, state.kek) !== 0) wrapAgain(state, given.kek);
}

/** Every key, wrapped under a new epoch of this KEK: nothing of an earlier one is left. */
function wrapAgain(state: OpenKeyring, kek: Uint8Array): void {
  const { sql } = state;
  const keys = sql.keys
    .all()
    .map((row) => [checkedRow(ownerForm, row, () => keyringDamaged(state.file, new Error('a key'))).owner, unwrapped(state, row)] as const);
  const epoch = epochAhead(state) + 1;
  const key = startEpoch(state, epoch, kek);
  sql.settled.run();
  try {
    for (const [owner, dek] of keys) sql.setKey.run(owner, encrypted(key, wrapBound(owner, epoch), dek));
  } finally {
    for (const [, dek] of keys) dek.fill(0);
  }
}

/** The key is overwritten afterwards. */
export function using<T>(key: Uint8Array, work: (key: Uint8Array) => T): T {
  try {
    return work(key);
  } finally {
    key.fill(0);
  }
}
