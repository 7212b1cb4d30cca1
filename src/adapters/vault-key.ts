/**
 * The key of the vault at the hands of its owner: made, moved to another place, changed, and rebuilt from the recovery
 * phrase. A new key lies beside its place first, then the keyring takes it in one transaction, then it moves into its
 * place: cut at any moment, the vault opens with the key of before or with the new one.
 */
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, readdirSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { getuid } from 'node:process';
import { Fault } from '../base/errors.ts';
import { type Clock, systemClock } from '../base/time.ts';
import { overwrite, syncFolder } from '../base/whole-file.ts';
import type { Event } from '../events.ts';
import { type CredentialKey, decryptCredential, encryptCredential, hasTpm2 } from '../host/credentials.ts';
import { lockState } from '../host/lock.ts';
import type { Config } from '../settings/load.ts';
import { keyIn, keyOfText, keyText, writeKeyFile } from '../vault/key-file.ts';
import { keyringNotes, openKeyring, openKeyringBy } from '../vault/keyring.ts';
import { wrapByPassphrase } from '../vault/passphrase.ts';
import { keyOfPhrase, phraseOf } from '../vault/phrase.ts';
import type { KeyNotes, KeySource, Vault } from '../vault/port.ts';
import { stateFolder } from './basics.ts';
import { journalOf } from './journal.ts';
import { credentialFile, credentialName, nextKey, openVaultWithKey, refuseLostKeyring, vaultFiles } from './vault.ts';

export interface KeyPlace {
  readonly source: KeySource;
  /** For the source `passphrase`. */
  readonly passphrase?: string;
  /** For tests: the folder of encrypted credentials. */
  readonly credstore?: string;
}

export interface KeyChange {
  readonly source: KeySource;
  /** Of the key that is in force now: for its owner alone, on paper. */
  readonly phrase: string;
  /** Of a credential: what systemd encrypted it with. */
  readonly sealedWith?: string;
  /** Why the journal has no entry of it. */
  readonly notJournalled?: string;
}

/** Makes the vault with a new key in this place. Throws Fault `bad-argument` where there is a vault. */
export async function makeVault(config: Config, place: KeyPlace, clock: Pick<Clock, 'wall'> = systemClock): Promise<KeyChange> {
  const { keyring } = vaultFiles(config);
  refuseSecond(keyring);
  refuseLostKeyring(keyring);
  const kek = randomBytes(32);
  const prepared = await prepare(config, place, kek);
  try {
    openKeyringBy({
      file: keyring,
      now: () => isoNow(clock),
      choose: (notes) => {
        if (notes) refuseSecond(keyring);
        return { ...prepared.notes, kek: Uint8Array.from(kek) };
      },
    })[Symbol.dispose]();
  } catch (error) {
    prepared.undo();
    throw error;
  }
  prepared.finish();
  ownedByService(config);
  return changedTo(prepared.notes, kek);
}

function refuseSecond(keyring: string): void {
  const notes = keyringNotes(keyring);
  if (notes)
    throw new Fault(
      'bad-argument',
      `There is a vault already (its key comes from: ${notes.source}): "facelatch vault rekey --with …" moves its key, "facelatch vault phrase" shows its recovery phrase`,
    );
}

/**
 * Another key, another place, or both; `keepKey`: the same key in another place. The door must not run meanwhile: it
 * would go on with the key before. Throws Faults `state-locked`, `vault-locked` and those of the keyring.
 */
export async function rekeyVault(
  config: Config,
  { keepKey = false, by, ...place }: KeyPlace & { readonly keepKey?: boolean; readonly by: string },
  clock: Pick<Clock, 'wall'> = systemClock,
): Promise<KeyChange> {
  using _lock = lockState(stateFolder(config));
  const { vault, kek: before } = openVaultWithKey(config, clock);
  using _vault = vault;
  try {
    return await take({ config, vault, place, by }, keepKey ? before : randomBytes(32), before);
  } finally {
    before.fill(0);
  }
}

/**
 * Puts the key that the recovery phrase is into its place again, or into another. Nothing is written before the key has
 * opened this keyring. Throws Faults `bad-argument` (not a phrase), `vault-unfit` (that of another vault), `not-found`.
 */
export async function recoverVault(
  config: Config,
  phrase: string,
  { by, ...given }: Partial<KeyPlace> & { readonly by: string },
  clock: Pick<Clock, 'wall'> = systemClock,
): Promise<KeyChange> {
  const { keyring } = vaultFiles(config);
  const kek = keyOfPhrase(phrase);
  const notes = keyringNotes(keyring);
  if (!notes) throw new Fault('not-found', `There is no vault ${keyring}: restore a backup first (facelatch restore)`);
  using vault = openKeyring({ file: keyring, kek: Uint8Array.from(kek), source: notes.source, now: () => isoNow(clock) });
  const place = { ...given, source: given.source ?? notes.source };
  return await take({ config, vault, place, by }, kek, kek);
}

/** The recovery phrase of the key in force, for its owner alone; journalled before. */
export function phraseToShow(config: Config, { by }: { readonly by: string }): Pick<KeyChange, 'source' | 'phrase' | 'notJournalled'> {
  const { vault, kek } = openVaultWithKey(config);
  using _vault = vault;
  try {
    const notJournalled = record(config, { kind: 'vault.phrase-shown', by });
    ownedByService(config);
    return { source: vault.source, phrase: phraseOf(kek), ...(notJournalled === undefined ? {} : { notJournalled }) };
  } finally {
    kek.fill(0);
  }
}

interface Taking {
  readonly config: Config;
  readonly vault: Vault;
  readonly place: KeyPlace;
  readonly by: string;
}

/**
 * The vault takes the key, which may be the one from before; the key moves into its place, and leaves the place beside
 * the data. The journal comes last: where it is damaged, the key is where it belongs all the same.
 */
async function take({ config, vault, place, by }: Taking, kek: Uint8Array, before: Uint8Array): Promise<KeyChange> {
  const prepared = await prepare(config, place, kek, before);
  try {
    vault.rekey({ ...prepared.notes, kek: Uint8Array.from(kek) });
  } catch (error) {
    prepared.undo();
    throw error;
  }
  prepared.finish();
  if (place.source !== 'beside') removeBeside(vaultFiles(config).beside, [kek, before]);
  const notJournalled = record(config, { kind: 'vault.rekeyed', source: place.source, newKey: kek !== before, by });
  ownedByService(config);
  return { ...changedTo(prepared.notes, kek), ...(notJournalled === undefined ? {} : { notJournalled }) };
}

function changedTo({ source, sealedWith }: KeyNotes, kek: Uint8Array): KeyChange {
  const phrase = phraseOf(kek);
  kek.fill(0);
  return { source, phrase, ...(sealedWith === undefined ? {} : { sealedWith }) };
}

interface Prepared {
  readonly notes: KeyNotes;
  /** After the keyring has taken the key. */
  finish(): void;
  /** Where it has not. */
  undo(): void;
}

/** `before`: the key that is in force, if there is one; no other key is overwritten. */
async function prepare(config: Config, place: KeyPlace, kek: Uint8Array, before?: Uint8Array): Promise<Prepared> {
  switch (place.source) {
    case 'passphrase': {
      const wrapped = await wrapByPassphrase(kek, place.passphrase ?? '');
      return { notes: { source: 'passphrase', wrapped }, finish: () => undefined, undo: () => undefined };
    }
    case 'credential':
      return prepareCredential(credentialFile(place.credstore), kek, before);
    case 'file': {
      const { file } = vaultFiles(config);
      if (file === undefined)
        throw new Fault('bad-argument', 'No key file is named: set vault.keyFile in the configuration of the door first');
      return prepareFile('file', file, kek, before);
    }
    case 'beside':
      return prepareFile('beside', vaultFiles(config).beside, kek, before);
  }
}

function prepareFile(source: KeySource, file: string, kek: Uint8Array, before: Uint8Array | undefined): Prepared {
  refuseOther(file, keyIn(file), [kek, before]);
  writeKeyFile(nextKey(file), kek);
  return { notes: { source }, ...moving(file) };
}

function prepareCredential(file: string, kek: Uint8Array, before: Uint8Array | undefined): Prepared {
  if (existsSync(file)) refuseOther(file, keyOfText(decryptCredential(credentialName, file), file), [kek, before]);
  const sealedWith: CredentialKey = hasTpm2() ? 'host+tpm2' : 'host';
  const content = keyText(kek);
  try {
    encryptCredential(credentialName, content, nextKey(file), sealedWith);
  } finally {
    content.fill(0);
  }
  return { notes: { source: 'credential', sealedWith }, ...moving(file) };
}

/** It may be the only key of another vault. */
function refuseOther(file: string, found: Uint8Array | undefined, own: readonly (Uint8Array | undefined)[]): void {
  if (!found || isOneOf(own, found)) return;
  throw new Fault('bad-argument', `${file} holds another key, perhaps that of another door: move it away, or name another place`);
}

const isOneOf = (own: readonly (Uint8Array | undefined)[], found: Uint8Array): boolean =>
  own.some((key) => key && Buffer.compare(key, found) === 0);

/** The key of this vault beside the data; one of another vault stays. */
function removeBeside(file: string, own: readonly Uint8Array[]): void {
  const found = keyBeside(file);
  if (found && isOneOf(own, found)) overwriteAndRemove(file);
  found?.fill(0);
}

/** Undefined also where the file holds no key: it then protects and betrays nothing. */
function keyBeside(file: string): Uint8Array | undefined {
  try {
    return keyIn(file);
  } catch (error) {
    if (error instanceof Fault && error.code === 'vault-unfit') return undefined;
    throw error;
  }
}

const moving = (file: string): Pick<Prepared, 'finish' | 'undo'> => ({
  finish: () => {
    renameSync(nextKey(file), file);
    syncFolder(dirname(file));
  },
  undo: () => rmSync(nextKey(file), { force: true }),
});

function overwriteAndRemove(file: string): void {
  overwrite(realpathSync(file));
  rmSync(file);
  syncFolder(dirname(file));
}

/** What root made in the state folder belongs to the service. */
function ownedByService(config: Config): void {
  if (getuid?.() !== 0) return;
  const folder = stateFolder(config);
  const { uid, gid } = statSync(folder);
  for (const name of readdirSync(folder)) if (/^(vault|journal|daemon|door-keys)\./.test(name)) chownSync(join(folder, name), uid, gid);
}

/** Why it could not be journalled; undefined where it was: a damaged journal keeps no key from its owner. */
function record(config: Config, event: Extract<Event, { kind: 'vault.rekeyed' | 'vault.phrase-shown' }>): string | undefined {
  try {
    using journal = journalOf(config);
    journal.append(event);
    return undefined;
  } catch (error) {
    if (error instanceof Fault) return error.message;
    throw error;
  }
}

const isoNow = (clock: Pick<Clock, 'wall'>): string => new Date(clock.wall()).toISOString();
