/**
 * Puts one folder in the place of another, which stays beside it under another name: either the old one is in place or
 * the new one, at every moment.
 */
import { existsSync, lchownSync, lstatSync, readdirSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import koffi from 'koffi';
import { Fault, messageOf } from '../../base/errors.ts';
import { syncFolder } from '../../base/whole-file.ts';

/**
 * `folder` becomes `to`; what was there becomes `aside`. Where `to` belongs to another user, root gives them the new
 * one too. Throws Fault `backup-failed`: then `to` is what it was.
 */
export function putInPlace(folder: string, to: string, aside: string): void {
  try {
    if (existsSync(to)) swap(folder, to, aside);
    else renameSync(folder, to);
  } catch (error) {
    const mounted = error instanceof Error && 'code' in error && (error.code === 'EBUSY' || error.code === 'EXDEV');
    throw new Fault(
      'backup-failed',
      mounted
        ? `The state folder ${to} is a mount point, which cannot be exchanged: restore into a folder below it (--state ${join(to, 'door')}), and set state.folder to that`
        : `The state folder ${to} cannot be exchanged (${messageOf(error)}): run the command as root (sudo), who may write to ${dirname(to)}`,
      error,
    );
  } finally {
    syncFolder(dirname(to));
  }
}

function swap(folder: string, to: string, aside: string): void {
  const { uid, gid } = statSync(to);
  if (process.geteuid?.() === 0) giveTo(folder, uid, gid);
  // Under the name that the old one gets, so that one exchange does it and a cut leaves two whole folders.
  renameSync(folder, aside);
  syncFolder(dirname(to));
  if (exchange(aside, to)) return;
  renameSync(aside, folder);
  renameSync(to, aside);
  try {
    renameSync(folder, to);
  } catch (error) {
    renameSync(aside, to);
    throw error;
  }
}

function giveTo(path: string, uid: number, gid: number): void {
  const found = lstatSync(path);
  lchownSync(path, uid, gid);
  if (found.isDirectory()) for (const name of readdirSync(path)) giveTo(join(path, name), uid, gid);
}

const atWorkingFolder = -100; // AT_FDCWD
const exchangeFlag = 2; // RENAME_EXCHANGE

/** renameat2(2); false where the C library or the file system cannot. */
function exchange(a: string, b: string): boolean {
  try {
    const renameat2 = koffi.load(null).func('int renameat2(int, str, int, str, unsigned int)');
    return renameat2(atWorkingFolder, a, atWorkingFolder, b, exchangeFlag) === 0;
  } catch {
    return false;
  }
}
