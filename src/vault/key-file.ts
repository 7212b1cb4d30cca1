/** A key-encryption key in a file: 32 bytes as base64url text, readable by its owner alone. */
import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { asFault, Fault } from '../base/errors.ts';
import { syncFolder, writeWhole } from '../base/whole-file.ts';

/** The key in the file; undefined where there is no file. Throws Faults `vault-down`, `vault-unfit`. */
export function keyIn(file: string): Uint8Array | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return keyOfText(readFileSync(file, 'utf8'), file);
  } catch (error) {
    throw asFault(error, 'vault-down', `The key of the vault in ${file} cannot be read`);
  }
}

/** Throws Fault `vault-unfit` for a text that is no key. `from`: where it came from, for the message. */
function keyOfText(text: string, from: string): Uint8Array {
  const key = new Uint8Array(Buffer.from(text.trim(), 'base64url'));
  if (key.length === 32 && /^[\w-]{43}$/.test(text.trim())) return key;
  throw new Fault('vault-unfit', `${from} holds no key: it must hold the 43 characters that "facelatch vault init" wrote`);
}

/** Makes the file with a new key. Of two processes that do so at the same time, both get the same key. */
export function makeKeyFile(file: string): Uint8Array {
  const beside = `${file}.${process.pid}`;
  try {
    writeWhole(beside, `${randomBytes(32).toString('base64url')}\n`);
    linkSync(beside, file);
  } catch (error) {
    if (!existsSync(file)) throw asFault(error, 'vault-down', `The key of the vault cannot be written to ${file}`);
  } finally {
    rmSync(beside, { force: true });
  }
  syncFolder(dirname(file));
  return keyIn(file) ?? makeKeyFile(file);
}
