/**
 * What lies in the gallery's file, whatever the gallery makes of it: the file goes in; ids of people, and the values of
 * one person's rows, come out. For a removal, which has to leave none of them.
 */
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { PersonId } from '../../events.ts';
import { guarded } from '../rows/database.ts';

/** Everybody of whom there is a row. Throws Faults `gallery-down`, `gallery-damaged`. */
export const storedPeople = (file: string): ReadonlySet<PersonId> =>
  new Set(lookInto(file, ['SELECT id FROM people']).map(({ id }) => String(id)));

/** Every sealed value of the person. Throws Faults `gallery-down`, `gallery-damaged`. */
export const storedValues = (file: string, personId: PersonId): readonly Uint8Array[] =>
  lookInto(
    file,
    [
      // Not `look`: another person's name may look alike.
      'SELECT mark, details, seal FROM people WHERE id = ?',
      'SELECT * FROM pictures WHERE person_id = ?',
      'SELECT templates.* FROM templates JOIN pictures ON pictures.id = picture_id WHERE person_id = ?',
    ],
    personId,
  ).flatMap((row) => Object.values(row).filter((value) => value instanceof Uint8Array));

function lookInto(file: string, queries: readonly string[], ...values: readonly string[]): Record<string, unknown>[] {
  if (!existsSync(file)) return [];
  return guarded(file, () => {
    using db = new DatabaseSync(file, { readOnly: true, timeout: 1000 });
    return queries.flatMap((query) => db.prepare(query).all(...values));
  });
}
