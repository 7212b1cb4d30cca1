/** Why a file cannot be read, in plain words: a path and the system's error in, a sentence about the path out. */
import { messageOf } from './errors.ts';

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist: a part of its path is a file',
  EISDIR: 'is a folder, not a file',
  EACCES: 'may not be read by this user',
  EPERM: 'may not be read by this user',
};

/** `photo.jpg does not exist`. */
export function unreadable(path: string, error: unknown): string {
  const reason = reasons[(error as NodeJS.ErrnoException).code ?? ''];
  return reason === undefined ? `${path} cannot be read: ${messageOf(error)}` : `${path} ${reason}`;
}
