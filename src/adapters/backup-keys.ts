/**
 * Files outside of the vault on their way through a backup: sealed under it, so that a recipient of the backup neither
 * reads what is encrypted to the door nor signs as the door, and has no hash of a PIN to guess at.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { asFault, Fault } from '../base/errors.ts';
import { parseJson } from '../base/jws.ts';
import { Compile, Type } from '../base/schema.ts';
import { jsonText, writeWhole } from '../base/whole-file.ts';
import type { SealedPlace, Vault } from '../vault/port.ts';

const placeOf = (file: string): SealedPlace => ({ schema: 'backup 1', column: 'file', row: basename(file) });
const form = Compile(Type.Object({ sealed: Type.String() }));

/** What stands in a backup in place of each file; nothing where there is none. */
export function sealedInBackup(files: readonly string[], vault: Pick<Vault, 'seal'>): ReadonlyMap<string, Uint8Array> {
  const there = files.filter((file) => existsSync(file));
  return new Map(
    there.map((file) => {
      const sealed = vault.seal('door', placeOf(file), contentOf(file));
      return [basename(file), Buffer.from(jsonText({ sealed: Buffer.from(sealed).toString('base64url') }))];
    }),
  );
}

/** Opens the file as a backup has it. One of an earlier version is not sealed, and stays. */
export function openFromBackup(file: string, vault: Pick<Vault, 'open'>): void {
  if (!existsSync(file)) return;
  const held = parseJson(contentOf(file));
  if (!form.Check(held)) return;
  const content = vault.open('door', placeOf(file), Buffer.from(held.sealed, 'base64url'));
  if (!content) throw new Fault('seal-broken', `${basename(file)} in the backup does not open (${file}): use another backup`);
  writeWhole(file, content);
}

function contentOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw asFault(error, 'bad-config', `The file ${file} cannot be read`);
  }
}
