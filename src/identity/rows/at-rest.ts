/**
 * Rows of the gallery as they lie in its file: what is personal in them is sealed under the person's key, and what must
 * be found again has a keyed index. Plain rows go in and sealed columns come out, and back. A row that cannot be opened
 * is a value, so that the others count.
 */

import { Fault } from '../../base/errors.ts';
import { Compile, Type } from '../../base/schema.ts';
import type { PersonId } from '../../events.ts';
import { peopleOf, type SealedPlace, type Vault } from '../../vault/port.ts';
import { skeleton } from '../lookalike.ts';
import type { Person } from '../port.ts';

export interface PersonRow {
  readonly id: PersonId;
  readonly name: string;
  readonly enrolledAt: string;
  /** JSON. */
  readonly rules: string;
}
export interface PictureRow {
  readonly personId: PersonId;
  /** Of the picture's bytes, hexadecimal. */
  readonly sha256: string;
  readonly source: string;
  readonly addedAt: string;
}
export interface TemplateRow extends Pick<PictureRow, 'personId' | 'sha256'> {
  /** SHA-256 of the network that made it. */
  readonly embedder: string;
  /** float32, little-endian like every machine we run on. */
  readonly vector: Uint8Array;
}

export interface StoredPerson {
  readonly id: PersonId;
  readonly details: Uint8Array;
}
export interface StoredPicture {
  readonly personId: PersonId;
  readonly mark: Uint8Array;
  readonly details: Uint8Array;
}
export interface StoredTemplate {
  readonly personId: PersonId;
  readonly mark: Uint8Array;
  readonly embedder: string;
  readonly vector: Uint8Array;
}

/**
 * Why a row cannot be opened: its person's key is not in the vault, the person was removed, or it is not what was
 * sealed there.
 */
export type Unopened = 'no-key' | 'removed' | 'damaged';
export const isUnopened = (row: unknown): row is Unopened => typeof row === 'string';

const schema = 'people 6';
const sha256Bytes = 32;
const personForm = Compile(Type.Object({ name: Type.String(), enrolledAt: Type.String(), rules: Type.String() }));
const pictureForm = Compile(Type.Object({ sha256: Type.String(), source: Type.String(), addedAt: Type.String() }));

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** The index of a name. */
export const nameMark = (vault: Vault, name: string): Uint8Array => markOf(vault, 'person name', name);
/** The index of every name that looks like this one. */
export const lookMark = (vault: Vault, name: string): Uint8Array => markOf(vault, 'look of a person name', skeleton(name));
export const nameMarks = (vault: Vault, name: string) => ({ mark: nameMark(vault, name), look: lookMark(vault, name) });
/** The index of a picture. */
export const pictureMark = (vault: Vault, sha256: string): Uint8Array => markOf(vault, 'picture', sha256);

function markOf(vault: Vault, purpose: string, text: string): Uint8Array {
  const mark = vault.pseudonym('door', purpose, text);
  if (mark) return mark;
  throw new Fault('vault-damaged', 'The vault has no key of the door: restore a backup (facelatch restore)');
}

/** The details of a person, sealed. */
export function personAtRest(vault: Vault, { id, name, enrolledAt, rules }: PersonRow): Uint8Array {
  return sealText(vault, id, { schema, column: 'people.details', row: id }, { name, enrolledAt, rules });
}

export function openPerson(vault: Vault, { id, details }: StoredPerson): PersonRow | Unopened {
  const text = openBytes(vault, id, { schema, column: 'people.details', row: id }, details);
  if (isUnopened(text)) return text;
  const row = parsed(text);
  return personForm.Check(row) ? { id, ...row } : 'damaged';
}

/** In place of a name that cannot be opened. The person stands in lists, so that somebody can remove them. */
export const unreadableName = '(cannot be read)';

/** As lists show the row; undefined for somebody who was removed and of whom rows are left. */
export function shownPerson(
  { id, pictures }: { readonly id: PersonId; readonly pictures: number },
  row: PersonRow | Unopened,
): Person | undefined {
  if (row === 'removed') return undefined;
  return isUnopened(row)
    ? { id, name: unreadableName, enrolledAt: '', pictures }
    : { id, name: row.name, enrolledAt: row.enrolledAt, pictures };
}

const picturePlace = (mark: Uint8Array, column: 'details' | 'picture'): SealedPlace => ({
  schema,
  column: `pictures.${column}`,
  row: hex(mark),
});

export function pictureAtRest(
  vault: Vault,
  mark: Uint8Array,
  { personId, sha256, source, addedAt }: PictureRow,
  picture: Uint8Array,
): StoredPicture & { readonly picture: Uint8Array } {
  return {
    ...{ personId, mark },
    details: sealText(vault, personId, picturePlace(mark, 'details'), { sha256, source, addedAt }),
    picture: imageAtRest(vault, { personId, mark }, picture),
  };
}

/** The bytes of a picture alone, sealed. */
export const imageAtRest = (vault: Vault, { personId, mark }: Pick<StoredPicture, 'personId' | 'mark'>, picture: Uint8Array): Uint8Array =>
  vault.seal({ person: personId }, picturePlace(mark, 'picture'), picture);

export function openPicture(vault: Vault, { personId, mark, details }: StoredPicture): PictureRow | Unopened {
  const text = openBytes(vault, personId, picturePlace(mark, 'details'), details);
  if (isUnopened(text)) return text;
  const row = parsed(text);
  return pictureForm.Check(row) ? { personId, ...row } : 'damaged';
}

/** The bytes of the picture itself. */
export const openImage = (vault: Vault, { personId, mark }: StoredPicture, picture: Uint8Array): Uint8Array | Unopened =>
  openBytes(vault, personId, picturePlace(mark, 'picture'), picture);

const templatePlace = (mark: Uint8Array, embedder: string): SealedPlace => ({
  ...{ schema, column: 'templates.vector', row: hex(mark), embedder },
});

/** Sealed together with the id of its picture, so that reading templates does not take the pictures' rows. */
export function templateAtRest(vault: Vault, { personId, sha256, embedder, vector }: TemplateRow, mark: Uint8Array): Uint8Array {
  const value = Buffer.concat([Buffer.from(sha256, 'hex'), vector]);
  return vault.seal({ person: personId }, templatePlace(mark, embedder), value);
}

export function openTemplate(vault: Vault, { personId, mark, embedder, vector }: StoredTemplate): TemplateRow | Unopened {
  const value = openBytes(vault, personId, templatePlace(mark, embedder), vector);
  if (isUnopened(value)) return value;
  return { personId, embedder, sha256: hex(value.subarray(0, sha256Bytes)), vector: value.subarray(sha256Bytes) };
}

function sealText(vault: Vault, person: PersonId, place: SealedPlace, row: object): Uint8Array {
  return vault.seal({ person }, place, Buffer.from(JSON.stringify(row)));
}

function openBytes(vault: Vault, person: PersonId, place: SealedPlace, sealed: Uint8Array): Uint8Array | Unopened {
  try {
    return vault.open({ person }, place, sealed) ?? (isRemoved(vault, person) ? 'removed' : 'no-key');
  } catch (error) {
    if (error instanceof Fault && error.code === 'seal-broken') return 'damaged';
    throw error;
  }
}

/** Whether the person's key was destroyed: what is left of them counts for nothing. */
export const isRemoved = (vault: Vault, person: PersonId): boolean => removedPeople(vault).has(person);

export const removedPeople = (vault: Vault): ReadonlySet<PersonId> => new Set(peopleOf(vault.destroyed().map(({ owner }) => owner)));

function parsed(text: Uint8Array): object {
  const row: unknown = JSON.parse(Buffer.from(text).toString());
  return Object(row);
}
