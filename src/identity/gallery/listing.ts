/** Who is in an open gallery, by id or by name: names are found by their keyed index, and opened only then. */
import { Fault } from '../../base/errors.ts';
import type { PersonId } from '../../events.ts';
import { looksLike } from '../lookalike.ts';
import { isOf } from '../picture-id.ts';
import type { Gallery, Person } from '../port.ts';
import { isUnopened, lookMark, nameMark, openPerson, openPicture, shownPerson } from '../rows/at-rest.ts';
import { ownPicture, pictureBytes, type RowParts } from '../rows/sealing.ts';
import { type CopiedGallery, isBehind } from './reading.ts';

/** By name: from memory, or from the file while something in it is still to be read. */
export function listPeople(gallery: CopiedGallery): readonly Person[] {
  const { copy, sql, vault } = gallery;
  if (isBehind(gallery)) return byName([...sql.people()].flatMap((stored) => shownPerson(stored, openPerson(vault, stored)) ?? []));
  copy.listed ??= byName([...copy.known.values()].flatMap(({ shown }) => shown ?? []));
  return copy.listed;
}

const byName = (people: Person[]): readonly Person[] => people.sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));

export function personWith({ sql, vault }: RowParts, id: PersonId): Person | undefined {
  const stored = sql.person(id);
  return stored && shownPerson(stored, openPerson(vault, stored));
}

/** Throws Fault `not-found`. */
export function personOf(parts: RowParts, id: PersonId): Person {
  const person = personWith(parts, id);
  if (!person) throw new Fault('not-found', `There is no person with the id ${id}: list the people to see who is enrolled.`);
  return person;
}

/**
 * As `withName` finds them in a list. What an index says is compared with the name itself: somebody may have swapped
 * them.
 */
export function peopleNamed(parts: RowParts, text: string): readonly Person[] {
  const { sql, vault } = parts;
  const name = text.trim().normalize('NFC');
  const id = sql.idWithMark(nameMark(vault, name));
  const exact = id === undefined ? undefined : personWith(parts, id);
  if (exact?.name === name) return [exact];
  const alike = sql.idsWithLook(lookMark(vault, name)).flatMap((other) => personWith(parts, other) ?? []);
  return alike.filter((person) => looksLike(person.name, name));
}

/** The stored pictures by id, without their bytes; those that cannot be opened are left out. */
export const picturesById = ({ sql, vault }: RowParts, id: PersonId): { readonly id: string; readonly pictureId: number }[] =>
  sql.picturesOf(id).flatMap((stored) => {
    const row = openPicture(vault, stored);
    return isUnopened(row) ? [] : [{ id: row.sha256, pictureId: stored.pictureId }];
  });

export const aboutPicturesOf = (parts: RowParts, id: PersonId): ReturnType<Gallery['picturesAbout']> =>
  parts.sql.picturesOf(id).flatMap((stored) => {
    const row = ownPicture(parts, stored);
    return row ? [{ id: row.sha256, source: row.source, addedAt: row.addedAt }] : [];
  });

export function ownPictureOf(parts: RowParts, id: PersonId, sha256: string): Uint8Array | undefined {
  const stored = parts.sql.picturesOf(id).find((one) => ownPicture(parts, one)?.sha256 === sha256);
  const image = stored && parts.sql.image(stored.pictureId);
  const picture = image && pictureBytes(parts, image);
  if (!picture || picture.length === 0) return undefined;
  return parts.seal && !isOf(picture, sha256) ? undefined : picture;
}

/** With their bytes where they are kept, without those that this door did not write. */
export function ownPicturesOf(parts: RowParts, id: PersonId): ReturnType<Gallery['pictures']> {
  return parts.sql.picturesOf(id).flatMap((stored) => {
    const row = ownPicture(parts, stored);
    const image = row && parts.sql.image(stored.pictureId);
    const picture = image && pictureBytes(parts, image);
    if (!row || !picture) return [];
    const about = { id: row.sha256, source: row.source, addedAt: row.addedAt };
    if (picture.length === 0) return [about];
    return parts.seal && !isOf(picture, row.sha256) ? [] : [{ ...about, picture }];
  });
}
