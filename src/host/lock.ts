/**
 * One daemon for each state folder: takes the folder, gives back a lock that lives as long as the process does. The lock is
 * the kernel's (a file lock held by SQLite), so a process that is killed never leaves it behind.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pid } from 'node:process';
import { DatabaseSync } from 'node:sqlite';
import { Fault, messageOf } from '../base/errors.ts';
import { makeFolder } from '../base/make-folder.ts';

const SQLITE_BUSY = 5;

/**
 * Locks `folder`, making it (mode 700: it holds templates) when there is none. Disposing unlocks.
 * Throws Fault `state-locked` when another process holds it (the message names its process id), `bad-config` when the folder
 * cannot be made or written to, `disk-full` when it has no room.
 */
export function lockState(folder: string): Disposable {
  const file = join(folder, 'daemon.lock');
  // Beside the lock and not in it: closing any other descriptor of the locked file would drop this process's lock (fcntl(2)).
  const pidFile = join(folder, 'daemon.pid');
  const lock = openLock(folder, file, pidFile);
  try {
    writeFileSync(`${pidFile}.new`, `${pid}\n`);
    renameSync(`${pidFile}.new`, pidFile);
  } catch (error) {
    lock.close();
    throw unusable(folder, error);
  }
  return {
    [Symbol.dispose]: () => {
      if (!lock.isOpen) return;
      rmSync(pidFile, { force: true });
      lock.close();
    },
  };
}

function openLock(folder: string, file: string, pidFile: string): DatabaseSync {
  let lock: DatabaseSync | undefined;
  try {
    makeFolder(folder, 0o700);
    lock = new DatabaseSync(file, { timeout: 0 });
    // An empty database with an exclusive transaction that is never ended: nothing is written, the file stays locked.
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock?.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) throw locked(folder, holderOf(pidFile), error);
    throw unusable(folder, error);
  }
}

function locked(folder: string, holder: string, cause: unknown): Fault {
  return new Fault(
    'state-locked',
    `Another facelatch (${holder}) is running on ${folder}; stop it, or give this one a folder of its own with --state (state.folder).`,
    cause,
  );
}

function holderOf(pidFile: string): string {
  try {
    return `process ${Number.parseInt(readFileSync(pidFile, 'utf8'), 10)}`;
  } catch {
    return 'process unknown';
  }
}

function unusable(folder: string, cause: unknown): Fault {
  const code = (cause as { code?: string }).code;
  if (code === 'ENOSPC')
    return new Fault('disk-full', `The disk that holds ${folder} is full; free space there, or set state.folder (--state).`, cause);
  return new Fault(
    'bad-config',
    `The state folder ${folder} cannot be made or written to (${messageOf(cause)}); let this user write there, or set state.folder (--state) to another.`,
    cause,
  );
}
