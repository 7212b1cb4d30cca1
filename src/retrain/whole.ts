/** Folders that are there whole or not at all: files go in, are written beside and synced, and one rename makes the folder; a crash at any point leaves what was before. */
import { closeSync, fsyncSync, lstatSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Fault, messageOf } from '../base/errors.ts';

/** What is not finished is called so, and is removed when the registry is opened. */
export const unfinished = '.new-';

/** Writes `files` as the folder `to`, which must not be there. Throws Fault `disk-full`, `registry-down`. */
export function writeFolder(to: string, files: ReadonlyMap<string, Uint8Array>): void {
  const parent = dirname(to);
  const beside = join(parent, `${unfinished}${to.slice(parent.length + 1)}`);
  try {
    mkdirSync(parent, { recursive: true, mode: 0o700 });
    rmSync(beside, { recursive: true, force: true });
    mkdirSync(beside, { mode: 0o700 });
    for (const [name, bytes] of files) writeFile(join(beside, name), bytes);
    syncFolder(beside);
    renameSync(beside, to);
    syncFolder(parent);
  } catch (error) {
    rmSync(beside, { recursive: true, force: true });
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG')
      throw new Fault('disk-full', `The disk of ${parent} is full: free some space, and try again`, error);
    throw new Fault('registry-down', `${to} cannot be written (${messageOf(error)}): check state.folder, its owner and the disk`, error);
  }
}

function writeFile(file: string, bytes: Uint8Array): void {
  const handle = openSync(file, 'wx', 0o600);
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(handle, bytes, done);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Removes what earlier processes did not finish. */
export function clearUnfinished(folder: string): void {
  for (const name of lstatSync(folder, { throwIfNoEntry: false }) ? readdirSync(folder) : [])
    if (name.startsWith(unfinished)) rmSync(join(folder, name), { recursive: true, force: true });
}
