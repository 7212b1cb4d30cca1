/** A key-encryption key in a file: 32 bytes as base64url text, readable by its owner alone. */
import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { asFault, Fault } from '../base/errors.ts';
import { giveToOwnerOfFolder, syncFolder, writeWhole } from '../base/whole-file.ts';

/** The key in the file; undefined where there is no file. Throws Faults `vault-down`, `vault-unfit`. */
export function keyIn(file: string): Uint8Array | undefined {
  if (!existsSync(file)) return undefined;
  let content: Buffer | undefined;
  try {
    content = readFileSync(file);
    return keyOfText(content, file);
  } catch (error) {
    throw asFault(error, 'vault-down', `The key of the vault in ${file} cannot be read`);
  } finally {
    content?.fill(0);
  }
}

/** Throws Fault `vault-unfit` for a text that is no key. `from`: where it came from, for the message. */
export function keyOfText(content: Uint8Array, from: string): Uint8Array {
  const text = Buffer.from(content).toString('latin1').trim();
  if (/^[\w-]{43}$/.test(text)) {
    const key = new Uint8Array(Buffer.from(text, 'base64url'));
    // Of 43 characters the last has two bits that must be zero.
    if (Buffer.from(key).toString('base64url') === text) return key;
  }
  throw new Fault('vault-unfit', `${from} holds no key: it must hold the 43 characters that "facelatch vault init" wrote`);
}

export const keyText = (key: Uint8Array): Buffer => Buffer.from(`${Buffer.from(key).toString('base64url')}\n`);

/** Makes the file with a new key. Of two processes that do so at the same time, both get the same key. */
export function makeKeyFile(file: string): Uint8Array {
  const beside = join(dirname(file), `${unfinishedName(file)}${process.pid}`);
  try {
    writeKey(beside, randomBytes(32));
    linkSync(beside, file);
  } catch (error) {
    if (!existsSync(file)) throw asFault(error, 'vault-down', `The key of the vault cannot be written to ${file}`);
  } finally {
    rmSync(beside, { force: true });
  }
  syncFolder(dirname(file));
  return keyIn(file) ?? makeKeyFile(file);
}

/** Backups leave out what begins with `.new-`. */
const unfinishedName = (file: string): string => `.new-${basename(file)}-`;

/**
 * Removes what a process that was killed while it made the file has left: it is the key, or was never one. Nothing
 * where there is no key file: another process may be making it now. They are not overwritten, because the file may be
 * one and the same on the disk.
 */
export function clearUnfinishedKeys(file: string): void {
  if (!existsSync(file)) return;
  const name = basename(file);
  for (const found of readdirSync(dirname(file)))
    if (found.startsWith(unfinishedName(file)) || (found.startsWith(`${name}.`) && /^\d+$/.test(found.slice(name.length + 1))))
      rmSync(join(dirname(file), found), { force: true });
}

/** Throws Fault `vault-down`; the file is then as it was. */
export function writeKeyFile(file: string, key: Uint8Array): void {
  try {
    writeKey(file, key);
  } catch (error) {
    throw asFault(error, 'vault-down', `The key of the vault cannot be written to ${file}`);
  }
}

function writeKey(file: string, key: Uint8Array): void {
  const text = keyText(key);
  try {
    writeWhole(file, text);
  } finally {
    text.fill(0);
  }
  giveToOwnerOfFolder(file);
}
