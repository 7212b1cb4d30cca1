/**
 * A backup in the place of a state folder, in steps: unpacked beside it and checked, its keyring opened and given to
 * this device, then exchanged. Until the last step nothing but the folder beside has changed.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../base/errors.ts';
import { type Clock, systemClock } from '../base/time.ts';
import { heldKeys } from '../command/keys.ts';
import { entryDigest, operatorsIn } from '../command/operators.ts';
import { restoreAccounts } from '../console/accounts/restored.ts';
import { removalsIn } from '../journal/removals.ts';
import type { Config } from '../settings/load.ts';
import type { Opener } from '../vault/backup/age-file.ts';
import { keyringName } from '../vault/backup/contents.ts';
import { putInPlace } from '../vault/backup/swap.ts';
import { tombstonesIn } from '../vault/backup/tombstones.ts';
import { type Unpacked, unpackBackup } from '../vault/backup/unpack.ts';
import { asideFolder, unpackedFolder } from '../vault/beside.ts';
import { derivedKey } from '../vault/derived.ts';
import { keyIn, writeKeyFile } from '../vault/key-file.ts';
import { keyringNotes, openKeyring } from '../vault/keyring.ts';
import { owedNote, ownersOwed } from '../vault/owed.ts';
import { phraseOf } from '../vault/phrase.ts';
import type { KeyNotes, KeyOwner, KeySource, Vault } from '../vault/port.ts';
import { ownerName, ownerOf } from '../vault/sealing.ts';
import { destroyedNote, ownersNoted } from '../vault/witness.ts';
import { openFromBackup } from './backup.ts';
import { doorKeysFile, stateFolder } from './basics.ts';
import { accountsFile } from './console.ts';
import { journalFile } from './journal.ts';
import { openVaultWithKey, unlockVault, vaultFiles } from './vault.ts';
import { emergencyPinFile } from './vouched/emergency-pin.ts';
import { operatorsFile } from './vouched/operators.ts';

export interface StagedBackup extends Unpacked {
  /** Beside the state folder. */
  readonly folder: string;
  /** The configuration of this device, with that folder. */
  readonly config: Config;
}

export interface StageOptions {
  readonly file: string;
  readonly opener: Opener;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

/** Throws what `unpackBackup` throws, and `backup-damaged` for a backup without its keyring. */
export async function stageBackup(config: Config, options: StageOptions): Promise<StagedBackup> {
  const folder = unpackedFolder(stateFolder(config));
  const unpacked = await unpackBackup({ ...options, to: folder });
  const staged = { ...unpacked, folder, config: { ...config, state: { ...config.state, folder } } };
  if (existsSync(join(folder, keyringName))) return staged;
  dropStaged(staged);
  throw new Fault('backup-damaged', `The backup ${options.file} has no keyring, so nobody in it could be recognised: use another one`);
}

export function dropStaged({ folder }: Pick<StagedBackup, 'folder'>): void {
  rmSync(folder, { recursive: true, force: true });
}

/** The key of the backup's keyring, where this device has it. */
export function keyHere(config: Config, { folder }: StagedBackup): Uint8Array | undefined {
  const { beside, file } = vaultFiles(config);
  const keys = [kekHere(config), ...[beside, file].flatMap((at) => (at === undefined ? [] : [keyIn(at)]))];
  return keys.find((kek) => kek && fits(join(folder, keyringName), kek));
}

/** Of the vault that is to be replaced; undefined where it does not open. */
function kekHere(config: Config): Uint8Array | undefined {
  try {
    if (keyringNotes(vaultFiles(config).keyring) === undefined) return undefined;
    const { vault, kek } = openVaultWithKey(config);
    vault[Symbol.dispose]();
    return kek;
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}

/** Whether it is the key of this keyring. */
function fits(keyring: string, kek: Uint8Array): boolean {
  try {
    if (keyringNotes(keyring) === undefined) return false;
    openKeyring({ file: keyring, kek: Uint8Array.from(kek), source: 'beside', now: () => '' })[Symbol.dispose]();
    return true;
  } catch (error) {
    if (error instanceof Fault) return false;
    throw error;
  }
}

export interface TakenOver {
  /** From where the key of the vault comes on this device. */
  readonly source: KeySource;
  /** The key file outside the state folder that is to be written; undefined: none. */
  readonly keyFile: string | undefined;
  /** Whose keys were destroyed at this door since the backup. They are destroyed in the backup too. */
  readonly removed: readonly KeyOwner[];
  /** Why it is not known who was removed here since; undefined where it is. */
  readonly unknown: string | undefined;
  /** Operators whose keys were taken away at this door since: they stay out. */
  readonly operators: readonly string[];
  /** Whether the emergency PIN of the backup is left out, because this door has had another one, or none, since. */
  readonly pinLeftOut: boolean;
}

/**
 * Opens the keyring of the backup with its key, and makes it that of this device. Throws Faults `backup-refused`
 * (another key, or somebody else made the backup), and those of the keyring.
 */
export async function takeOver(
  config: Config,
  staged: StagedBackup,
  kek: Uint8Array,
  clock: Pick<Clock, 'wall'> = systemClock,
): Promise<TakenOver> {
  const keyring = join(staged.folder, keyringName);
  const manifestKey = derivedKey(kek, 'backup manifest');
  if (!fits(keyring, kek) || !staged.isProvenBy(manifestKey))
    throw new Fault(
      'backup-refused',
      'The backup was not made with this key of the vault, or somebody else made it: give the phrase of the door that took it',
    );
  const { notes, keyFile } = sourceHere(config, keyring, kek);
  const now = () => new Date(clock.wall()).toISOString();
  {
    using vault = openKeyring({ file: keyring, kek: Uint8Array.from(kek), source: notes.source, now });
    vault.rekey({ ...notes, kek: Uint8Array.from(kek) });
    openFromBackup(doorKeysFile(staged.config), vault);
    openFromBackup(emergencyPinFile(staged.config), vault);
  }
  await unlockVault(staged.config, phraseOf(kek));
  const operators = await keepOut(config, staged);
  const sameDoor = isSameDoor(config, staged.config);
  restoreAccounts({ here: sameDoor ? accountsFile(config) : undefined, restored: accountsFile(staged.config), clock });
  const pinLeftOut = sameDoor && dropOldPin(config, staged.config);
  return { source: notes.source, keyFile, ...carryTombstones(config, staged, kek, now), operators, pinLeftOut };
}

/** A PIN that was changed or removed at this door since opens nothing again. */
function dropOldPin(config: Config, staged: Config): boolean {
  const [here, restored] = [emergencyPinFile(config), emergencyPinFile(staged)];
  if (!existsSync(restored) || (existsSync(here) && readFileSync(here).equals(readFileSync(restored)))) return false;
  rmSync(restored);
  return true;
}

/** What is noted here for the same key; else what the backup notes, where that works elsewhere; else a file. */
function sourceHere(config: Config, keyring: string, kek: Uint8Array): { readonly notes: KeyNotes; readonly keyFile: string | undefined } {
  const here = vaultFiles(config);
  if (fits(here.keyring, kek)) return { notes: keyringNotes(here.keyring) ?? { source: 'beside' }, keyFile: undefined };
  const noted = keyringNotes(keyring);
  if (noted?.source === 'passphrase' && noted.wrapped !== undefined) return { notes: noted, keyFile: undefined };
  if (here.file === undefined) return { notes: { source: 'beside' }, keyFile: undefined };
  const held = keyIn(here.file);
  if (held && Buffer.compare(held, kek) !== 0) return { notes: { source: 'beside' }, keyFile: undefined };
  return { notes: { source: 'file' }, keyFile: held ? undefined : here.file };
}

/** Whoever was removed at this door stays removed. */
function carryTombstones(
  config: Config,
  { folder }: Pick<StagedBackup, 'folder'>,
  kek: Uint8Array,
  now: () => string,
): Pick<TakenOver, 'removed' | 'unknown'> {
  const byKeyring = destroyedHere(config);
  using vault = openKeyring({ file: join(folder, keyringName), kek: Uint8Array.from(kek), source: 'beside', now });
  const byJournal = removedByJournal(config, vault);
  const known = new Set(vault.destroyed().map(({ owner }) => ownerName(owner)));
  // The journal of another door names people who are not in this backup.
  const owners = [...byKeyring.owners, ...byJournal.owners.filter((owner) => vault.holds(owner))];
  const removed = [...new Map(owners.map((owner) => [ownerName(owner), owner])).values()].filter((owner) => !known.has(ownerName(owner)));
  if (removed.length > 0) vault.destroy(removed);
  while (vault.settle() === 'more');
  const { unknown } = byKeyring;
  return { removed, unknown: unknown === undefined ? undefined : [unknown, byJournal.unknown].filter(Boolean).join('; ') };
}

interface RemovedHere {
  readonly owners: readonly KeyOwner[];
  /** Why not all of them are known. */
  readonly unknown: string | undefined;
}

/** By the keyring. A damaged or lost one is what a backup is for: it does not keep it from being restored. */
function destroyedHere(config: Config): RemovedHere {
  const { keyring } = vaultFiles(config);
  return orUnknown(() => {
    const found = tombstonesIn(keyring);
    const owners = (found ?? []).flatMap(({ owner }) => ownerOf(owner) ?? []);
    return { owners, unknown: found || !isInUse(stateFolder(config)) ? undefined : `the keyring ${keyring} is gone` };
  });
}

/** By the journal: it also names those whose keys could not be destroyed yet. */
function removedByJournal(config: Config, vault: Vault): RemovedHere {
  return orUnknown(() => {
    const { people, notes } = removalsIn(journalFile(config));
    const noted = [...ownersOwed(notes.get(owedNote)), ...ownersNoted(vault, notes.get(destroyedNote))];
    return { owners: [...people.map((person) => ({ person })), ...noted], unknown: undefined };
  });
}

function orUnknown(look: () => RemovedHere): RemovedHere {
  try {
    return look();
  } catch (error) {
    if (error instanceof Fault) return { owners: [], unknown: error.message };
    throw error;
  }
}

/** Whether a door has worked there: more than the lock of this command, a key, or an empty keyring. */
const isInUse = (folder: string): boolean => existsSync(folder) && readdirSync(folder).some((name) => !/^(daemon|vault)\./.test(name));

/** Operators of this same door who were taken away since, or have another role. */
async function keepOut(config: Config, { config: staged }: StagedBackup): Promise<readonly string[]> {
  if (!existsSync(operatorsFile(config)) || !existsSync(operatorsFile(staged)) || !isSameDoor(config, staged)) return [];
  const here = new Set((await operatorsIn(operatorsFile(config)).list()).map(entryDigest));
  const operators = operatorsIn(operatorsFile(staged));
  const gone = (await operators.list()).filter((operator) => !here.has(entryDigest(operator)));
  for (const { name } of gone) await operators.remove(name);
  return gone.map(({ name }) => name);
}

function isSameDoor(config: Config, staged: Config): boolean {
  const files = [doorKeysFile(config), doorKeysFile(staged)];
  if (!files.every((file) => existsSync(file))) return false;
  const [a, b] = files.map((file) => heldKeys(file).sign.x);
  return a === b;
}

/**
 * Exchanges the folders. Returns where the old one lies; undefined where there was nothing in it. Throws Faults
 * `backup-failed`, `vault-down`: then the state folder is what it was.
 */
export function placeStaged(
  config: Config,
  staged: StagedBackup,
  { keyFile, source }: Pick<TakenOver, 'keyFile' | 'source'>,
  kek: Uint8Array,
  clock: Pick<Clock, 'wall'> = systemClock,
): string | undefined {
  const folder = stateFolder(config);
  carryTombstones(config, staged, kek, () => new Date(clock.wall()).toISOString());
  if (keyFile !== undefined) writeKeyFile(keyFile, kek);
  const aside = freeName(asideFolder(folder, clock.wall()));
  // Last: a restore that is killed before leaves no key beside the faces that it unpacked.
  if (source === 'beside') writeKeyFile(vaultFiles(staged.config).beside, kek);
  putInPlace(staged.folder, folder, aside);
  if (!existsSync(aside)) return undefined;
  if (readdirSync(aside).some((name) => !name.startsWith('daemon.'))) return aside;
  rmSync(aside, { recursive: true });
  return undefined;
}

function freeName(path: string, n = 1): string {
  const name = n === 1 ? path : `${path}-${n}`;
  return existsSync(name) ? freeName(path, n + 1) : name;
}
