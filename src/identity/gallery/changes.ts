/** What changes the people of an open gallery, each change whole and sealed: new people, names, pictures, templates. */
import { randomUUID } from 'node:crypto';
import { Fault } from '../../base/errors.ts';
import type { PersonId } from '../../events.ts';
import type { EmbedderInfo, Embedding } from '../../face/port.ts';
import { withName } from '../lookalike.ts';
import { bearerOf, personName } from '../name.ts';
import { pictureId } from '../picture-id.ts';
import type { Gallery, NewPerson, NewPicture, Person } from '../port.ts';
import { isOwnPerson, ownPictures, sealPerson, sealPicture, templateSeal } from '../sealing.ts';
import { checkEmbedding } from '../search.ts';
import type { GalleryStatements } from '../statements.ts';
import { change, type OpenedGallery } from './opened.ts';

export function enrol(opened: OpenedGallery, person: NewPerson, beforeStored: Parameters<Gallery['enrol']>[1]): Person {
  const { embedder, clock } = opened;
  const name = personName(person.name);
  checkPictures(person, embedder);
  return change(opened, ({ sql, seal }) => {
    const at = new Date(clock.wall()).toISOString();
    const bearer = bearerOf(name, withName(sql.names(), name));
    if (bearer) ownPersonOf(opened, bearer.id);
    const before = bearer && personOf(sql, bearer.id);
    const id = before?.id ?? sql.addPerson(randomUUID(), name, at);
    if (!before) sealPerson(sql, seal, id);
    for (const picture of person.pictures) addPicture(opened, id, picture, embedder.sha256, at);
    const after = personOf(sql, id);
    beforeStored?.(after, before?.pictures ?? 0);
    return after;
  });
}

export function rename(opened: OpenedGallery, id: PersonId, text: string, beforeStored: (() => void) | undefined): Person {
  const name = personName(text);
  return change(opened, ({ sql, seal }) => {
    ownPersonOf(opened, id);
    const other = withName(sql.names(), name).find((person) => person.id !== id);
    if (other)
      throw new Fault('bad-argument', `That name is taken by ${other.id}, or looks like the name of that person: choose another name.`);
    sql.rename(id, name);
    sealPerson(sql, seal, id);
    beforeStored?.();
    return personOf(sql, id);
  });
}

export function personOf(sql: GalleryStatements, id: PersonId): Person {
  const person = sql.byId(id);
  if (!person) throw new Fault('not-found', `There is no person with the id ${id}: list the people to see who is enrolled.`);
  return person;
}

/** A change would seal what somebody else wrote. Throws Faults `not-found`, `gallery-damaged`. */
export function ownPersonOf({ sql, seal, file }: OpenedGallery, id: PersonId): void {
  personOf(sql, id);
  if (isOwnPerson(sql, seal, id)) return;
  throw new Fault(
    'gallery-damaged',
    `The row of ${id} in the gallery ${file} was not written by this door: remove that person and enrol them again, or vouch for all rows with "facelatch people seal".`,
  );
}

/** Without those that this door did not write. */
export function ownPicturesOf({ sql, seal, refusals: refused }: OpenedGallery, id: PersonId): ReturnType<Gallery['pictures']> {
  const own = ownPictures(sql, seal, id, refused);
  return sql.pictures(id).filter((picture) => own.has(picture.id) && (!seal || isOf(picture.picture, picture.id)));
}

export const isOf = (picture: Uint8Array, sha256: string): boolean => pictureId(picture) === sha256;

function checkPictures(person: NewPerson, embedder: EmbedderInfo): void {
  if (person.pictures.length === 0) throw new Fault('bad-argument', 'A person is enrolled with at least one picture: give one.');
  for (const { picture, template, source } of person.pictures) {
    if (picture.length === 0)
      throw new Fault('bad-argument', `The picture ${source} is empty: give another.`, undefined, 'A picture is empty: give another.');
    checkEmbedding(embedder, template);
  }
}

function addPicture(
  opened: OpenedGallery,
  personId: PersonId,
  { picture, template, source }: NewPicture,
  embedder: string,
  at: string,
): void {
  const { sql, seal } = opened;
  const sha256 = pictureId(picture);
  const known = sql.pictureBySha256(sha256);
  if (known && known.personId !== personId) {
    // With one picture under two names, both people would be ambiguous at the door for ever.
    throw new Fault(
      'bad-argument',
      `The picture ${source} is enrolled already, for ${known.personId}: give another, or remove that person.`,
      undefined,
      `This picture is enrolled already, for ${known.personId}: give another, or remove that person.`,
    );
  }
  const id = known?.id ?? sql.addPicture(personId, source, at, sha256, picture);
  if (!known) sealPicture(sql, seal, id);
  setTemplate(opened, id, embedder, template);
}

/** False where the picture is gone. */
export function setTemplate({ sql, seal }: OpenedGallery, pictureId: number, embedder: string, template: Embedding): boolean {
  const vector = new Uint8Array(template.buffer, template.byteOffset, template.byteLength);
  return sql.setTemplate(pictureId, embedder, vector, templateSeal(sql, seal, pictureId, { embedder, vector }));
}
