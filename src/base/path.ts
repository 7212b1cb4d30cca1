/**
 * Paths and other text from outside, for people: what came from a disk or the network goes in, text that no terminal
 * obeys comes out. And the files of a folder, those too whose names are not UTF-8 (Node would give such a name back
 * changed, and then not find the file).
 */
import { isUtf8 } from 'node:buffer';
import { readdirSync } from 'node:fs';
import { join, sep } from 'node:path';
import { messageOf } from './errors.ts';

/** Bytes where a name is not UTF-8. */
export type FilePath = string | Buffer;

// Control characters, line separators, half surrogates, and marks that turn the writing direction of what follows.
// (CWE-150)
const obeyed = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/gu;
/** All of them have one code unit. */
const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Text of several lines; in JSON it means the same as before. */
export const shownText = (text: string): string =>
  text.replace(obeyed, (character) => (character === '\n' || character === '\t' ? character : escaped(character)));

/** Text on one line. */
export const shownLine = (text: string): string => text.replace(obeyed, escaped);

/** A path on one line. */
export function shownPath(path: FilePath): string {
  if (typeof path === 'string') return shownLine(path);
  if (isUtf8(path)) return shownLine(path.toString());
  // Each byte as the character of that number: what is not ASCII is then shown as a byte.
  return shownLine(path.toString('latin1')).replace(/[\u0080-\u00ff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
}

export interface FileInFolder {
  /** The name as text, for its ending and for sorting. */
  readonly name: string;
  readonly path: FilePath;
  readonly isFolder: boolean;
}

/** What lies directly in a folder. Throws the file system's error. */
export function entriesIn(folder: string): FileInFolder[] {
  return readdirSync(folder, { encoding: 'buffer', withFileTypes: true }).map((entry) => {
    const bytes = Buffer.from(entry.name);
    const name = bytes.toString();
    return {
      name,
      path: isUtf8(bytes) ? join(folder, name) : Buffer.concat([Buffer.from(join(folder, sep)), bytes]),
      isFolder: entry.isDirectory(),
    };
  });
}

/** Why a file cannot be read, in plain words. */
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

/**
 * What to do about a name on the command line that is not UTF-8: it arrives changed, and no file has the changed name.
 */
export const unnameable = (path: FilePath): string =>
  typeof path === 'string' && path.includes('\ufffd') ? ' (its name is not UTF-8: give its folder, or rename it)' : '';
