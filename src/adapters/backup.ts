/**
 * A configuration in; what a backup of this door holds, to whom it is encrypted and the key for its proof out; also the
 * backups of a running door.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { asFault, Fault } from '../base/errors.ts';
import { parseJson } from '../base/jws.ts';
import { Compile, Type } from '../base/schema.ts';
import { type Clock, systemClock } from '../base/time.ts';
import { jsonText, writeWhole } from '../base/whole-file.ts';
import type { Journal } from '../journal/port.ts';
import { latestDue } from '../retrain/due.ts';
import type { Config } from '../settings/load.ts';
import { leaves } from '../settings/schema.ts';
import { checkRecipient, recipientOf } from '../vault/backup/age-file.ts';
import { takeBackupApart } from '../vault/backup/process.ts';
import { type Backups, backupRoutine, type RoutineParts } from '../vault/backup/routine.ts';
import { type BackupHooks, type BackupTask, type Taken, takeBackup } from '../vault/backup/take.ts';
import type { SealedPlace, Vault } from '../vault/port.ts';
import { doorKeysFile, stateFolder } from './basics.ts';
import { vaultFiles } from './vault.ts';
import { emergencyPinFile } from './vouched/emergency-pin.ts';

export interface BackupWish {
  readonly to: string;
  readonly by: string;
  /** Recipients of age besides those of the settings. */
  readonly recipients?: readonly string[];
  /** Whether the recovery phrase opens it. */
  readonly phrase?: boolean;
}

/** Throws Fault `bad-argument` for a recipient that is none. */
export async function backupTaskOf(
  config: Config,
  vault: Vault,
  { to, by, recipients = [], phrase = true }: BackupWish,
  clock: Pick<Clock, 'wall'> = systemClock,
): Promise<BackupTask> {
  const { beside, file } = vaultFiles(config);
  const given = [...config.backup.recipients, ...recipients];
  for (const recipient of given) await checkRecipient(recipient, '--to (backup.recipients)');
  return {
    folder: stateFolder(config),
    to: resolve(to),
    configuration: new Map([['facelatch.json', Buffer.from(jsonText(changedSettings(config)))]]),
    keys: [beside, ...(file === undefined ? [] : [file])],
    instead: sealedInBackup([doorKeysFile(config), emergencyPinFile(config)], vault),
    recipients: [...(phrase ? [await phraseRecipient(vault)] : []), ...given],
    manifestKey: vault.derived('backup manifest'),
    door: config.door.id,
    takenAt: new Date(clock.wall()).toISOString(),
    by,
  };
}

/**
 * Takes the backup in this process. Throws what `takeBackup` throws, and Fault `backup-failed` where the key of the
 * vault was changed meanwhile: a door that runs holds the lock that such a change needs, a command does not.
 */
export function takeBackupHere(task: BackupTask, vault: Pick<Vault, 'epoch'>, hooks: Omit<BackupHooks, 'checkKey'> = {}): Promise<Taken> {
  const checkKey = () => {
    try {
      void vault.epoch;
    } catch (error) {
      if (!(error instanceof Fault && error.code === 'vault-unfit')) throw error;
      throw new Fault('backup-failed', 'The key of the vault was changed while the backup was taken: take the backup again', error);
    }
  };
  return takeBackup(task, { ...hooks, checkKey });
}

/** The backups that a running door takes, as the settings say. */
export function backupsOf(
  config: Config,
  {
    vault,
    journal,
    ...parts
  }: Pick<RoutineParts, 'clock' | 'log' | 'record' | 'synchronised'> & {
    readonly vault: Vault;
    readonly journal: Pick<Journal, 'note' | 'keep'>;
  },
): Backups {
  const { folder, keep, schedule } = config.backup;
  return backupRoutine({
    ...parts,
    ...{ folder, keep, door: config.door.id, state: stateFolder(config) },
    due: (wallMs) => latestDue(schedule, config.access.timeZone, wallMs),
    taskOf: (to, by) => backupTaskOf(config, vault, { to, by }, parts.clock),
    take: takeBackupApart,
    lastMs: lastScheduled(journal),
  });
}

/** A journal that is down does not keep a backup from being taken; it is then taken again after a restart. */
function lastScheduled(journal: Pick<Journal, 'note' | 'keep'>): RoutineParts['lastMs'] {
  const quietly = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      if (error instanceof Fault) return undefined;
      throw error;
    }
  };
  const noted = Number(quietly(() => journal.note(noteName)));
  const state = { lastMs: Number.isFinite(noted) && noted > 0 ? noted : undefined };
  return {
    get: () => state.lastMs,
    set: (wallMs) => {
      state.lastMs = wallMs;
      quietly(() => journal.keep({ [noteName]: String(wallMs) }));
    },
  };
}

const noteName = 'backup.scheduled';

/** The recipient that the recovery phrase opens. */
async function phraseRecipient(vault: Vault): Promise<string> {
  const scalar = vault.derived('backup identity');
  try {
    return await recipientOf(scalar);
  } finally {
    scalar.fill(0);
  }
}

/** The settings in force that are not the defaults, as a configuration file: those of files, environment and flags. */
function changedSettings(config: Config): object {
  const changed: Record<string, unknown> = {};
  for (const [path, { default: usual }] of leaves()) {
    const keys = path.split('.');
    const value = keys.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], config);
    if (JSON.stringify(value) === JSON.stringify(usual)) continue;
    const last = keys.pop() ?? '';
    sectionOf(changed, keys)[last] = value;
  }
  return changed;
}

/** Made where it is not there. */
function sectionOf(settings: Record<string, unknown>, [key, ...rest]: readonly string[]): Record<string, unknown> {
  if (key === undefined) return settings;
  const section = (settings[key] ?? {}) as Record<string, unknown>;
  settings[key] = section;
  return sectionOf(section, rest);
}

/**
 * Files outside of the vault are sealed under it in a backup, so that a recipient neither reads what is encrypted to
 * the door nor signs as the door, and has no hash of a PIN to guess at.
 */
const placeOf = (file: string): SealedPlace => ({ schema: 'backup 1', column: 'file', row: basename(file) });
const sealedForm = Compile(Type.Object({ sealed: Type.String() }));

/** What stands in a backup in place of each file; nothing where there is none. */
function sealedInBackup(files: readonly string[], vault: Pick<Vault, 'seal'>): ReadonlyMap<string, Uint8Array> {
  const there = files.filter((file) => existsSync(file));
  return new Map(
    there.map((file) => {
      const sealed = vault.seal('door', placeOf(file), contentOf(file));
      return [basename(file), Buffer.from(jsonText({ sealed: Buffer.from(sealed).toString('base64url') }))];
    }),
  );
}

/** Opens the file as a backup has it. One of an earlier version is not sealed, and stays. */
export function openFromBackup(file: string, vault: Pick<Vault, 'open'>): void {
  if (!existsSync(file)) return;
  const held = parseJson(contentOf(file));
  if (!sealedForm.Check(held)) return;
  const content = vault.open('door', placeOf(file), Buffer.from(held.sealed, 'base64url'));
  if (!content) throw new Fault('seal-broken', `${basename(file)} in the backup does not open (${file}): use another backup`);
  writeWhole(file, content);
}

function contentOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw asFault(error, 'bad-config', `The file ${file} cannot be read`);
  }
}
