/**
 * A configuration in, the vault of its state folder opened out. Its key comes from where it came from when the vault
 * was made: the keyring remembers that, so that a key that is missing is asked for and never replaced by a new one.
 */
import { closeSync, existsSync, openSync, readSync, renameSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { getuid } from 'node:process';
import { Fault } from '../base/errors.ts';
import { type Clock, systemClock } from '../base/time.ts';
import { syncFolder } from '../base/whole-file.ts';
import { decryptCredential } from '../host/credentials.ts';
import type { Config } from '../settings/load.ts';
import { type KeptKeys, keptKeys } from '../vault/kept-keys.ts';
import { type KeyLook, type KeysApart, keysApart } from '../vault/key-apart.ts';
import { keyIn, keyOfText, makeKeyFile } from '../vault/key-file.ts';
import { keyringNotes, openKeyring, openKeyringBy } from '../vault/keyring.ts';
import { unwrapByPassphrase } from '../vault/passphrase.ts';
import { keyOfPhrase, looksLikePhrase } from '../vault/phrase.ts';
import type { KeyGiven, KeyNotes, KeySource, Vault } from '../vault/port.ts';
import { stateFolder } from './basics.ts';

export const credentialName = 'facelatch.vault-key';
/** Where systemd keeps the credentials of the service while it runs: its user can read them in a shell, too. */
const serviceCredentials = '/run/credentials/facelatch.service';

/** Where `systemd-creds` and the unit keep it, encrypted. */
export const credentialFile = (folder = '/etc/credstore.encrypted'): string => join(folder, credentialName);

type Env = Readonly<Record<string, string | undefined>>;

/** What a process knows of keys, by the files that they are for, or lie in. */
export interface ProcessKeys {
  /** Unlocked by passphrase or recovery phrase. For files of keyrings. */
  readonly unlocked: KeptKeys;
  /** Files of keys that may lie on a share. */
  readonly apart: KeysApart;
}

export const noKeysYet = (): ProcessKeys => ({ unlocked: keptKeys(), apart: keysApart() });

/**
 * Of this process, as `process.env` is: `--unlock` is asked once for a command and all that it opens, and a house that
 * was unlocked is opened again with the same key, in every room. Tests bring their own.
 */
const processKeys = noKeysYet();

/** Files of the vault. `next`: a new key, from before the moment in which the keyring takes it until it is in place. */
export function vaultFiles(config: Config) {
  const folder = stateFolder(config);
  const { keyFile } = config.vault;
  return { keyring: join(folder, 'vault.sqlite'), beside: join(folder, 'vault.key'), file: keyFile === '' ? undefined : resolve(keyFile) };
}
type VaultFiles = ReturnType<typeof vaultFiles>;

export const nextKey = (file: string): string => `${file}.next`;

/**
 * Looks at the file of vault.keyFile where the vault needs it, and resolves within the limit, though what the file lies
 * on hangs. From then on this process opens the vault with what the last look found, and does not touch the file.
 */
export async function lookAtKeyFile(config: Config, limitMs: number, { apart }: ProcessKeys = processKeys): Promise<void> {
  const { keyring, file } = vaultFiles(config);
  if (file === undefined) return;
  const needed = needsKeyFile(keyring);
  await Promise.all([file, nextKey(file)].map((each) => (needed ? apart.look(each, limitMs) : apart.leave(each))));
}

/** Also where that cannot be told. */
function needsKeyFile(keyring: string): boolean {
  try {
    const notes = keyringNotes(keyring);
    return !notes || notes.source === 'file';
  } catch (error) {
    if (error instanceof Fault) return true;
    throw error;
  }
}

/** The key in the file of vault.keyFile. Throws Faults `vault-locked`, `vault-down`, `vault-unfit`. */
function keyInKeyFile(file: string, { keyring }: VaultFiles, { apart }: ProcessKeys): Uint8Array | undefined {
  const found = apart.found(file);
  if (found === undefined) return keyIn(file);
  if (found === 'gone') return undefined;
  if (found === 'hung')
    throw locked(keyring, 'file', `the key file ${file} (vault.keyFile), which does not answer: look after what it lies on`);
  if (found instanceof Fault) throw found;
  return found.key;
}

/** Opens the vault, made where there is none. Throws Faults `vault-locked`, and those of the keyring. */
export function vaultOf(config: Config, clock?: Pick<Clock, 'wall'>, env?: Env, held?: ProcessKeys): Vault {
  const { vault, kek } = openVaultWithKey(config, clock, env, held);
  kek.fill(0);
  return vault;
}

/** The same, with the key itself: whoever asks for it overwrites it. */
export function openVaultWithKey(
  config: Config,
  clock: Pick<Clock, 'wall'> = systemClock,
  env: Env = process.env,
  held: ProcessKeys = processKeys,
): { readonly vault: Vault; readonly kek: Uint8Array } {
  const files = vaultFiles(config);
  const options = { file: files.keyring, now: () => new Date(clock.wall()).toISOString() };
  let kek = new Uint8Array();
  try {
    const choose = (notes: KeyNotes | undefined) => {
      const given = notes ? keyAsNoted(files, notes, env, held) : firstKey(files, env, held);
      kek = Uint8Array.from(given.kek);
      return given;
    };
    return { vault: openKeyringBy({ ...options, choose }), kek };
  } catch (error) {
    kek.fill(0);
    const opened = error instanceof Fault && error.code.startsWith('vault-') ? openAfterCut(files, options, held) : undefined;
    if (!opened) throw error;
    return opened;
  }
}

/** Why the vault cannot be opened now; undefined where it can. */
export function vaultLock(config: Config, clock?: Pick<Clock, 'wall'>, env?: Env): Fault | undefined {
  try {
    vaultOf(config, clock, env)[Symbol.dispose]();
    return undefined;
  } catch (error) {
    if (error instanceof Fault && error.code.startsWith('vault-')) return error;
    throw error;
  }
}

/** A change of the key that was cut after the keyring took the new key, and before the key was in its place. */
function openAfterCut(files: VaultFiles, options: { readonly file: string; readonly now: () => string }, { apart }: ProcessKeys) {
  const source = keyringNotes(files.keyring)?.source;
  if (!source || source === 'passphrase') return undefined;
  const place = source === 'credential' ? credentialFile() : files[source];
  if (place === undefined) return undefined;
  const next = nextKey(place);
  const found = source === 'file' ? apart.found(next) : undefined;
  const kek = found === undefined ? nextKeyIn(next, source) : keyOfLook(found);
  if (!kek) return undefined;
  const vault = openKeyring({ ...options, kek: Uint8Array.from(kek), source });
  // The share of a key file is not touched by a door that runs: the next command of the vault moves the key.
  if (found === undefined) {
    renameSync(next, place);
    syncFolder(dirname(place));
  }
  return { vault, kek };
}

const nextKeyIn = (file: string, source: KeySource): Uint8Array | undefined =>
  source === 'credential' ? credentialOfRoot(file) : keyIn(file);

const keyOfLook = (found: KeyLook): Uint8Array | undefined => (typeof found === 'object' && 'key' in found ? found.key : undefined);

/** The first format of the people's file that is sealed. */
const sealedFormat = 6;

/**
 * Throws Fault `vault-damaged` where people are sealed with the keys of a keyring that is gone: a new one would open
 * none of them, and whoever is enrolled then would be lost when the old one comes back.
 */
export function refuseLostKeyring(keyring: string): void {
  const people = join(dirname(keyring), 'people.sqlite');
  if (formatOf(people) < sealedFormat) return;
  throw new Fault(
    'vault-damaged',
    `The keyring ${keyring} is gone, and ${people} is sealed with its keys: put it back from a backup (facelatch restore), or move ${people} away to begin again with nobody`,
    undefined,
    'The keyring (vault.sqlite) is gone, and the people are sealed with its keys: put it back from a backup',
  );
}

/** `user_version` in the header of an SQLite file (file format, offset 60); 0 where there is none. */
function formatOf(file: string): number {
  if (!existsSync(file)) return 0;
  const header = Buffer.alloc(64);
  const handle = openSync(file, 'r');
  try {
    readSync(handle, header);
  } finally {
    closeSync(handle);
  }
  return header.subarray(0, 15).toString('latin1') === 'SQLite format 3' ? header.readUInt32BE(60) : 0;
}

/** Of a new vault: the first source that is there. Where a key file is set, no other key is made. */
function firstKey(files: VaultFiles, env: Env, held: ProcessKeys): KeyGiven {
  const { keyring, file, beside } = files;
  refuseLostKeyring(keyring);
  const credential = env.CREDENTIALS_DIRECTORY && keyIn(join(env.CREDENTIALS_DIRECTORY, credentialName));
  if (credential) return { kek: credential, source: 'credential' };
  if (file === undefined) return { kek: keyIn(beside) ?? makeKeyFile(beside), source: 'beside' };
  const kek = keyInKeyFile(file, files, held);
  if (kek) return { kek, source: 'file' };
  throw locked(
    keyring,
    'file',
    `the key file ${file} (vault.keyFile), which is not there: connect what it lies on, or make it with "facelatch vault init --with file"`,
  );
}

/** From where the keyring notes. Throws Fault `vault-locked`. */
function keyAsNoted(files: VaultFiles, notes: KeyNotes, env: Env, held: ProcessKeys): KeyGiven {
  const { keyring, file, beside } = files;
  const unlocked = held.unlocked.of(keyring);
  if (unlocked) return { ...notes, kek: unlocked };
  const found = (kek: Uint8Array | undefined, needed: string): KeyGiven => {
    if (kek) return { ...notes, kek };
    throw locked(keyring, notes.source, needed);
  };
  switch (notes.source) {
    case 'credential':
      return found(
        credentialIn(env),
        `the systemd credential ${credentialName}, which was not given: start it as the service, or look at "systemctl status facelatch" for why the credential is missing`,
      );
    case 'file':
      return file === undefined
        ? found(undefined, 'its key file: set vault.keyFile to it')
        : found(keyInKeyFile(file, files, held), `the key file ${file} (vault.keyFile), which is not there: connect what it lies on`);
    case 'passphrase':
      return found(undefined, 'its passphrase: add --unlock to the command, or send the signed command vault.unlock to the running door');
    case 'beside':
      return found(keyIn(beside), `the key file ${beside}, which is not there: put it back`);
  }
}

function credentialIn(env: Env): Uint8Array | undefined {
  for (const folder of [env.CREDENTIALS_DIRECTORY, serviceCredentials]) {
    const key = folder && keyIn(join(folder, credentialName));
    if (key) return key;
  }
  return credentialOfRoot(credentialFile());
}

/** Root decrypts it as systemd does, though the service does not run. */
function credentialOfRoot(file: string): Uint8Array | undefined {
  if (getuid?.() !== 0 || !existsSync(file)) return undefined;
  const content = decryptCredential(credentialName, file);
  try {
    return keyOfText(content, file);
  } finally {
    content.fill(0);
  }
}

const locked = (keyring: string, source: KeySource, needed: string): Fault =>
  new Fault(
    'vault-locked',
    `The vault ${keyring} is locked. It needs ${needed}; the recovery phrase opens it too (facelatch vault recover)`,
    undefined,
    // Without the names of files.
    `The vault is locked. It needs ${neededWords[source]}; the recovery phrase opens it too`,
  );

const neededWords: Readonly<Record<KeySource, string>> = {
  credential: `the systemd credential ${credentialName}`,
  file: 'its key file (vault.keyFile)',
  passphrase: 'its passphrase: send the signed command vault.unlock',
  beside: 'its key file, vault.key in the state folder',
};

/**
 * Unlocks the vault for this process, until it ends. `secret`: the passphrase, or the words of the recovery phrase.
 * Throws Faults `vault-unfit` (not the one of this vault), `bad-argument`, `not-found`, and those of the keyring.
 */
export async function unlockVault(config: Config, secret: string, { unlocked }: ProcessKeys = processKeys): Promise<void> {
  const { keyring } = vaultFiles(config);
  const notes = keyringNotes(keyring);
  if (!notes) throw new Fault('not-found', `There is no vault ${keyring} to be unlocked: it is made at the first start`);
  const kek = looksLikePhrase(secret) ? keyOfPhrase(secret) : await keyOfPassphrase(notes, secret);
  openKeyring({ file: keyring, kek: Uint8Array.from(kek), source: notes.source, now: () => '' })[Symbol.dispose]();
  unlocked.keep(keyring, kek);
}

async function keyOfPassphrase({ source, wrapped }: KeyNotes, passphrase: string): Promise<Uint8Array> {
  if (wrapped === undefined)
    throw new Fault(
      'bad-argument',
      `This vault has no passphrase (its key comes from: ${source}): give the 24 words of its recovery phrase`,
    );
  const kek = await unwrapByPassphrase(wrapped, passphrase);
  if (kek) return kek;
  throw new Fault('vault-unfit', 'This is not the passphrase of this vault: try again, or give the 24 words of its recovery phrase');
}
