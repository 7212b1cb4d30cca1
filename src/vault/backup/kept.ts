/** The files of a door's own backups, by their names: nothing of them is read. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../../base/errors.ts';

export const backupName = (door: string, wallMs: number): string =>
  `facelatch-${door}-${new Date(wallMs).toISOString().slice(0, 19).replaceAll(':', '-')}Z.age`;

/** A backup of this door in its folder. */
export interface KeptBackup {
  readonly file: string;
  readonly takenAt: string;
  readonly bytes: number;
}

/** Those of this door, the newest first. Throws Fault `backup-failed` where the folder is not there. */
export function backupsIn(folder: string, door: string): readonly KeptBackup[] {
  requireFolder(folder);
  return readdirSync(folder)
    .filter((name) => isBackupOf(door, name))
    .toSorted()
    .toReversed()
    .map((file) => ({ file, takenAt: takenAtOf(file) ?? '', bytes: statSync(join(folder, file)).size }));
}

/** It is never made: a share that is not mounted must not become a folder of the disk that is backed up. */
export function requireFolder(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new Fault('backup-failed', `There is no folder ${folder} (backup.folder): mount the disk or share, or make the folder`);
}

/** A door may be called as another with a date behind. */
export function isBackupOf(door: string, name: string): boolean {
  const takenAt = takenAtOf(name);
  return takenAt !== undefined && name === backupName(door, Date.parse(takenAt));
}

function takenAtOf(name: string): string | undefined {
  const [, day, h, m, s] = /-(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)Z\.age$/.exec(name) ?? [];
  const takenAt = `${day}T${h}:${m}:${s}Z`;
  return Number.isFinite(Date.parse(takenAt)) ? takenAt : undefined;
}
