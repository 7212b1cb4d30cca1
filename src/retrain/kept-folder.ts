/**
 * Folders of the state folder that are there whole or not at all: files by name go in; what goes wrong comes out as a
 * Fault with a remedy.
 */
import { dirname } from 'node:path';
import { Fault, isDiskFull, messageOf } from '../base/errors.ts';
import { writeWholeFolder } from '../base/whole-file.ts';

/** Writes `files` as the folder `to`, which must not be there. Throws Fault `disk-full`, `registry-down`. */
export function writeKeptFolder(to: string, files: ReadonlyMap<string, Uint8Array>): void {
  try {
    writeWholeFolder(to, files);
  } catch (error) {
    if (isDiskFull(error)) throw new Fault('disk-full', `The disk of ${dirname(to)} is full: free some space, and try again`, error);
    throw new Fault('registry-down', `${to} cannot be written (${messageOf(error)}): check state.folder, its owner and the disk`, error);
  }
}
