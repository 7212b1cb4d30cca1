/**
 * The gallery in an SQLite file: people, their verification images and templates go in, durably and whole; the
 * likenesses of a probe come out of a copy of the templates in memory.
 */
import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { Fault } from '../base/errors.ts';
import { pragma, transact } from '../base/sqlite.ts';
import type { Clock } from '../base/time.ts';
import type { PersonId } from '../events.ts';
import type { EmbedderInfo, Embedding } from '../face/port.ts';
import { emptyLog, guarded, openGalleryFile } from './database.ts';
import { withName } from './lookalike.ts';
import { bearerOf, onlyOne, personName } from './name.ts';
import { pictureId, pictureToForget } from './picture-id.ts';
import type { Gallery, NewPerson, NewPicture, Person, PersonRules, Reembedded, Threshold } from './port.ts';
import { checkEmbedding, gallerySearch, type Search } from './search.ts';
import { type GalleryStatements, galleryStatements } from './statements.ts';
import { type ThresholdPolicy, thresholdsOf } from './threshold.ts';

export interface GalleryOptions {
  /** Path of the SQLite file. The file and its folder are made where they are missing. */
  readonly file: string;
  /** Templates of another embedder stay stored and are not compared. */
  readonly embedder: EmbedderInfo;
  readonly policy: ThresholdPolicy;
  readonly clock: Clock;
  /** How long to wait for another process that is writing before Fault `gallery-down`, milliseconds; default 5000. */
  readonly lockTimeoutMs?: number;
}

interface OpenedGallery {
  readonly file: string;
  readonly db: DatabaseSync;
  readonly sql: GalleryStatements;
  readonly embedder: EmbedderInfo;
  readonly clock: Clock;
  readonly search: Search;
  readonly thresholdAt: (templates: number) => Threshold;
  /**
   * What the copy in memory was read from: SQLite's data version. Undefined while this process's own change is not
   * read.
   */
  seen: number | undefined;
  stale: number;
  threshold: Threshold;
  rules: ReadonlyMap<PersonId, PersonRules>;
  logIsEmpty: boolean;
}

/**
 * Opens the gallery. Throws Faults `bad-config`, `model-unfit` (see `thresholdsOf`), `database-newer`,
 * `gallery-damaged`, `gallery-down`, `disk-full`.
 */
export function openGallery(options: GalleryOptions): Gallery {
  const opened = open(options);
  const { file, db, sql, embedder, search } = opened;
  return {
    list: () => guarded(file, () => sql.all()),
    find: (idOrName) => guarded(file, () => sql.byId(idOrName) ?? onlyOne(withName(sql.all(), idOrName))),
    enrol: (person, beforeStored) => enrol(opened, person, beforeStored),
    rename: (id, name, beforeStored) => rename(opened, id, name, beforeStored),
    rules: (id) => opened.rules.get(id) ?? {},
    setRules: (id, given) =>
      change(opened, () => {
        personOf(sql, id);
        sql.setRules(id, JSON.stringify(given));
      }),
    forget: (id) => change(opened, () => sql.remove(id)),
    forgetPicture: (id, picture) =>
      change(opened, () => {
        sql.removePicture(pictureToForget(personOf(sql, id), sql.pictures(id), picture));
        return personOf(sql, id);
      }),
    pictures: (id) => guarded(file, () => sql.pictures(id)),
    match: (probe, atMost) => search.match(probe, atMost),
    get threshold() {
      return opened.threshold;
    },
    get templates() {
      return search.count;
    },
    get stale() {
      return opened.stale;
    },
    refresh: () => guarded(file, () => refresh(opened)),
    reembed: (embed) => reembed(opened, embed),
    keepTemplates: (embedders) => change(opened, () => sql.keepTemplates([...embedders, embedder.sha256])),
    [Symbol.dispose]: () => {
      search.load([]);
      if (db.isOpen) db.close();
    },
  };
}

function open({ file, embedder, policy, clock, lockTimeoutMs = 5000 }: GalleryOptions): OpenedGallery {
  const thresholdAt = thresholdsOf(policy, embedder);
  const search = gallerySearch(embedder, policy.detection);
  const db = openGalleryFile(file, lockTimeoutMs);
  try {
    const opened: OpenedGallery = {
      ...{ file, db, embedder, clock, search, thresholdAt },
      sql: guarded(file, () => galleryStatements(db, file)),
      seen: undefined,
      stale: 0,
      threshold: thresholdAt(0),
      rules: new Map(),
      logIsEmpty: false,
    };
    guarded(file, () => load(opened));
    return opened;
  } catch (error) {
    db.close();
    throw error;
  }
}

function load(opened: OpenedGallery): void {
  const { db, sql, search, embedder } = opened;
  const version = pragma(db, 'data_version'); // before reading: what comes in between is read again, not missed
  const people = sql.templates(embedder);
  const stale = sql.stalePeople(embedder.sha256);
  const rules = sql.rules();
  search.load(people);
  opened.stale = stale;
  opened.rules = rules;
  opened.threshold = opened.thresholdAt(search.count);
  opened.seen = version;
}

function wipeLog(opened: OpenedGallery): void {
  opened.logIsEmpty = emptyLog(opened.db, opened.file);
}

/** One durable change and its reading. Where only the reading fails, the next `refresh` reads again. */
function change<T>(opened: OpenedGallery, work: () => T): T {
  return guarded(opened.file, () => {
    try {
      const result = transact(opened.db, work);
      opened.seen = undefined;
      load(opened);
      return result;
    } finally {
      wipeLog(opened); // also after a failure: what was rolled back fills the log, and with it the disk that others write to
    }
  });
}

function refresh(opened: OpenedGallery): boolean {
  if (!opened.logIsEmpty) wipeLog(opened);
  if (pragma(opened.db, 'data_version') === opened.seen) return false;
  load(opened);
  return true;
}

function enrol(opened: OpenedGallery, person: NewPerson, beforeStored: Parameters<Gallery['enrol']>[1]): Person {
  const { sql, embedder, clock } = opened;
  const name = personName(person.name);
  checkPictures(person, embedder);
  return change(opened, () => {
    const at = new Date(clock.wall()).toISOString();
    const before = bearerOf(name, withName(sql.all(), name));
    const id = before?.id ?? sql.addPerson(randomUUID(), name, at);
    for (const picture of person.pictures) addPicture(sql, id, picture, embedder.sha256, at);
    const after = personOf(sql, id);
    beforeStored?.(after, before?.pictures ?? 0);
    return after;
  });
}

function rename(opened: OpenedGallery, id: PersonId, text: string, beforeStored: (() => void) | undefined): Person {
  const { sql } = opened;
  const name = personName(text);
  return change(opened, () => {
    personOf(sql, id);
    const other = withName(sql.all(), name).find((person) => person.id !== id);
    if (other)
      throw new Fault('bad-argument', `That name is taken by ${other.id}, or looks like the name of that person: choose another name.`);
    sql.rename(id, name);
    beforeStored?.();
    return personOf(sql, id);
  });
}

function personOf(sql: GalleryStatements, id: PersonId): Person {
  const person = sql.byId(id);
  if (!person) throw new Fault('not-found', `There is no person with the id ${id}: list the people to see who is enrolled.`);
  return person;
}

function checkPictures(person: NewPerson, embedder: EmbedderInfo): void {
  if (person.pictures.length === 0) throw new Fault('bad-argument', 'A person is enrolled with at least one picture: give one.');
  for (const { picture, template, source } of person.pictures) {
    if (picture.length === 0)
      throw new Fault('bad-argument', `The picture ${source} is empty: give another.`, undefined, 'A picture is empty: give another.');
    checkEmbedding(embedder, template);
  }
}

function addPicture(
  sql: GalleryStatements,
  personId: PersonId,
  { picture, template, source }: NewPicture,
  embedder: string,
  at: string,
): void {
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
  sql.setTemplate(known?.id ?? sql.addPicture(personId, source, at, sha256, picture), embedder, template);
}

/** Makes the missing templates, each picture by itself, so that an interruption loses nothing that was done. */
async function reembed(opened: OpenedGallery, embed: (picture: Uint8Array) => Promise<Embedding>): Promise<Reembedded> {
  const { file, sql, embedder } = opened;
  const run = <T>(work: () => T): T => guarded(file, work);
  let pictures = 0;
  const failed: { personId: PersonId; source: string; fault: Fault }[] = [];
  for (const id of run(() => sql.stalePictures(embedder.sha256))) {
    const row = run(() => sql.picture(id));
    if (!row) continue; // removed meanwhile
    try {
      const template = await embed(row.picture);
      checkEmbedding(embedder, template);
      if (run(() => sql.setTemplate(id, embedder.sha256, template))) pictures++;
    } catch (error) {
      if (!(error instanceof Fault) || isOfGallery(error)) throw error;
      failed.push({ personId: row.personId, source: row.source, fault: error });
    }
  }
  run(() => load(opened));
  run(() => wipeLog(opened));
  return { pictures, failed };
}

function isOfGallery(fault: Fault): boolean {
  return fault.code === 'disk-full' || fault.code === 'gallery-down' || fault.code === 'gallery-damaged';
}
