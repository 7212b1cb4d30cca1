/** Turns what SQLite reports about the journal's file into one fault with its remedy. */
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { Fault, messageOf } from '../base/errors.ts';

/** Primary result codes, https://www.sqlite.org/rescode.html */
const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_READONLY = 8;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;

/** The primary result code of an error of node:sqlite, undefined for any other error. */
export function sqliteCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code & 0xff : undefined;
}

/**
 * What a failed opening or reading means: `journal-damaged` when the file is damaged or no database, else `journal-down`
 * (its cause is a Fault `disk-full` when that is the reason).
 */
export function journalFault(error: unknown, file: string): Fault {
  if (error instanceof Fault) return error;
  const folder = dirname(file);
  switch (sqliteCode(error)) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return damaged(file, error);
    case SQLITE_FULL:
      return diskFull(folder, error);
    case SQLITE_IOERR:
      // On some file systems a full disk shows as a failed write, sync or shared-memory file.
      return isFull(folder) ? diskFull(folder, error) : down(`The journal ${file} cannot be read or written; check the disk`, error);
    case SQLITE_READONLY:
      return down(`The journal ${file} is read-only; let this user write to the folder, or set state.folder to another`, error);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return down(`The journal ${file} is held locked by another process; end that process and try again`, error);
    case SQLITE_CANTOPEN:
      return down(`The journal ${file} cannot be opened; the folder (state.folder) must exist and this user must own it`, error);
    default:
      return down(`The journal ${file} failed`, error);
  }
}

/** What a failed append means: always `journal-down`; a damaged file is its cause. */
export function appendFault(error: unknown, file: string): Fault {
  const fault = journalFault(error, file);
  return fault.code === 'journal-down' ? fault : new Fault('journal-down', fault.message, fault);
}

/** The fault of a journal whose file is damaged, or is something else. */
export function damaged(file: string, cause?: unknown): Fault {
  return new Fault(
    'journal-damaged',
    `The journal ${file} is damaged or is no journal of facelatch; move it away to begin a new one, or restore a copy (state.folder).`,
    cause,
  );
}

function diskFull(folder: string, error: unknown): Fault {
  const message = `The disk that holds ${folder} is full; free space there, or set state.folder to a folder on another disk.`;
  return new Fault('journal-down', `The journal cannot be written. ${message}`, new Fault('disk-full', message, error));
}

function down(what: string, error: unknown): Fault {
  return new Fault('journal-down', `${what} (${messageOf(error)}).`, error);
}

function isFull(folder: string): boolean {
  try {
    return statfsSync(folder).bavail === 0;
  } catch {
    return false;
  }
}
