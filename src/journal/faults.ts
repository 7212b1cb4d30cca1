/** Turns what SQLite reports about the journal's file into one fault with its remedy. */
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { Fault, messageOf } from '../base/errors.ts';
import { sqliteTrouble } from '../base/sqlite.ts';

/**
 * What a failed opening or reading means: `journal-damaged` where the file is damaged or is not a database, else
 * `journal-down` (its cause is a Fault `disk-full` where that is the reason).
 */
export function journalFault(error: unknown, file: string): Fault {
  if (error instanceof Fault) return error;
  const folder = dirname(file);
  switch (sqliteTrouble(error)) {
    case 'damaged':
      return damaged(file, error);
    case 'full':
      return diskFull(folder, error);
    case 'held':
      return down(`The journal ${file} is locked by another process; end that process and try again`, error);
    case 'unwritable':
    case 'down': {
      // On some file systems a full disk shows as a failed write, sync or shared-memory file.
      if (isIoError(error) && isFull(folder)) return diskFull(folder, error);
      const what = `The journal ${file} cannot be read or written; check the disk and who owns the folder, or set state.folder to another`;
      return down(what, error);
    }
    default:
      return down(`The journal ${file} failed`, error);
  }
}

/** What a failed append means: always `journal-down`; a damaged file is its cause. */
export function appendFault(error: unknown, file: string): Fault {
  const fault = journalFault(error, file);
  return fault.code === 'journal-down' ? fault : new Fault('journal-down', fault.message, fault);
}

/** The fault of a journal whose file is damaged, or is another program's. */
export function damaged(file: string, cause?: unknown): Fault {
  return new Fault(
    'journal-damaged',
    `The journal ${file} is damaged or is not a journal of facelatch; restore a backup (facelatch restore), or move it away to begin a new one (state.folder).`,
    cause,
  );
}

/** The fault of one row that cannot be used. */
export function rowDamaged(file: string, seq: unknown, cause?: unknown): Fault {
  const row = typeof seq === 'number' ? `Row ${seq}` : 'A row';
  return new Fault('journal-damaged', `${row} of the journal ${file} cannot be read; run "facelatch journal verify".`, cause);
}

function diskFull(folder: string, error: unknown): Fault {
  const message = `The disk that holds ${folder} is full; free space there, or set state.folder to a folder on another disk.`;
  return new Fault('journal-down', `The journal cannot be written. ${message}`, new Fault('disk-full', message, error));
}

function down(what: string, error: unknown): Fault {
  return new Fault('journal-down', `${what} (${messageOf(error)}).`, error);
}

/** SQLITE_IOERR and its extended codes (https://www.sqlite.org/rescode.html). */
function isIoError(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && (Number(error.errcode) & 255) === 10;
}

function isFull(folder: string): boolean {
  try {
    return statfsSync(folder).bavail === 0;
  } catch {
    return false;
  }
}
