/**
 * The gallery in an SQLite file: people, their verification images and templates go in, durably and whole; likenesses
 * of a probe come out of a copy of the templates in memory.
 */
import { createHash, randomUUID } from 'node:crypto';
import { Fault } from '../base/errors.ts';
import { pragma, transact } from '../base/sqlite.ts';
import type { Clock } from '../base/time.ts';
import type { PersonId } from '../events.ts';
import type { EmbedderInfo, Embedding } from '../face/port.ts';
import { emptyLog, guarded, openGalleryFile } from './database.ts';
import { personName } from './name.ts';
import { pictureToForget } from './picture-id.ts';
import type { Gallery, NewPerson, NewPicture, Person, PersonRules, Reembedded } from './port.ts';
import { checkEmbedding, gallerySearch } from './search.ts';
import { type GalleryStatements, galleryStatements } from './statements.ts';
import { type ThresholdPolicy, thresholdsOf } from './threshold.ts';

export interface GalleryOptions {
  /** Path of the SQLite file; it and its folder are made where missing. */
  readonly file: string;
  /** Templates made by another embedder stay stored and are not compared. */
  readonly embedder: EmbedderInfo;
  readonly policy: ThresholdPolicy;
  readonly clock: Clock;
  /** How long to wait for another process that is writing before Fault `gallery-down`, milliseconds; 5000 by default. */
  readonly lockTimeoutMs?: number;
}

/**
 * Opens the gallery. Throws Faults `bad-config`, `model-unfit` (see `thresholdsOf`), `database-newer`, `gallery-damaged`, `gallery-down`, `disk-full`.
 */
export function openGallery({ file, embedder, policy, clock, lockTimeoutMs = 5000 }: GalleryOptions): Gallery {
  const thresholdAt = thresholdsOf(policy, embedder);
  const search = gallerySearch(embedder, policy.detection);
  const db = openGalleryFile(file, lockTimeoutMs);
  const store = galleryStatements(db);
  const now = () => new Date(clock.wall()).toISOString();
  const run = <T>(work: () => T): T => guarded(file, work);
  let seen = 0;
  let stale = 0;
  let threshold = thresholdAt(0);
  let rules: ReadonlyMap<PersonId, PersonRules> = new Map();
  let logIsEmpty = false;

  const load = () => {
    seen = pragma(db, 'data_version'); // before reading: what comes between is read again, not missed
    search.load(store.templates(embedder, file));
    stale = store.stalePeople(embedder.sha256);
    rules = store.rules();
    threshold = thresholdAt(search.count);
  };
  const wipeLog = () => {
    logIsEmpty = emptyLog(db, file);
  };
  const change = <T>(work: () => T): T =>
    run(() => {
      try {
        const result = transact(db, work);
        load();
        return result;
      } finally {
        wipeLog(); // also after a failure: what was rolled back fills the log, and with it the disk that others write to
      }
    });
  const personOf = (id: PersonId): Person => {
    const person = store.byId(id);
    if (!person) throw new Fault('not-found', `There is no person with the id ${id}: list the people to see who is enrolled.`);
    return person;
  };

  try {
    run(load);
  } catch (error) {
    db.close();
    throw error;
  }

  return {
    list: () => run(() => store.all()),
    find: (idOrName) => run(() => store.byId(idOrName) ?? store.byName(idOrName.trim().normalize('NFC'))),
    enrol: (person, beforeStored) => {
      const name = personName(person.name);
      checkPictures(person, embedder);
      return change(() => {
        const at = now();
        const before = store.byName(name);
        const id = before?.id ?? store.addPerson(randomUUID(), name, at);
        for (const picture of person.pictures) addPicture(store, id, picture, embedder.sha256, at);
        const after = personOf(id);
        beforeStored?.(after, before?.pictures ?? 0);
        return after;
      });
    },
    rename: (id, text, beforeStored) => {
      const name = personName(text);
      return change(() => {
        personOf(id);
        const other = store.byName(name);
        if (other && other.id !== id) throw new Fault('bad-argument', `That name is taken (by ${other.id}): choose another name.`);
        store.rename(id, name);
        beforeStored?.();
        return personOf(id);
      });
    },
    rules: (id) => rules.get(id) ?? {},
    setRules: (id, given) =>
      change(() => {
        personOf(id);
        store.setRules(id, JSON.stringify(given));
      }),
    forget: (id) => change(() => store.remove(id)),
    forgetPicture: (id, picture) =>
      change(() => {
        store.removePicture(pictureToForget(personOf(id), store.pictures(id), picture));
        return personOf(id);
      }),
    pictures: (id) => run(() => store.pictures(id)),
    match: (probe, atMost) => search.match(probe, atMost),
    get threshold() {
      return threshold;
    },
    get templates() {
      return search.count;
    },
    get stale() {
      return stale;
    },
    refresh: () =>
      run(() => {
        if (!logIsEmpty) wipeLog();
        if (pragma(db, 'data_version') === seen) return false;
        load();
        return true;
      }),
    reembed: async (embed) => {
      const done = await reembedEach(store, embedder, embed, run);
      run(load);
      run(wipeLog);
      return done;
    },
    keepTemplates: (embedders) => change(() => store.keepTemplates([...embedders, embedder.sha256])),
    [Symbol.dispose]: () => {
      search.load([]);
      if (db.isOpen) db.close();
    },
  };
}

function checkPictures(person: NewPerson, embedder: EmbedderInfo): void {
  if (person.pictures.length === 0) throw new Fault('bad-argument', 'A person is enrolled with at least one picture: give one.');
  for (const { picture, template, source } of person.pictures) {
    if (picture.length === 0) throw new Fault('bad-argument', `The picture ${source} is empty: give another.`);
    checkEmbedding(embedder, template);
  }
}

function addPicture(
  store: GalleryStatements,
  personId: PersonId,
  { picture, template, source }: NewPicture,
  embedder: string,
  at: string,
): void {
  const sha256 = createHash('sha256').update(picture).digest('hex');
  const known = store.pictureBySha256(sha256);
  if (known && known.personId !== personId) {
    // One picture under two names would make both of them ambiguous at the door for ever.
    throw new Fault(
      'bad-argument',
      `The picture ${source} is enrolled already, for ${known.personId}: give another, or remove that person.`,
    );
  }
  store.setTemplate(known?.id ?? store.addPicture(personId, source, at, sha256, picture), embedder, template);
}

async function reembedEach(
  store: GalleryStatements,
  embedder: EmbedderInfo,
  embed: (picture: Uint8Array) => Promise<Embedding>,
  run: <T>(work: () => T) => T,
): Promise<Reembedded> {
  let pictures = 0;
  const failed: { personId: PersonId; source: string; fault: Fault }[] = [];
  for (const id of run(() => store.stalePictures(embedder.sha256))) {
    const row = run(() => store.picture(id));
    if (!row) continue; // forgotten meanwhile
    try {
      const template = await embed(row.picture);
      checkEmbedding(embedder, template);
      // Each picture by itself: an interruption loses nothing that was done.
      if (run(() => store.setTemplate(id, embedder.sha256, template))) pictures++;
    } catch (error) {
      if (!(error instanceof Fault) || isOfGallery(error)) throw error;
      failed.push({ personId: row.personId, source: row.source, fault: error });
    }
  }
  return { pictures, failed };
}

function isOfGallery(fault: Fault): boolean {
  return fault.code === 'disk-full' || fault.code === 'gallery-down' || fault.code === 'gallery-damaged';
}
