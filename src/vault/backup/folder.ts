/**
 * The folder of a door's own backups: a task in, the new backup there, those beyond the most that are kept gone. It may
 * lie on a share that hangs, so this runs in a process of its own (process-entry.ts).
 */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Fault } from '../../base/errors.ts';
import { clearLeft } from '../../base/whole-file.ts';
import { type BackupHooks, type BackupTask, type Taken, takeBackup } from './take.ts';

export interface FolderTask extends BackupTask {
  /** The most of this door that stay there; undefined: all. */
  readonly keep: number | undefined;
}

/** Throws what `takeBackup` throws. */
export async function takeInFolder(task: FolderTask, hooks: BackupHooks = {}): Promise<Taken> {
  const folder = dirname(task.to);
  requireFolder(folder);
  // Only of this door: others may write to the folder too.
  clearLeft(folder, (name) => isOf(task.door, name));
  const taken = await takeBackup(task, hooks);
  if (task.keep !== undefined) prune(folder, task.door, task.keep);
  return taken;
}

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
    .filter((name) => isOf(door, name))
    .toSorted()
    .toReversed()
    .map((file) => ({ file, takenAt: takenAtOf(file) ?? '', bytes: statSync(join(folder, file)).size }));
}

/** It is never made: a share that is not mounted must not become a folder of the disk that is backed up. */
function requireFolder(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new Fault('backup-failed', `There is no folder ${folder} (backup.folder): mount the disk or share, or make the folder`);
}

function prune(folder: string, door: string, keep: number): void {
  // Their names sort by time.
  const all = readdirSync(folder)
    .filter((name) => isOf(door, name))
    .toSorted();
  for (const name of all.slice(0, Math.max(0, all.length - keep))) rmSync(join(folder, name), { force: true });
}

/** A door may be called as another with a date behind. */
function isOf(door: string, name: string): boolean {
  const takenAt = takenAtOf(name);
  return takenAt !== undefined && name === backupName(door, Date.parse(takenAt));
}

function takenAtOf(name: string): string | undefined {
  const [, day, h, m, s] = /-(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)Z\.age$/.exec(name) ?? [];
  const takenAt = `${day}T${h}:${m}:${s}Z`;
  return Number.isFinite(Date.parse(takenAt)) ? takenAt : undefined;
}
