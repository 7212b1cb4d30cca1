/**
 * The copy in memory of a gallery, and how it follows the file: one person is read at a time, and only those whom the
 * file's log of changes names. Rows go in; whom probes are compared with, and under which rules, comes out.
 *
 * What somebody writes around the log (a tool that drops its triggers) must not count for ever. So after a change by
 * another process everybody is read again as well, a few at each look.
 */
import type { DatabaseSync } from 'node:sqlite';
import { pragma } from '../../base/sqlite.ts';
import type { PersonId } from '../../events.ts';
import type { EmbedderInfo, Embedding } from '../../face/port.ts';
import type { EnrolledPerson, Person, PersonRules } from '../port.ts';
import { removedPeople } from '../rows/at-rest.ts';
import { ownPerson, type RowParts } from '../rows/sealing.ts';
import type { GalleryStatements } from '../rows/statements.ts';
import type { Search } from '../search.ts';
import type { GalleryThreshold } from '../threshold.ts';

export interface GalleryCopy {
  readonly known: Map<PersonId, KnownPerson>;
  /** In the order of their ids. */
  enrolled: readonly EnrolledPerson[];
  /** By name; undefined until somebody asks. */
  listed: readonly Person[] | undefined;
  stale: number;
  unrecognised: readonly PersonId[];
  /** SQLite's data version when the log was last read: another one where another process has changed something. */
  version: number | undefined;
  /** The last entry of the log that was read. */
  revision: number;
  /** Of the vault: another one where keys were destroyed. */
  epoch: number;
  /** Those who are still to be read, in this order. */
  toRead: Set<PersonId>;
}

/** An open gallery, as far as its copy in memory goes. */
export interface CopiedGallery extends RowParts {
  db: DatabaseSync;
  sql: GalleryStatements;
  readonly embedder: EmbedderInfo;
  readonly search: Search;
  readonly threshold: GalleryThreshold;
  readonly copy: GalleryCopy;
}

interface KnownPerson {
  /** With a template of the embedder in use. */
  readonly enrolled: EnrolledPerson | undefined;
  /** Undefined where the person's row was not written by this door. */
  readonly rules: PersonRules | undefined;
  /** Whether a picture lacks a template of the embedder in use. */
  readonly stale: boolean;
  /** As lists show the person, whoever wrote the row. */
  readonly shown: Person | undefined;
}

/** Templates that one look reads at most, or the last person's: one or two milliseconds. */
const perLook = 30;
/** Of somebody who is not known yet. */
const usualTemplates = 5;

export const emptyCopy = (): GalleryCopy => ({
  ...{
    known: new Map(),
    enrolled: [],
    listed: undefined,
    stale: 0,
    unrecognised: [],
    version: undefined,
    revision: 0,
    epoch: 0,
    toRead: new Set(),
  },
});

/** Nobody is known any more. */
export function forgetCopy({ copy, search }: CopiedGallery): void {
  copy.known.clear();
  Object.assign(copy, { ...emptyCopy(), known: copy.known });
  search.load([]);
}

/** Everybody, as at the opening. */
export function readAll(opened: CopiedGallery): void {
  const { copy, sql, db, vault, search } = opened;
  const version = pragma(db, 'data_version'); // before reading: what comes in between is read again, not missed
  const { epoch } = vault;
  const revision = sql.revision();
  const now = new Map(sql.ids().flatMap((id) => entryOf(id, read(opened, id))));
  copy.known.clear();
  for (const [id, person] of now) copy.known.set(id, person);
  Object.assign(copy, { version, revision, epoch, toRead: new Set() });
  retell(opened);
  search.load(copy.enrolled);
  opened.threshold.load(copy.enrolled);
}

const entryOf = (id: PersonId, person: KnownPerson | undefined): [PersonId, KnownPerson][] => (person ? [[id, person]] : []);

/** Whether another process has changed something, somebody's key was destroyed, or somebody is still to be read. */
export const isBehind = ({ copy, db, vault }: CopiedGallery): boolean =>
  copy.toRead.size > 0 || pragma(db, 'data_version') !== copy.version || vault.epoch !== copy.epoch;

/** Reads what changed, a part of it where it is much; true where somebody is another than before. */
export function readChanges(opened: CopiedGallery): boolean {
  const { copy, sql, db, vault } = opened;
  const version = pragma(db, 'data_version');
  const { epoch } = vault;
  const revision = sql.revision();
  // The newest first: who was removed just now must not wait for the thousand who were added before.
  // Each once: who was removed with their key, and whose rows are gone too, is named by both.
  const changed = [...new Set([...(epoch === copy.epoch ? [] : removedFrom(opened)), ...sql.changedAfter(copy.revision)])];
  const byAnother = version !== copy.version || revision < copy.revision || epoch !== copy.epoch;
  copy.toRead = new Set([...changed, ...copy.toRead, ...(byAnother ? [...sql.ids(), ...copy.known.keys()] : [])]);
  Object.assign(copy, { version, revision, epoch });
  const next = firstOf(opened, changed.length > 0 ? changed : copy.toRead); // one thing at a look
  const found = takeIn(opened, next);
  for (const id of next) copy.toRead.delete(id);
  return found;
}

/** Those who are known and whose keys were destroyed: their rows may still be there. */
const removedFrom = ({ copy, vault }: CopiedGallery): PersonId[] => [...removedPeople(vault)].filter((id) => copy.known.has(id));

/** As many as one look reads, at least one. */
function firstOf({ copy }: CopiedGallery, ids: Iterable<PersonId>): PersonId[] {
  const first: PersonId[] = [];
  let left = perLook;
  for (const id of ids) {
    if (left <= 0) break;
    first.push(id);
    left -= 1 + (copy.known.get(id)?.enrolled?.templates.length ?? usualTemplates);
  }
  return first;
}

/** Reads these people; true where one of them is another than before. */
function takeIn(opened: CopiedGallery, ids: readonly PersonId[]): boolean {
  const { copy, search, threshold } = opened;
  const now = ids.map((id) => ({ id, before: copy.known.get(id), person: read(opened, id) })); // all or none: a row may be damaged
  const changed = now.filter(({ before, person }) => !isSame(before, person));
  if (changed.length === 0) return false;
  for (const { id, person } of changed) {
    if (person) copy.known.set(id, person);
    else copy.known.delete(id);
  }
  const compared = changed.filter(({ before, person }) => before?.enrolled !== person?.enrolled);
  search.change(compared.map(({ id, person }) => person?.enrolled ?? { id, templates: [] }));
  retell(opened, compared.length > 0);
  if (compared.length > 0) threshold.load(copy.enrolled);
  return true;
}

/** Undefined where there is no such person. What is as before is the same object as before. */
function read(opened: CopiedGallery, id: PersonId): KnownPerson | undefined {
  const { copy, sql, embedder } = opened;
  const own = ownPerson(opened, id);
  if (!own) return undefined;
  const before = copy.known.get(id)?.enrolled;
  const enrolled = before && sameTemplates(before.templates, own.templates) ? before : { id, templates: own.templates };
  return {
    enrolled: own.templates.length > 0 ? enrolled : undefined,
    rules: own.rules,
    stale: sql.isStale(id, embedder.sha256),
    shown: own.shown,
  };
}

function isSame(a: KnownPerson | undefined, b: KnownPerson | undefined): boolean {
  if (!a || !b) return a === b;
  return a.enrolled === b.enrolled && a.stale === b.stale && isSameText(a.rules, b.rules) && isSameText(a.shown, b.shown);
}

const isSameText = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

const sameTemplates = (a: readonly Embedding[], b: readonly Embedding[]): boolean =>
  a.length === b.length && a.every((one, i) => bytesOf(one).equals(bytesOf(b[i] ?? one)));

const bytesOf = ({ buffer, byteOffset, byteLength }: Embedding): Buffer => Buffer.from(buffer, byteOffset, byteLength);

/** What the copy says about all of them together. */
function retell({ copy }: CopiedGallery, anotherEnrolled = true): void {
  const people = [...copy.known];
  copy.listed = undefined;
  if (anotherEnrolled) copy.enrolled = people.flatMap(([, { enrolled }]) => enrolled ?? []).sort((a, b) => (a.id < b.id ? -1 : 1));
  copy.stale = people.filter(([, { stale }]) => stale).length;
  copy.unrecognised = people.flatMap(([id, { rules, enrolled }]) => (rules && !enrolled ? [id] : []));
}
