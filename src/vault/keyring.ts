/**
 * The keyring: a file and the key-encryption key (KEK) go in, an open vault comes out. The file holds a data key (DEK)
 * for each owner, and a tombstone for each destroyed one. Several processes have it open at once; each reads a key from
 * it whenever it needs one.
 */
import { createHmac, hkdfSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { checkedRow, emptyLogUnlessHeld, transact } from '../base/sqlite.ts';
import { derivedKey } from './derived.ts';
import {
  destroyedForm,
  keyringDamaged,
  keyringGuarded,
  note,
  notesIn,
  openKeyringFile,
  ownersForm,
  ownersRow,
  settleLog,
} from './keyring-file.ts';
import type { KeyGiven, KeyNotes, KeyOwner, KeySource, Vault } from './port.ts';
import { opened, ownerName, ownerOf, sealed } from './sealing.ts';
import {
  destroy,
  epochAhead,
  isBuried,
  keyBytes,
  keyFor,
  type OpenKeyring,
  present,
  rekey,
  startEpoch,
  using,
  wrappedKeyOf,
  wrapSome,
} from './wrapping.ts';

interface KeyringPlace {
  readonly file: string;
  /** ISO 8601 of now, for tombstones. */
  readonly now: () => string;
  readonly lockTimeoutMs?: number;
}

export interface KeyringOptions extends KeyringPlace {
  /** 32 bytes. The keyring takes it over, and overwrites it with zeros when it is closed or does not open. */
  readonly kek: Uint8Array;
  readonly source: KeySource;
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
export function openKeyringBy({
  choose,
  ...options
}: KeyringPlace & { readonly choose: (notes: KeyNotes | undefined) => KeyGiven }): Vault {
  const { file, now, lockTimeoutMs = 5000 } = options;
  return keyringGuarded(file, () => {
    const there = openKeyringFile(file, lockTimeoutMs);
    let state: OpenKeyring | undefined;
    try {
      const given = choose(notesIn(there));
      state = { ...there, now, kek: given.kek, source: given.source, wrapping: undefined };
      begin(state, given);
      return vaultOf(state);
    } catch (error) {
      if (state) dropKeys(state);
      there.db.close();
      throw error;
    }
  });
}

/** Undefined where there is no keyring yet. Needs no key. */
export function keyringNotes(file: string, lockTimeoutMs = 5000): KeyNotes | undefined {
  if (!existsSync(file)) return undefined;
  return keyringGuarded(file, () => {
    const there = openKeyringFile(file, lockTimeoutMs);
    try {
      return notesIn(there);
    } finally {
      there.db.close();
    }
  });
}

function vaultOf(state: OpenKeyring): Vault {
  const { file, db, sql } = state;
  const safely = <T>(work: () => T): T => keyringGuarded(file, work);
  return {
    get source() {
      return state.source;
    },
    get changes() {
      return safely(() => `${sql.version.get()?.data_version} ${sql.ownChanges.get()?.n}`);
    },
    get epoch() {
      return safely(() => epochAhead(state));
    },
    seal: (owner, place, value) => safely(() => using(keyFor(state, owner), (key) => sealed(key, owner, place, value))),
    open: (owner, place, value) => {
      const key = safely(() => wrappedKeyOf(state, owner));
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
        emptyLogUnlessHeld(db);
      }),
    takeBack: (owner) =>
      safely(() => {
        if (owner === 'door') throw new TypeError('the key of the door is never taken back');
        transact(db, () => sql.drop.run(ownerName(owner)));
        emptyLogUnlessHeld(db);
      }),
    settle: () =>
      safely(() => {
        if (sql.unsettled.get() !== undefined && !transact(db, () => wrapSome(state))) return 'more';
        return settleLog(state) ? 'settled' : 'held';
      }),
    rekey: (given) =>
      safely(() => {
        transact(db, () => rekey(state, given));
        state.kek.fill(0);
        [state.kek, state.source] = [given.kek, given.source];
        emptyLogUnlessHeld(db);
      }),
    destroyed: () =>
      safely(() =>
        sql.buried.all().map((row) => {
          const { owner, at } = checkedRow(destroyedForm, row, () => keyringDamaged(file, new Error('a tombstone')));
          return { owner: knownOwner(state, owner), at };
        }),
      ),
    owners: () =>
      safely(() =>
        ownersForm
          .Parse(JSON.parse(checkedRow(ownersRow, sql.owners.get(), () => keyringDamaged(file, new Error('its keys'))).owners))
          .map((name) => knownOwner(state, name)),
      ),
    derived: (purpose) => derivedKey(state.kek, purpose),
    [Symbol.dispose]: () => {
      dropKeys(state);
      if (db.isOpen) db.close();
    },
  };
}

function dropKeys({ kek, wrapping }: OpenKeyring): void {
  wrapping?.key.fill(0);
  kek.fill(0);
}

/** Notes the first epoch, or checks that the KEK is that of the keyring. */
function begin(state: OpenKeyring, given: KeyNotes): void {
  const { sql, file, db, kek } = state;
  if (kek.length !== keyBytes) throw new TypeError(`a key-encryption key has ${keyBytes} bytes`);
  transact(db, () => {
    if (sql.epoch.get() === undefined) {
      startEpoch(state, 1);
      note(state, given);
    }
    present(state);
    if (sql.key.get('door') === undefined && sql.keys.all().length > 0)
      throw keyringDamaged(file, new Error('without the key of the door'));
    keyFor(state, 'door').fill(0);
  });
}

function knownOwner({ file }: OpenKeyring, name: string): KeyOwner {
  const owner = ownerOf(name);
  if (owner === undefined) throw keyringDamaged(file, new Error('a key of nobody'));
  return owner;
}

/** A key of its own for names, so that a name says nothing of what the owner's key seals. */
function namedBy(key: Uint8Array, purpose: string, text: string): Uint8Array {
  const own = new Uint8Array(hkdfSync('sha256', key, new Uint8Array(0), `facelatch pseudonym ${purpose}`, keyBytes));
  return using(own, () => new Uint8Array(createHmac('sha256', own).update(text).digest()));
}
