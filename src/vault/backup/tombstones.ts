/** Who was removed from a door for good: the file of a keyring in, the names of the owners out. Needs no key. */
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { Fault, messageOf } from '../../base/errors.ts';
import { Compile, type Static, Type } from '../../base/schema.ts';

const form = Type.Object({ owner: Type.String(), at: Type.String() });
const check = Compile(form);
export type Tombstone = Static<typeof form>;

/**
 * Undefined where there is no keyring: no file, or one without its first epoch, which is what a start leaves that was
 * refused. Throws Fault `vault-damaged`.
 */
export function tombstonesIn(keyring: string): readonly Tombstone[] | undefined {
  if (!existsSync(keyring)) return undefined;
  try {
    const db = new DatabaseSync(keyring, { timeout: 5000 });
    try {
      if (db.prepare('SELECT n FROM epoch').get() === undefined) return undefined;
      return db
        .prepare('SELECT owner, at FROM destroyed ORDER BY at, owner')
        .all()
        .map(({ owner, at }) => check.Parse({ owner, at }));
    } finally {
      db.close();
    }
  } catch (error) {
    throw new Fault('vault-damaged', `The keyring ${keyring} cannot be read (${messageOf(error)}): who was removed is not known`, error);
  }
}
