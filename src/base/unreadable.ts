/** Why a file cannot be read, in plain words: a path and the system's error in, a sentence about the path out. */
import { messageOf } from './errors.ts';
import { type FilePath, shownPath } from './path.ts';

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist: a part of its path is a file',
  EISDIR: 'is a folder, not a file',
  EACCES: 'may not be read by this user',
  EPERM: 'may not be read by this user',
};

/** `photo.jpg does not exist`. */
export function unreadable(path: FilePath, error: unknown): string {
  const reason = reasons[(error as NodeJS.ErrnoException).code ?? ''];
  const shown = shownPath(path);
  return reason === undefined ? `${shown} cannot be read: ${messageOf(error)}` : `${shown} ${reason}${unnameable(path)}`;
}

/** What to do about a name on the command line that is not UTF-8: it arrives changed, and no file has the changed name. */
export const unnameable = (path: FilePath): string =>
  typeof path === 'string' && path.includes('\ufffd') ? ' (its name is not UTF-8: give its folder, or rename it)' : '';
