/**
 * The door of the vault room: faces and what belongs to them, sealed at rest. Every person has a key of their own, so
 * that what was sealed for them is gone when the key is gone, in every copy of the file.
 */
import type { PersonId } from '../events.ts';
import type { KeyPurpose } from './derived.ts';

/** Whose key seals something. A key that does not exist yet is made when something is sealed for its owner. */
export type KeyOwner =
  | { readonly person: PersonId }
  /** Everybody unknown who was seen on that day: `YYYY-MM-DD`, UTC. */
  | { readonly visitorsOn: string }
  /** A trained network: it holds what it learned of several people. `model`: its id. */
  | { readonly model: string }
  /** What belongs to nobody. This key is never destroyed. */
  | 'door';

/** The people among owners. */
export const peopleOf = (owners: readonly KeyOwner[]): readonly PersonId[] =>
  owners.flatMap((owner) => (owner !== 'door' && 'person' in owner ? [owner.person] : []));

/**
 * Where a sealed value stands. It is authenticated together with the value, so that values cannot be swapped between
 * places.
 */
export interface SealedPlace {
  /** Kind of file and its format, such as `people 6`. */
  readonly schema: string;
  /** Table and column, such as `templates.vector`. */
  readonly column: string;
  /** The row's key. */
  readonly row: string;
  /** Of a template: the SHA-256 of the embedder that made it. */
  readonly embedder?: string;
}

/** Where the key-encryption key comes from. */
export const keySources = ['credential', 'file', 'passphrase', 'beside'] as const;
export type KeySource = (typeof keySources)[number];

/** What stands in the keyring, readable without its key. */
export interface KeyNotes {
  /** Where the key comes from. */
  readonly source: KeySource;
  /** Source `passphrase`: the key, wrapped by the passphrase. */
  readonly wrapped?: string;
  /** Source `credential`, made here: what systemd encrypted it with. */
  readonly sealedWith?: string;
}

/** A key and what is noted about it. */
export interface KeyGiven extends KeyNotes {
  /** 32 bytes. The keyring takes it over, and overwrites it with zeros when it is closed. */
  readonly kek: Uint8Array;
}

/**
 * `more`: keys are still to be wrapped again, call it again soon. `held`: all are, and another process that reads the
 * keyring keeps its write-ahead log, with the keys as they were, from being emptied: call it again later.
 */
export type Settling = 'more' | 'held' | 'settled';

/**
 * Every method may throw the Faults `vault-down` (the keyring cannot be read or written), `vault-damaged`, and where it
 * writes `disk-full`.
 */
export interface Vault extends Disposable {
  readonly source: KeySource;
  /**
   * The value, sealed with AES-256-GCM (NIST SP 800-38D) under the owner's key: one byte version, 12 bytes nonce, the
   * ciphertext, 16 bytes tag. Throws Fault `key-destroyed` for a person or model whose key was destroyed.
   */
  seal(owner: KeyOwner, place: SealedPlace, value: Uint8Array): Uint8Array;
  /**
   * The value that was sealed for this owner and place; undefined where the owner's key is not there (any more).
   * Throws Fault `seal-broken` where it is not what was sealed there.
   */
  open(owner: KeyOwner, place: SealedPlace, sealed: Uint8Array): Uint8Array | undefined;
  /**
   * A name for the text that says nothing without the owner's key and is always the same with it (HMAC-SHA-256, 32
   * bytes); undefined where the key is not there. `purpose` keeps names of different uses apart. The key of `door` and
   * of a person who has none yet is made.
   */
  pseudonym(owner: KeyOwner, purpose: string, text: string): Uint8Array | undefined;
  /** Whether the owner's key is there. */
  holds(owner: KeyOwner): boolean;
  /**
   * Destroys the keys of these owners for good, and leaves a tombstone for each. A new epoch begins: the other keys are
   * wrapped again, the first of them at once and the others by `settle`, so that an old copy of a wrapped key opens
   * nothing in the file as it is now. Where an earlier destruction is not settled yet, `settle` begins the new epoch
   * after it: the door waits for this call, and it takes the same few milliseconds however many keys there are. One
   * transaction. Owners without a key get a tombstone too.
   */
  destroy(owners: readonly KeyOwner[]): void;
  /**
   * Takes back a key that was made for somebody of whom nothing is kept. No tombstone: they may get another one. What
   * was sealed under it is lost.
   */
  takeBack(owner: KeyOwner): void;
  /** A step of what `destroy` has left for later: wraps some of the keys again, and in the end empties the log. */
  settle(): Settling;
  /**
   * From now on the keyring's key is this one and comes from there. Another key begins a new epoch, as `destroy` does.
   * One transaction. Other processes that have the keyring open with the key before it find it `vault-unfit`.
   */
  rekey(given: KeyGiven): void;
  /** Those whose keys were destroyed here, or where a restored backup came from. */
  destroyed(): readonly { readonly owner: KeyOwner; readonly at: string }[];
  /** Every owner who has a key. */
  owners(): readonly KeyOwner[];
  /** Another text after every change of the keyring, by whichever process. */
  readonly changes: string;
  /** Of the wrapping of keys, once all is settled: grows with every destruction. */
  readonly epoch: number;
  /** A key of its own for this purpose, which the recovery phrase gives too. Whoever asks overwrites it after use. */
  derived(purpose: KeyPurpose): Uint8Array;
}
