/** What changes the people of an open gallery, each change whole and sealed: new people, names, pictures, templates. */
import { randomUUID } from 'node:crypto';
import { Fault } from '../../base/errors.ts';
import type { PersonId } from '../../events.ts';
import type { EmbedderInfo } from '../../face/port.ts';
import { bearerOf, personName } from '../name.ts';
import { pictureId, pictureToForget } from '../picture-id.ts';
import type { Gallery, NewPerson, NewPicture, Person, PersonRules } from '../port.ts';
import { isRemoved, nameMark, type PersonRow, pictureMark } from '../rows/at-rest.ts';
import { dropImage, notKept, ownPersonRow, storePerson, storePicture, storeTemplate } from '../rows/sealing.ts';
import { checkEmbedding } from '../search.ts';
import { peopleNamed, personOf, picturesById } from './listing.ts';
import { change, type OpenedGallery } from './opened.ts';

export function enrol(opened: OpenedGallery, person: NewPerson, beforeStored: Parameters<Gallery['enrol']>[1]): Person {
  const { embedder, clock } = opened;
  const name = personName(person.name);
  checkPictures(person, embedder);
  return change(opened, () => {
    const at = new Date(clock.wall()).toISOString();
    const before = bearerOf(name, peopleNamed(opened, name));
    if (person.id !== undefined && before?.id !== person.id) requireNew(opened, person.id, before);
    const id = before?.id ?? addPerson(opened, person, name, at);
    if (before) ownPersonOf(opened, id);
    for (const picture of person.pictures) addPicture(opened, id, picture, embedder.sha256, at);
    const after = personOf(opened, id);
    beforeStored?.(after, before?.pictures ?? 0);
    return after;
  });
}

/** An id from elsewhere. Throws Fault `bad-argument` where it, or the name that goes with it, is somebody's here. */
function requireNew({ sql }: OpenedGallery, id: PersonId, bearer: Person | undefined): void {
  if (bearer) throw new Fault('bad-argument', `The name is that of ${bearer.id} here, or looks like it: rename one of the two.`);
  if (sql.person(id)) throw new Fault('bad-argument', `${id} is enrolled here under another name.`);
}

function addPerson(opened: OpenedGallery, { id = randomUUID(), rules = {} }: NewPerson, name: string, at: string): PersonId {
  freeName(opened, id, name);
  storePerson(opened, 'new', { id, name, enrolledAt: at, rules: JSON.stringify(rules) });
  return id;
}

/**
 * A row that cannot be opened may have the index of this name. Of somebody who was removed, it goes. Throws Fault
 * `gallery-damaged` for another.
 */
function freeName({ sql, vault, file }: OpenedGallery, id: PersonId, name: string): void {
  const taken = sql.idWithMark(nameMark(vault, name));
  if (taken === undefined || taken === id) return;
  if (!isRemoved(vault, taken)) throw notOurs(taken, file);
  sql.remove(taken);
}

export function rename(opened: OpenedGallery, id: PersonId, text: string, beforeStored: (() => void) | undefined): Person {
  const name = personName(text);
  return change(opened, () => {
    const row = ownPersonOf(opened, id);
    const other = peopleNamed(opened, name).find((person) => person.id !== id);
    if (other)
      throw new Fault('bad-argument', `That name is taken by ${other.id}, or looks like the name of that person: choose another name.`);
    freeName(opened, id, name);
    storePerson(opened, 'renamed', { ...row, name });
    beforeStored?.();
    return personOf(opened, id);
  });
}

export function setRules(opened: OpenedGallery, id: PersonId, rules: PersonRules): void {
  change(opened, () => storePerson(opened, 'same-name', { ...ownPersonOf(opened, id), rules: JSON.stringify(rules) }));
}

export function forgetPicture(opened: OpenedGallery, id: PersonId, picture: string): Person {
  return change(opened, ({ sql }) => {
    const stored = picturesById(opened, id);
    const sha256 = pictureToForget(personOf(opened, id), stored, picture);
    for (const one of stored) if (one.id === sha256) sql.removePicture(one.pictureId);
    return personOf(opened, id);
  });
}

export function dropPictures(opened: OpenedGallery): number {
  return change(opened, ({ sql, embedder }) => {
    // Without the picture nobody can make the template.
    const needed = new Set(sql.stalePictures(embedder.sha256));
    let dropped = 0;
    for (const { pictureId } of [...sql.pictures()]) {
      const stored = needed.has(pictureId) ? undefined : sql.image(pictureId);
      if (stored && dropImage(opened, stored)) dropped++;
    }
    return dropped;
  });
}

/** A change would seal what somebody else wrote. Throws Faults `not-found`, `gallery-damaged`. */
function ownPersonOf(opened: OpenedGallery, id: PersonId): PersonRow {
  const row = ownPersonRow(opened, id);
  if (row) return row;
  personOf(opened, id);
  throw notOurs(id, opened.file);
}

const notOurs = (id: PersonId, file: string): Fault =>
  new Fault(
    'gallery-damaged',
    `The row of ${id} in the gallery ${file} was not written by this door: remove that person and enrol them again, or vouch for all rows with "facelatch people seal".`,
  );

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
  addedAt: string,
): void {
  const sha256 = pictureId(picture);
  const mark = pictureMark(opened.vault, sha256);
  const known = knownPicture(opened, mark);
  if (known && known.personId !== personId) {
    // With one picture under two names, both people would be ambiguous at the door for ever.
    throw new Fault(
      'bad-argument',
      `The picture ${source} is enrolled already, for ${known.personId}: give another, or remove that person.`,
      undefined,
      `This picture is enrolled already, for ${known.personId}: give another, or remove that person.`,
    );
  }
  const id = known?.id ?? storePicture(opened, mark, { personId, sha256, source, addedAt }, opened.keepPictures ? picture : notKept);
  const vector = new Uint8Array(template.buffer, template.byteOffset, template.byteLength);
  storeTemplate(opened, id, mark, { personId, sha256, embedder, vector });
}

/** What is left of somebody who was removed goes. */
function knownPicture({ sql, vault }: OpenedGallery, mark: Uint8Array): ReturnType<typeof sql.pictureWithMark> {
  const known = sql.pictureWithMark(mark);
  if (!known || !isRemoved(vault, known.personId)) return known;
  sql.remove(known.personId);
  return undefined;
}
