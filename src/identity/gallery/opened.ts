/**
 * The gallery as it is open: the connection to its file, and the copy in memory that probes are compared with. Options
 * go in; one record comes out that every other file of the gallery works on. A file that is swapped is followed.
 */
import { existsSync } from 'node:fs';
import { type FileId, fileId } from '../../base/data/file-id.ts';
import { Fault, messageOf } from '../../base/errors.ts';
import { transact } from '../../base/sqlite.ts';
import type { Clock } from '../../base/time.ts';
import type { EmbedderInfo } from '../../face/port.ts';
import type { Vault } from '../../vault/port.ts';
import type { Strangers } from '../chances.ts';
import type { DoorEvidence, GalleryFinding } from '../port.ts';
import { removedPeople } from '../rows/at-rest.ts';
import { emptyLog, guarded, openGalleryFile } from '../rows/database.ts';
import { type GallerySeal, refusedRows, sealRows } from '../rows/sealing.ts';
import { galleryStatements } from '../rows/statements.ts';
import { gallerySearch } from '../search.ts';
import { galleryThreshold, type ThresholdPolicy } from '../threshold.ts';
import { type CopiedGallery, emptyCopy, forgetCopy, isBehind, readAll, readChanges } from './reading.ts';

export interface GalleryOptions {
  /** Path of the SQLite file. The file and its folder are made where they are missing. */
  readonly file: string;
  /** Seals everything personal in the file. It is closed after the gallery, by whoever opened it. */
  readonly vault: Vault;
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
  /** False: of new pictures only the templates are kept. Default true. */
  readonly keepPictures?: boolean;
  /** What was known of this door before; later evidence comes by `consider`. */
  readonly evidence?: DoorEvidence | undefined;
}

export interface OpenedGallery extends CopiedGallery {
  readonly file: string;
  readonly lockTimeoutMs: number;
  /** Which file the connection is open on. */
  id: FileId | undefined;
  readonly found: GalleryFinding[];
  /** Why nobody can be recognised. */
  down: string | undefined;
  readonly clock: Clock;
  readonly keepPictures: boolean;
  logIsEmpty: boolean;
}

/** Throws the Faults of `openGallery`. */
export function openedGallery({
  file,
  vault,
  embedder,
  policy,
  clock,
  lockTimeoutMs = 5000,
  seal,
  reseal = false,
  strangers,
  evidence,
  keepPictures = true,
}: GalleryOptions): OpenedGallery {
  const threshold = galleryThreshold(policy, embedder, strangers);
  threshold.consider(evidence);
  const search = gallerySearch(embedder, policy.detection);
  const connection = connect(file, vault, lockTimeoutMs);
  try {
    const opened: OpenedGallery = {
      ...{ file, vault, lockTimeoutMs, embedder, clock, keepPictures, search, threshold, ...connection },
      seal: seal?.rows,
      refusals: refusedRows(),
      found: [],
      down: undefined,
      copy: emptyCopy(),
      logIsEmpty: false,
    };
    if (seal && (reseal || !seal.begun)) {
      guarded(file, () => transact(opened.db, () => sealRows(opened, reseal)));
      seal.begin();
    }
    removeLeftovers(opened);
    guarded(file, () => readAll(opened));
    return opened;
  } catch (error) {
    connection.db.close();
    throw error;
  }
}

/** Opens the file. A file that is swapped meanwhile differs from `id`, and is opened again at the next look. */
function connect(file: string, vault: Vault, lockTimeoutMs: number): Pick<OpenedGallery, 'db' | 'sql' | 'id'> {
  const before = fileId(file);
  const db = openGalleryFile(file, vault, lockTimeoutMs);
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
  const { file, vault, lockTimeoutMs, down } = opened;
  if (opened.db.isOpen && fileId(file) === opened.id) return false;
  forgetCopy(opened);
  try {
    if (!existsSync(file))
      throw new Fault('gallery-down', `The gallery ${file} is gone: put it back, or restart the door to begin with nobody enrolled.`);
    // First: a connection that closes takes the log of its file away, which would be taken for that of the new file.
    if (opened.db.isOpen) opened.db.close();
    Object.assign(opened, connect(file, vault, reopenTimeoutMs));
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

export function looking<T>(opened: OpenedGallery, look: (opened: OpenedGallery) => T): T {
  const { file, db, down } = opened;
  if (!db.isOpen && down !== undefined) throw new Fault('gallery-down', down);
  return guarded(file, () => look(opened));
}

/**
 * Rows of people whose keys were destroyed, as a removal leaves them that was cut, or a backup from before it. They
 * count for nothing, so a file that cannot be written now keeps them until later.
 */
function removeLeftovers(opened: OpenedGallery): void {
  const { file, db, sql, vault, refusals } = opened;
  try {
    guarded(file, () => {
      const removed = removedPeople(vault);
      const left = removed.size === 0 ? [] : sql.ids().filter((id) => removed.has(id));
      if (left.length === 0) return;
      for (const id of left) refusals.note('person', id, { why: 'removed' });
      transact(db, () => left.forEach((id) => void sql.remove(id)));
      wipeLog(opened);
    });
  } catch (error) {
    if (!(error instanceof Fault) || (error.code !== 'disk-full' && error.code !== 'gallery-down')) throw error;
  }
}

/** Everybody, of a file that stands in the place of the one before. */
function loadAgain(opened: OpenedGallery): void {
  removeLeftovers(opened);
  readAll(opened);
  opened.down = undefined;
  opened.found.push({ kind: 'gallery.replaced', people: opened.sql.ids().length, templates: opened.search.count });
}

export function wipeLog(opened: OpenedGallery): void {
  opened.logIsEmpty = emptyLog(opened.db, opened.file);
}

/** One durable change and its reading. Where only the reading fails, the next `refresh` reads again. */
export function change<T>(opened: OpenedGallery, work: (opened: OpenedGallery) => T): T {
  return guarded(opened.file, () => {
    if (follow(opened) || opened.down !== undefined) loadAgain(opened); // a change to a file that is gone would be lost
    try {
      const result = transact(opened.db, () => work(opened));
      readChanges(opened);
      return result;
    } finally {
      // Also after a failure: what was rolled back fills the log, and with it the disk that others write to. At once: a
      // backup that is moved over the file would get what is in the log.
      wipeLog(opened);
    }
  });
}

export function refreshGallery(opened: OpenedGallery): boolean {
  if (follow(opened) || opened.down !== undefined) {
    loadAgain(opened);
    return true;
  }
  if (!opened.logIsEmpty) wipeLog(opened);
  return isBehind(opened) ? readChanges(opened) : opened.threshold.continue();
}
