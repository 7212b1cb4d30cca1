/**
 * The door's own keys on their way through a backup: sealed under the vault, so that a recipient of the backup neither
 * reads what is encrypted to the door nor signs as the door.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { asFault, Fault } from '../base/errors.ts';
import { parseJson } from '../base/jws.ts';
import { Compile, Type } from '../base/schema.ts';
import { jsonText, writeWhole } from '../base/whole-file.ts';
import type { SealedPlace, Vault } from '../vault/port.ts';

const place: SealedPlace = { schema: 'backup 1', column: 'file', row: 'door-keys.json' };
const form = Compile(Type.Object({ sealed: Type.String() }));

/** What stands in a backup in place of the file of the keys; nothing where there is none. */
export function backedUpKeys(file: string, vault: Pick<Vault, 'seal'>): ReadonlyMap<string, Uint8Array> {
  if (!existsSync(file)) return new Map();
  const sealed = vault.seal('door', place, contentOf(file));
  return new Map([[basename(file), Buffer.from(jsonText({ sealed: Buffer.from(sealed).toString('base64url') }))]]);
}

/** Opens the file as a backup has it. One of an earlier version is not sealed, and stays. */
export function restoreKeys(file: string, vault: Pick<Vault, 'open'>): void {
  if (!existsSync(file)) return;
  const held = parseJson(contentOf(file));
  if (!form.Check(held)) return;
  const keys = vault.open('door', place, Buffer.from(held.sealed, 'base64url'));
  if (!keys) throw new Fault('seal-broken', `The door's keys in the backup do not open (${file}): use another backup`);
  writeWhole(file, keys);
}

function contentOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw asFault(error, 'bad-config', `The door's keys in ${file} cannot be read`);
  }
}
