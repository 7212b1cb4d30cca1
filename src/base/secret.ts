/**
 * Files that settings name: passwords, keys, certificates. A setting and its file go in, the text comes out, or a fault
 * that names both.
 */
import { readFileSync } from 'node:fs';
import { Fault, messageOf } from './errors.ts';

/** The text of the file that `setting` names. Throws Fault `bad-config`. */
export function readSettingFile(setting: string, file: string): string {
  try {
    return withoutByteOrderMark(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Fault('bad-config', `${setting}: ${file} cannot be read (${messageOf(error)})`, error);
  }
}

/** Text as people save it: Windows editors begin a file with a byte order mark, which belongs to no value. */
export const withoutByteOrderMark = (text: string): string => text.replace(/^\ufeff/, '');

/**
 * The secret in the file that `setting` names, without the line break that editors add at the end. Throws Fault
 * `bad-config`.
 */
export const readSecretFile = (setting: string, file: string): string => readSettingFile(setting, file).replace(/\r?\n$/, '');
