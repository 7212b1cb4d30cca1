/**
 * What stands in a backup: its list of files goes in with a key, text with a proof comes out, and back. The proof tells
 * that somebody with the key of the vault made it: anybody can encrypt to a recipient.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { Fault } from '../../base/errors.ts';
import { parseJson } from '../../base/jws.ts';
import { Compile, type Static, Type } from '../../base/schema.ts';
import { jsonText } from '../../base/whole-file.ts';

/** Of this program; backups of older formats are read too. */
export const backupFormat = 1;

/** The last two entries of the archive. */
export const manifestName = 'manifest.json';
export const proofName = 'manifest.proof';
/** What is below them: the state folder, and the configuration in use. */
export const stateArea = 'state/';
export const configurationArea = 'configuration/';

const sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' });
const manifestForm = Type.Object({
  format: Type.Integer(),
  facelatch: Type.String(),
  door: Type.String(),
  takenAt: Type.String({ format: 'date-time' }),
  by: Type.String(),
  files: Type.Array(Type.Object({ path: Type.String(), bytes: Type.Integer({ minimum: 0 }), sha256 })),
});
export type Manifest = Static<typeof manifestForm>;
const manifests = Compile(manifestForm);
const formats = Compile(Type.Object({ format: Type.Integer(), facelatch: Type.String() }));

const proofOfText = (text: Uint8Array, key: Uint8Array): Buffer => createHmac('sha256', key).update(text).digest();

export function manifestText(manifest: Manifest, key: Uint8Array): { readonly text: Buffer; readonly proof: Buffer } {
  const text = Buffer.from(jsonText(manifest));
  return { text, proof: Buffer.from(proofOfText(text, key).toString('base64url')) };
}

/** Throws Fault `database-newer` or `backup-damaged`. Whoever made it is not known yet: see `isProven`. */
export function manifestOf(text: Uint8Array): Manifest {
  const found = parseJson(text);
  if (formats.Check(found) && found.format > backupFormat)
    throw new Fault(
      'database-newer',
      `The backup was written by a newer facelatch (${found.facelatch}, format ${found.format}; this one knows ${backupFormat}): update facelatch`,
    );
  if (!manifests.Check(found)) throw new Fault('backup-damaged', 'The manifest of the backup is damaged: take another backup');
  return found;
}

export function isProven(text: Uint8Array, proof: Uint8Array, key: Uint8Array): boolean {
  const expected = Buffer.from(proofOfText(text, key).toString('base64url'));
  return proof.length === expected.length && timingSafeEqual(proof, expected);
}
