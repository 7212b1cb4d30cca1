/**
 * The folder of a door's own backups: a task in, the new backup there, those beyond the most that are kept gone. It may
 * lie on a share that hangs, so this runs in a process of its own (process-entry.ts).
 */
import { readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { clearLeft } from '../../base/whole-file.ts';
import { isBackupOf, requireFolder } from './kept.ts';
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
  clearLeft(folder, (name) => isBackupOf(task.door, name));
  const taken = await takeBackup(task, hooks);
  if (task.keep !== undefined) prune(folder, task.door, task.keep);
  return taken;
}

function prune(folder: string, door: string, keep: number): void {
  // Their names sort by time.
  const all = readdirSync(folder)
    .filter((name) => isBackupOf(door, name))
    .toSorted();
  for (const name of all.slice(0, Math.max(0, all.length - keep))) rmSync(join(folder, name), { force: true });
}
