/**
 * The kept pictures at rest. A row of the table `kept` and the vault go in; its picture comes out, and back. A picture
 * is sealed under the key of the person whom it is kept for, or of the unknown visitors of its day, and together with
 * everything that the row says of it: a row that somebody changed, moved or made does not open.
 */
import type { DatabaseSync } from 'node:sqlite';
import { Fault } from '../../base/errors.ts';
import { Compile, Type } from '../../base/schema.ts';
import { blob } from '../../base/sqlite.ts';
import type { PersonId } from '../../events.ts';
import type { KeyOwner, SealedPlace, Vault } from '../../vault/port.ts';
import { type Mark, marks } from '../port.ts';

/** What a row says of its picture. */
export interface KeptAbout {
  /** SHA-256 of the picture, hexadecimal. */
  readonly id: string;
  readonly seq: number;
  readonly personId: PersonId | null;
  readonly alike: number;
  readonly visit: number;
  readonly takenAt: string;
  readonly mark: Mark | null;
  readonly markedAt: string | null;
}

/** The columns of a kept row, as `keptRowForm` checks them. */
export const keptColumns = 'id, seq, person_id AS personId, alike, visit, taken_at AS takenAt, mark, marked_at AS markedAt, picture';
const text = Type.String();
export const markOrNull = Type.Union([Type.Enum([...marks]), Type.Null()]);
export const keptRowForm = Compile(
  Type.Object({
    id: text,
    seq: Type.Integer(),
    personId: Type.Union([text, Type.Null()]),
    alike: Type.Integer(),
    visit: Type.Integer(),
    takenAt: text,
    mark: markOrNull,
    markedAt: Type.Union([text, Type.Null()]),
    picture: blob,
  }),
);

/** Whose key seals the picture. A stranger's day is that of the mark: the key of an earlier day may be gone by then. */
export const keptOwner = ({ personId, takenAt, markedAt }: Pick<KeptAbout, 'personId' | 'takenAt' | 'markedAt'>): KeyOwner =>
  personId === null ? { visitorsOn: (markedAt ?? takenAt).slice(0, 10) } : { person: personId };

const placeOf = ({ id, seq, alike, visit, takenAt, mark, markedAt }: KeptAbout): SealedPlace => ({
  schema: 'retrain 2',
  column: 'kept.picture',
  row: JSON.stringify([id, seq, alike, visit, takenAt, mark, markedAt]),
});

/** Undefined where the person was removed. */
export function sealedPicture(vault: Vault, about: KeptAbout, picture: Uint8Array): Uint8Array | undefined {
  try {
    return vault.seal(keptOwner(about), placeOf(about), picture);
  } catch (error) {
    if (error instanceof Fault && error.code === 'key-destroyed') return undefined;
    throw error;
  }
}

/** Undefined for what is left of somebody whose key was destroyed. Throws Fault `seal-broken`. */
export const openedPicture = (vault: Vault, row: KeptAbout & { readonly picture: Uint8Array }): Uint8Array | undefined =>
  vault.open(keptOwner(row), placeOf(row), row.picture);

/** Format 1 had the pictures as they are. Within the migration's transaction. */
export function sealKept(db: DatabaseSync, vault: Vault, damaged: () => Fault): void {
  const [select, update] = [
    db.prepare(`SELECT ${keptColumns} FROM kept WHERE id = ?`),
    db.prepare('UPDATE kept SET picture = ? WHERE id = ?'),
  ];
  for (const { id } of db.prepare('SELECT id FROM kept').all()) {
    const row: unknown = select.get(id ?? null);
    if (!keptRowForm.Check(row)) throw damaged();
    const picture = sealedPicture(vault, row, row.picture);
    if (picture) update.run(picture, row.id);
    else db.prepare('DELETE FROM kept WHERE id = ?').run(row.id);
  }
}
