/**
 * The gallery in an SQLite file: people, their verification images and templates go in, durably and whole; the
 * likenesses of a probe come out of a copy of the templates in memory.
 */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { type FileId, fileId } from '../base/data/file-id.ts';
import { Fault, messageOf } from '../base/errors.ts';
import { pragma, transact } from '../base/sqlite.ts';
import type { Clock } from '../base/time.ts';
import type { PersonId } from '../events.ts';
import type { EmbedderInfo, Embedding } from '../face/port.ts';
import type { Strangers } from './chances.ts';
import { emptyLog, guarded, openGalleryFile } from './database.ts';
import { withName } from './lookalike.ts';
import { bearerOf, onlyOne, personName } from './name.ts';
import { pictureId, pictureToForget } from './picture-id.ts';
import type {
  DoorEvidence,
  EnrolledPerson,
  Gallery,
  GalleryFinding,
  NewPerson,
  NewPicture,
  Person,
  PersonRules,
  Reembedded,
  ReembedOptions,
} from './port.ts';
import {
  type GallerySeal,
  isOwnPerson,
  isOwnPicture,
  ownPictures,
  ownRows,
  type Refusals,
  refusedRows,
  sealPerson,
  sealPicture,
  sealRows,
  templateSeal,
} from './sealing.ts';
import { checkEmbedding, gallerySearch, type Search } from './search.ts';
import { type GalleryStatements, galleryStatements } from './statements.ts';
import { type GalleryThreshold, galleryThreshold, type ThresholdPolicy } from './threshold.ts';

export interface GalleryOptions {
  /** Path of the SQLite file. The file and its folder are made where they are missing. */
  readonly file: string;
  /** Templates of another embedder stay stored and are not compared. */
  readonly embedder: EmbedderInfo;
  readonly policy: ThresholdPolicy;
  readonly clock: Clock;
  /** How long to wait for another process that is writing before Fault `gallery-down`, milliseconds; default 5000. */
  readonly lockTimeoutMs?: number;
  /**
   * The door's seal: rows that do not carry it do not count, and what this process writes carries it. Rows from before
   * there were seals are sealed at the first opening. Absent: every row counts.
   */
  readonly seal?: GallerySeal;
  /** Somebody vouches for every row as it stands: seals all of them again at the opening. */
  readonly reseal?: boolean;
  /**
   * Strangers, as the embedder sees them, for measuring how many chances a stranger has against the gallery. Absent:
   * the number of templates says it, near-duplicates apart.
   */
  readonly strangers?: () => Strangers | undefined;
  /** What was known of this door before; later evidence comes by `consider`. */
  readonly evidence?: DoorEvidence | undefined;
}

interface OpenedGallery {
  readonly file: string;
  readonly lockTimeoutMs: number;
  db: DatabaseSync;
  sql: GalleryStatements;
  /** Which file the connection is open on. */
  id: FileId | undefined;
  readonly seal: GallerySeal['rows'] | undefined;
  readonly refusals: Refusals;
  readonly found: GalleryFinding[];
  /** Why nobody can be recognised. */
  down: string | undefined;
  readonly embedder: EmbedderInfo;
  readonly clock: Clock;
  readonly search: Search;
  readonly threshold: GalleryThreshold;
  /**
   * What the copy in memory was read from: SQLite's data version. Undefined while this process's own change is not
   * read.
   */
  seen: number | undefined;
  stale: number;
  unrecognised: readonly PersonId[];
  enrolled: readonly EnrolledPerson[];
  rules: ReadonlyMap<PersonId, PersonRules>;
  logIsEmpty: boolean;
}

/**
 * Opens the gallery. Throws Faults `bad-config`, `model-unfit` (see `thresholdsOf`), `database-newer`,
 * `gallery-damaged`, `gallery-down`, `disk-full`.
 */
export function openGallery(options: GalleryOptions): Gallery {
  const opened = open(options);
  const { file, embedder, search } = opened;
  return {
    list: () => looking(opened, (sql) => sql.all()),
    find: (idOrName) => looking(opened, (sql) => sql.byId(idOrName) ?? onlyOne(withName(sql.all(), idOrName))),
    enrol: (person, beforeStored) => enrol(opened, person, beforeStored),
    rename: (id, name, beforeStored) => rename(opened, id, name, beforeStored),
    rules: (id) => opened.rules.get(id) ?? {},
    setRules: (id, given) =>
      change(opened, ({ sql, seal }) => {
        ownPersonOf(opened, id);
        sql.setRules(id, JSON.stringify(given));
        sealPerson(sql, seal, id);
      }),
    forget: (id) => change(opened, ({ sql }) => sql.remove(id)),
    forgetPicture: (id, picture) =>
      change(opened, ({ sql }) => {
        sql.removePicture(pictureToForget(personOf(sql, id), sql.pictures(id), picture));
        return personOf(sql, id);
      }),
    pictures: (id) => looking(opened, () => picturesOf(opened, id)),
    match: (probe, atMost) => search.match(probe, atMost),
    get threshold() {
      return opened.threshold.now;
    },
    consider: (evidence) => opened.threshold.consider(evidence),
    enrolled: () => opened.enrolled,
    get templates() {
      return search.count;
    },
    get stale() {
      return opened.stale;
    },
    get unrecognised() {
      return opened.unrecognised;
    },
    get down() {
      return opened.down;
    },
    findings: () => [...opened.found.splice(0), ...opened.refusals.take()],
    refresh: () => guarded(file, () => refresh(opened)),
    reembed: (embed, how) => reembed(opened, embed, how),
    keepTemplates: (embedders) => change(opened, ({ sql }) => sql.keepTemplates([...embedders, embedder.sha256])),
    [Symbol.dispose]: () => {
      search.load([]);
      if (opened.db.isOpen) opened.db.close();
    },
  };
}

function open({
  file,
  embedder,
  policy,
  clock,
  lockTimeoutMs = 5000,
  seal,
  reseal = false,
  strangers,
  evidence,
}: GalleryOptions): OpenedGallery {
  const threshold = galleryThreshold(policy, embedder, strangers);
  threshold.consider(evidence);
  const search = gallerySearch(embedder, policy.detection);
  const connection = connect(file, lockTimeoutMs);
  try {
    const opened: OpenedGallery = {
      ...{ file, lockTimeoutMs, embedder, clock, search, threshold, ...connection },
      seal: seal?.rows,
      refusals: refusedRows(),
      found: [],
      down: undefined,
      seen: undefined,
      stale: 0,
      unrecognised: [],
      enrolled: [],
      rules: new Map(),
      logIsEmpty: false,
    };
    if (seal && (reseal || !seal.begun)) {
      guarded(file, () => transact(opened.db, () => sealRows(opened.sql, seal.rows, reseal)));
      seal.begin();
    }
    guarded(file, () => load(opened));
    return opened;
  } catch (error) {
    connection.db.close();
    throw error;
  }
}

/** Opens the file. A file that is swapped meanwhile differs from `id`, and is opened again at the next look. */
function connect(file: string, lockTimeoutMs: number): Pick<OpenedGallery, 'db' | 'sql' | 'id'> {
  const before = fileId(file);
  const db = openGalleryFile(file, lockTimeoutMs);
  try {
    return { db, sql: guarded(file, () => galleryStatements(db, file)), id: before ?? fileId(file) };
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * Makes sure that the connection is open on the file that is there now; true where another one is. Nobody is recognised
 * from a file that is gone: a person who was removed from the file in its place must not come in.
 */
function follow(opened: OpenedGallery): boolean {
  const { file, lockTimeoutMs, down } = opened;
  if (opened.db.isOpen && fileId(file) === opened.id) return false;
  opened.search.load([]);
  opened.enrolled = [];
  opened.rules = new Map();
  opened.seen = undefined;
  try {
    if (!existsSync(file))
      throw new Fault('gallery-down', `The gallery ${file} is gone: put it back, or restart the door to begin with nobody enrolled.`);
    // First: a connection that closes takes the log of its file away, which would be taken for that of the new file.
    if (opened.db.isOpen) opened.db.close();
    Object.assign(opened, connect(file, reopenTimeoutMs));
    opened.db.exec(`PRAGMA busy_timeout = ${lockTimeoutMs}`);
    return true;
  } catch (error) {
    opened.down = messageOf(error);
    if (down === undefined) opened.found.push({ kind: 'gallery.lost', detail: opened.down });
    throw error;
  }
}

/** The door waits meanwhile. */
const reopenTimeoutMs = 100;

function looking<T>({ file, db, sql, down }: OpenedGallery, look: (sql: GalleryStatements) => T): T {
  if (!db.isOpen && down !== undefined) throw new Fault('gallery-down', down);
  return guarded(file, () => look(sql));
}

function load(opened: OpenedGallery): void {
  const { db, sql, search, embedder, seal } = opened;
  const version = pragma(db, 'data_version'); // before reading: what comes in between is read again, not missed
  const { people, rules } = ownRows(sql, embedder, seal, opened.refusals);
  const stale = sql.stalePeople(embedder.sha256);
  search.load(people);
  opened.enrolled = people;
  opened.stale = stale;
  const ready = new Set(people.map(({ id }) => id));
  opened.unrecognised = [...rules.keys()].filter((id) => !ready.has(id));
  opened.rules = rules;
  opened.threshold.load(people);
  opened.seen = version;
}

/** As `load`, of a file that stands in the place of the one before. */
function loadAgain(opened: OpenedGallery): void {
  load(opened);
  opened.down = undefined;
  opened.found.push({ kind: 'gallery.replaced', people: opened.sql.all().length, templates: opened.search.count });
}

function wipeLog(opened: OpenedGallery): void {
  opened.logIsEmpty = emptyLog(opened.db, opened.file);
}

/** One durable change and its reading. Where only the reading fails, the next `refresh` reads again. */
function change<T>(opened: OpenedGallery, work: (opened: OpenedGallery) => T): T {
  return guarded(opened.file, () => {
    if (follow(opened) || opened.down !== undefined) loadAgain(opened); // a change to a file that is gone would be lost
    try {
      const result = transact(opened.db, () => work(opened));
      opened.seen = undefined;
      load(opened);
      return result;
    } finally {
      wipeLog(opened); // also after a failure: what was rolled back fills the log, and with it the disk that others write to
    }
  });
}

function refresh(opened: OpenedGallery): boolean {
  if (follow(opened) || opened.down !== undefined) {
    loadAgain(opened);
    return true;
  }
  if (!opened.logIsEmpty) wipeLog(opened);
  if (pragma(opened.db, 'data_version') === opened.seen) return opened.threshold.continue();
  load(opened);
  return true;
}

function enrol(opened: OpenedGallery, person: NewPerson, beforeStored: Parameters<Gallery['enrol']>[1]): Person {
  const { embedder, clock } = opened;
  const name = personName(person.name);
  checkPictures(person, embedder);
  return change(opened, ({ sql, seal }) => {
    const at = new Date(clock.wall()).toISOString();
    const before = bearerOf(name, withName(sql.all(), name));
    if (before) ownPersonOf(opened, before.id);
    const id = before?.id ?? sql.addPerson(randomUUID(), name, at);
    if (!before) sealPerson(sql, seal, id);
    for (const picture of person.pictures) addPicture(opened, id, picture, embedder.sha256, at);
    const after = personOf(sql, id);
    beforeStored?.(after, before?.pictures ?? 0);
    return after;
  });
}

function rename(opened: OpenedGallery, id: PersonId, text: string, beforeStored: (() => void) | undefined): Person {
  const name = personName(text);
  return change(opened, ({ sql, seal }) => {
    ownPersonOf(opened, id);
    const other = withName(sql.all(), name).find((person) => person.id !== id);
    if (other)
      throw new Fault('bad-argument', `That name is taken by ${other.id}, or looks like the name of that person: choose another name.`);
    sql.rename(id, name);
    sealPerson(sql, seal, id);
    beforeStored?.();
    return personOf(sql, id);
  });
}

function personOf(sql: GalleryStatements, id: PersonId): Person {
  const person = sql.byId(id);
  if (!person) throw new Fault('not-found', `There is no person with the id ${id}: list the people to see who is enrolled.`);
  return person;
}

/** A change would seal what somebody else wrote. Throws Faults `not-found`, `gallery-damaged`. */
function ownPersonOf({ sql, seal, file }: OpenedGallery, id: PersonId): void {
  personOf(sql, id);
  if (isOwnPerson(sql, seal, id)) return;
  throw new Fault(
    'gallery-damaged',
    `The row of ${id} in the gallery ${file} was not written by this door: remove that person and enrol them again, or vouch for all rows with "facelatch people seal".`,
  );
}

/** Without those that this door did not write. */
function picturesOf({ sql, seal, refusals: refused }: OpenedGallery, id: PersonId): ReturnType<Gallery['pictures']> {
  const own = ownPictures(sql, seal, id, refused);
  return sql.pictures(id).filter((picture) => own.has(picture.id) && (!seal || isOf(picture.picture, picture.id)));
}

const isOf = (picture: Uint8Array, sha256: string): boolean => pictureId(picture) === sha256;

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
function setTemplate({ sql, seal }: OpenedGallery, pictureId: number, embedder: string, template: Embedding): boolean {
  const vector = new Uint8Array(template.buffer, template.byteOffset, template.byteLength);
  return sql.setTemplate(pictureId, embedder, vector, templateSeal(sql, seal, pictureId, { embedder, vector }));
}

/** Reading what was made so far takes at most this part of the time. */
const oneIn = 20;

/** Makes the missing templates, each picture by itself, so that an interruption loses nothing that was done. */
async function reembed(
  opened: OpenedGallery,
  embed: (picture: Uint8Array) => Promise<Embedding>,
  { readEveryMs = Number.POSITIVE_INFINITY, atOnce = 1 }: ReembedOptions = {},
): Promise<Reembedded> {
  const { file, embedder, clock } = opened;
  let [readAtMs, tookMs] = [clock.now(), 0];
  const run = <T>(work: () => T): T => guarded(file, work);
  let pictures = 0;
  const failed: { personId: PersonId; source: string; fault: Fault }[] = [];
  const waiting = run(() => opened.sql.stalePictures(embedder.sha256)).values();
  const lane = async () => {
    for (const id of waiting) {
      const row = run(() => opened.sql.picture(id));
      if (!row) continue; // removed meanwhile
      try {
        run(() => requireOwn(opened, id, row.picture));
        const template = await embed(row.picture);
        checkEmbedding(embedder, template);
        if (run(() => setTemplate(opened, id, embedder.sha256, template))) pictures++;
        // Reading holds the door up: with many people it is done less often.
        if (clock.now() - readAtMs < Math.max(readEveryMs, oneIn * tookMs)) continue;
        const fromMs = clock.now();
        run(() => load(opened));
        readAtMs = clock.now();
        tookMs = readAtMs - fromMs;
      } catch (error) {
        if (!(error instanceof Fault) || isOfGallery(error)) throw error;
        failed.push({ personId: row.personId, source: row.source, fault: error });
      }
    }
  };
  // All of them end before this does: none works on a gallery that is closed meanwhile.
  const ended = await Promise.allSettled(Array.from({ length: atOnce }, lane));
  const broken = ended.find((one) => one.status === 'rejected');
  if (broken) throw broken.reason;
  run(() => load(opened));
  run(() => wipeLog(opened));
  return { pictures, failed };
}

/** A template of a picture that somebody else put there would be sealed by this door. */
function requireOwn({ sql, seal, refusals: refused }: OpenedGallery, pictureId: number, picture: Uint8Array): void {
  const row = seal && sql.sealedPicture(pictureId);
  if (!row || (isOwnPicture(sql, seal, pictureId) && isOf(picture, row.sha256))) return;
  refused.note('picture', row.personId, row.sha256);
  throw new Fault('bad-picture', 'This stored picture was not put there by this door, so no template is made of it.');
}

function isOfGallery(fault: Fault): boolean {
  return fault.code === 'disk-full' || fault.code === 'gallery-down' || fault.code === 'gallery-damaged';
}
