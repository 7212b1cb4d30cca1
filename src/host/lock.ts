/**
 * Allows one process at a time to work on a state folder: the daemon (`wire.ts`), `facelatch retrain` and
 * `facelatch restore` take that lock and dispose it at their end. A second one keeps commands that change people from
 * a folder that is being exchanged. Both are locks of the kernel (a file lock that SQLite holds), so a killed process
 * never leaves one behind.
 */
import { closeSync, existsSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pid } from 'node:process';
import { DatabaseSync } from 'node:sqlite';
import { Fault, isDiskFull, messageOf } from '../base/errors.ts';
import { makeFolder } from '../base/make-folder.ts';
import { giveToOwnerOfFolder, writeWhole } from '../base/whole-file.ts';

const SQLITE_BUSY = 5;

/**
 * Locks `folder`, and makes it where there is none (mode 700: it holds templates). Disposing unlocks it. Throws Fault
 * `state-locked` when another process holds it (the message has its process id), `bad-config` when the folder cannot be
 * made or written to, `disk-full` when the disk is full.
 */
export function lockState(folder: string): Disposable {
  const file = join(folder, 'daemon.lock');
  // In a file of its own: closing any other descriptor of the locked file would drop this process's lock (fcntl(2)).
  const pidFile = join(folder, 'daemon.pid');
  const lock = openLock(folder, file, pidFile);
  try {
    writeWhole(pidFile, `${pid}\n`, { mode: 0o644 });
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

/**
 * Taken by each command that changes people, keys or accounts, beside a running door, for as long as it has the folder
 * open (`shared`); by a restore `alone`: what was written while it exchanges the folder would be lost. Throws Fault
 * `state-locked` where that cannot be now; `alone`, also those of `lockState`.
 */
export function lockChanges(folder: string, how: 'shared' | 'alone' = 'shared'): Disposable {
  try {
    return changesLock(folder, how);
  } catch (error) {
    // A disk on which no lock can be made keeps nobody from being removed.
    if (how === 'shared' && !isBusy(error)) return { [Symbol.dispose]: () => undefined };
    if (!isBusy(error)) throw unusable(folder, error);
    const why = how === 'alone' ? 'Another command is changing the people, keys or accounts of' : 'A backup is being restored into';
    throw new Fault('state-locked', `${why} ${folder}: try again when that has ended`, error);
  }
}

function changesLock(folder: string, how: 'shared' | 'alone'): Disposable {
  const file = join(folder, 'daemon.changes.lock');
  makeFolder(folder, 0o700);
  for (;;) {
    if (!existsSync(file)) {
      closeSync(openSync(file, 'a', 0o600));
      giveToOwnerOfFolder(file);
    }
    const { ino } = statSync(file);
    const lock = new DatabaseSync(file, { timeout: 0 });
    try {
      // An empty database: a transaction that has read holds the shared lock, and never ends.
      lock.exec(how === 'alone' ? 'BEGIN EXCLUSIVE' : 'BEGIN; SELECT 1 FROM sqlite_schema');
      // Meanwhile the folder may have been exchanged, with the file in it.
      if (statSync(file, { throwIfNoEntry: false })?.ino === ino) return { [Symbol.dispose]: () => void (lock.isOpen && lock.close()) };
      lock.close();
    } catch (error) {
      lock.close();
      throw error;
    }
  }
}

const isBusy = (error: unknown): boolean => error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;

function openLock(folder: string, file: string, pidFile: string): DatabaseSync {
  let lock: DatabaseSync | undefined;
  try {
    makeFolder(folder, 0o700);
    lock = new DatabaseSync(file, { timeout: 0 });
    // An empty database with an exclusive transaction that never ends: nothing is written, and the file stays locked.
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock?.close();
    if (isBusy(error)) throw locked(folder, holderOf(pidFile), error);
    throw unusable(folder, error);
  }
}

function locked(folder: string, holder: string, cause: unknown): Fault {
  return new Fault(
    'state-locked',
    `Another facelatch (${holder}) is running on ${folder}; stop it, or give this one its own folder with --state (state.folder).`,
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
  if (isDiskFull(cause))
    return new Fault('disk-full', `The disk that holds ${folder} is full; free space there, or set state.folder (--state).`, cause);
  return new Fault(
    'bad-config',
    `The state folder ${folder} cannot be made or written to (${messageOf(cause)}); let this user write there, or set state.folder (--state) to another.`,
    cause,
  );
}
