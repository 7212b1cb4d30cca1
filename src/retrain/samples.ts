/**
 * What this door keeps to learn from: pictures of its journal, for a time where the owner allows it, and what people
 * said of them, go in; they come out for whoever asks, and as data to learn from (data/dataset.ts). Nothing becomes
 * training data by itself.
 */
import { createHash } from 'node:crypto';
import { Compile, Type } from '../base/schema.ts';
import { emptyLogUnlessHeld } from '../base/sqlite.ts';
import type { Clock } from '../base/time.ts';
import type { PersonId } from '../events.ts';
import type { Gallery } from '../identity/port.ts';
import { type Dataset, datasetOf } from './data/dataset.ts';
import { type KeptAbout, keptColumns, keptOwner, keptRowForm, markOrNull, openedPicture, sealedPicture } from './held/kept-rows.ts';
import type { Mark } from './port.ts';
import type { RetrainStore } from './store.ts';

export interface SamplesOptions {
  readonly store: RetrainStore;
  readonly gallery: Pick<Gallery, 'list' | 'pictures'>;
  readonly clock: Pick<Clock, 'wall'>;
  /** How long pictures of grants and of people turned away are kept, days; 0: none are. */
  readonly keepGrantsDays: number;
  readonly keepUnknownsDays: number;
  readonly maxPictures: number;
  /** Of the groups (a person's day, a stranger's visit), 0…1. */
  readonly frozenShare: number;
}

/** What is kept of one journal entry. */
export interface KeptEntry {
  readonly seq: number;
  readonly pictures: number;
  /** SHA-256 of each, hexadecimal. */
  readonly ids: readonly string[];
  readonly takenAt: string;
  readonly personId?: PersonId;
  readonly mark?: Mark;
}

/** A kept picture of somebody whom nobody has named. */
export interface UnknownPicture {
  /** SHA-256, hexadecimal. */
  readonly id: string;
  readonly seq: number;
  /** The first entry of the same visit. */
  readonly visit: number;
  readonly takenAt: string;
  /** `stranger`, or `not-them` of somebody who was let in. */
  readonly mark?: Mark;
}

export interface KeepRequest {
  readonly seq: number;
  readonly takenAt: string;
  readonly personId?: PersonId;
  readonly alike?: boolean;
  /** The first entry of the same visit; by default this one. */
  readonly visit?: number;
  readonly pictures: readonly Uint8Array[];
}

export interface Samples {
  /**
   * Keeps pictures of a grant (`personId`) or of somebody turned away; until when (ISO 8601, UTC), undefined where
   * the owner does not allow it. Somebody turned away who is `alike` to an enrolled person may be that person: they
   * count as a stranger only once a person has said so.
   */
  keep(entry: KeepRequest): string | undefined;
  /** The kept pictures of an entry; none where none are. Throws Fault `seal-broken`. */
  pictures(seq: number): readonly Uint8Array[];
  /** How many pictures are kept of each of these entries; nothing of those without. It opens none. */
  counts(seqs: readonly number[]): ReadonlyMap<number, number>;
  /** The pictures of people whom nobody has named, the newest first; at most so many. It opens none. */
  unknowns(atMost: number): readonly UnknownPicture[];
  /** One of them, opened; undefined where it is no longer there, or no longer of somebody unknown. */
  unknown(id: string): Uint8Array | undefined;
  /**
   * What a person said of an entry; how many kept pictures it concerns. `personId`: whom it shows, for `person` and
   * `right` (by default whom it is kept for). The pictures are sealed again, under the key of whom they show now.
   */
  mark(seq: number, as: Mark, personId?: PersonId): number;
  kept(): readonly KeptEntry[];
  /**
   * Deletes what is past its time, beyond the limit, or of people who are no longer enrolled; how many pictures those
   * were. `nowMs`: the time by which they are past it; by default the wall clock's.
   */
  purge(nowMs?: number): number;
  /** Deletes pictures that nobody marked, the oldest first, until so many bytes are free; how many those were. */
  dropOldest(bytes: number): number;
  /**
   * Empties the file's write-ahead log: until then the space of what was deleted is not free, and counts as used. False
   * where another process keeps it from that.
   */
  emptyLog(): boolean;
  /** Days (`YYYY-MM-DD`) whose key still seals a picture of somebody unknown. */
  visitorDays(): ReadonlySet<string>;
  /** Everyone enrolled now. */
  people(): ReadonlySet<PersonId>;
  /** Everything to learn from and to measure on. New groups are assigned now, for good. */
  dataset(): Dataset;
}

const dayMs = 86_400_000;
const text = Type.String();
const textOrNull = Type.Union([text, Type.Null()]);
const sizeRow = Compile(Type.Object({ id: text, bytes: Type.Integer() }));
const entryRow = Compile(
  Type.Object({ seq: Type.Integer(), pictures: Type.Integer(), ids: text, takenAt: text, personId: textOrNull, mark: markOrNull }),
);
const countRow = Compile(Type.Object({ seq: Type.Integer(), pictures: Type.Integer() }));
const unknownRow = Compile(Type.Object({ id: text, seq: Type.Integer(), visit: Type.Integer(), takenAt: text, mark: markOrNull }));
const idsForm = Compile(Type.Array(text));
const ownerRow = Compile(Type.Object({ personId: textOrNull, takenAt: text, markedAt: Type.Null() }));

interface State extends SamplesOptions {
  readonly sql: ReturnType<typeof samplesSql>;
}

/** SQL: the day whose key seals the picture of somebody unknown, as `keptOwner` tells it. */
const day = 'substr(coalesce(marked_at, taken_at), 1, 10)';

function samplesSql({ db }: RetrainStore) {
  return {
    insert: db.prepare(
      'INSERT INTO kept (id, seq, person_id, alike, visit, taken_at, picture) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING',
    ),
    label: db.prepare('UPDATE kept SET mark = ?, marked_at = ?, person_id = ?, picture = ? WHERE id = ?'),
    drop: db.prepare('DELETE FROM kept WHERE id = ?'),
    ofSeq: db.prepare(`SELECT ${keptColumns} FROM kept WHERE seq = ? ORDER BY rowid`),
    counts: db.prepare('SELECT seq, count(*) AS pictures FROM kept WHERE seq IN (SELECT value FROM json_each(?)) GROUP BY seq'),
    unknowns: db.prepare(
      'SELECT id, seq, visit, taken_at AS takenAt, mark FROM kept WHERE person_id IS NULL ORDER BY taken_at DESC, id LIMIT ?',
    ),
    unknown: db.prepare(`SELECT ${keptColumns} FROM kept WHERE id = ? AND person_id IS NULL`),
    // One row for each key that seals something; of a stranger with the day.
    owners: db.prepare(`SELECT DISTINCT person_id AS personId, iif(person_id IS NULL, ${day}, '') AS takenAt, NULL AS markedAt FROM kept`),
    dropDay: db.prepare(`DELETE FROM kept WHERE person_id IS NULL AND ${day} = ?`),
    dropPerson: db.prepare('DELETE FROM kept WHERE person_id = ?'),
    entries: db.prepare(
      `SELECT seq, count(*) AS pictures, json_group_array(id) AS ids, min(taken_at) AS takenAt, max(person_id) AS personId,
         max(mark) AS mark FROM kept GROUP BY seq ORDER BY seq DESC`,
    ),
    labelled: db.prepare(`SELECT ${keptColumns} FROM kept WHERE mark IS NOT NULL OR (person_id IS NULL AND alike = 0) ORDER BY seq, id`),
    visits: db.prepare('SELECT DISTINCT visit FROM kept'),
    partOf: db.prepare('SELECT part FROM parts WHERE name = ?'),
    assign: db.prepare('INSERT INTO parts (name, part) VALUES (?, ?)'),
    names: db.prepare('SELECT name FROM parts'),
    unassign: db.prepare('DELETE FROM parts WHERE name = ?'),
    // A grant that nobody confirmed; a stranger, marked or not; somebody who was let in and is a stranger, as one who
    // was let in.
    dropGrants: db.prepare('DELETE FROM kept WHERE mark IS NULL AND person_id IS NOT NULL AND taken_at < ?'),
    dropUnknowns: db.prepare(`DELETE FROM kept WHERE person_id IS NULL AND taken_at < CASE mark WHEN 'not-them' THEN ? ELSE ? END`),
    dropRemoved: db.prepare('DELETE FROM kept WHERE person_id IS NOT NULL AND person_id NOT IN (SELECT value FROM json_each(?))'),
    oldest: db.prepare('SELECT id, length(picture) AS bytes FROM kept WHERE mark IS NULL ORDER BY taken_at, id LIMIT 1000'),
    dropBeyond: db.prepare('DELETE FROM kept WHERE id IN (SELECT id FROM kept ORDER BY mark IS NULL, taken_at DESC LIMIT -1 OFFSET ?)'),
  };
}

const iso = (ms: number): string => new Date(ms).toISOString();

export function samplesIn(options: SamplesOptions): Samples {
  const state: State = { ...options, sql: samplesSql(options.store) };
  const { store, sql } = state;
  return {
    keep: (entry) => keep(state, entry),
    pictures: (seq) => store.read(() => sql.ofSeq.all(seq).flatMap((row) => openedPicture(store.vault, store.row(keptRowForm, row)) ?? [])),
    counts: (seqs) => store.read(() => countsOf(state, seqs)),
    unknowns: (atMost) => store.read(() => sql.unknowns.all(atMost).map((row) => unknownPicture(state, row))),
    unknown: (id) => store.read(() => openedUnknown(state, id)),
    mark: (seq, as, personId) => store.change(() => mark(state, seq, as, personId)),
    kept: () => store.read(() => sql.entries.all().map((row) => keptEntry(state, row))),
    purge: (nowMs) => emptied(store, () => purge(state, nowMs)),
    dropOldest: (bytes) => emptied(store, () => dropOldest(state, bytes)),
    emptyLog: () => store.read(() => emptyLogUnlessHeld(store.db)),
    visitorDays: () => store.read(() => visitorDays(state)),
    people: () => peopleOf(state),
    dataset: () => datasetOf(state),
  };
}

/** What it deleted is gone from the log too, unless another process is reading. */
function emptied(store: RetrainStore, drop: () => number): number {
  const dropped = store.change(drop);
  if (dropped > 0) store.read(() => emptyLogUnlessHeld(store.db));
  return dropped;
}

const peopleOf = ({ gallery }: State): ReadonlySet<PersonId> => new Set(gallery.list().map(({ id }) => id));

function keep(state: State, { seq, takenAt, personId, alike = false, visit = seq, pictures }: KeepRequest): string | undefined {
  const { store, sql, keepUnknownsDays, keepGrantsDays } = state;
  const days = personId === undefined ? keepUnknownsDays : keepGrantsDays;
  if (days === 0 || pictures.length === 0) return undefined;
  // The key first: a row never stands without it.
  const rows = pictures.flatMap((bytes) => {
    const id = createHash('sha256').update(bytes).digest('hex');
    const about: KeptAbout = { id, seq, personId: personId ?? null, alike: alike ? 1 : 0, visit, takenAt, mark: null, markedAt: null };
    const picture = sealedPicture(store.vault, about, bytes);
    return picture ? [{ ...about, picture }] : [];
  });
  if (rows.length === 0) return undefined;
  store.change(() => {
    for (const row of rows) sql.insert.run(row.id, seq, row.personId, row.alike, visit, takenAt, row.picture);
  });
  return iso(Date.parse(takenAt) + days * dayMs);
}

function mark({ store, sql, clock }: State, seq: number, as: Mark, personId: PersonId | undefined): number {
  const { vault } = store;
  const markedAt = iso(clock.wall());
  let marked = 0;
  for (const row of sql.ofSeq.all(seq).map((found) => store.row(keptRowForm, found))) {
    const picture = openedPicture(vault, row);
    // A mark before this one may have taken the person away, or put another in their place.
    const whose = as === 'person' ? (personId ?? null) : as === 'right' ? (personId ?? row.personId) : null;
    const sealed = picture && sealedPicture(vault, { ...row, personId: whose, mark: as, markedAt }, picture);
    if (sealed) marked += Number(sql.label.run(as, markedAt, whose, sealed, row.id).changes);
    else sql.drop.run(row.id);
  }
  return marked;
}

function countsOf({ store, sql }: State, seqs: readonly number[]): ReadonlyMap<number, number> {
  const rows = sql.counts.all(JSON.stringify(seqs)).map((row) => store.row(countRow, row));
  return new Map(rows.map(({ seq, pictures }) => [seq, pictures]));
}

function unknownPicture({ store }: State, row: unknown): UnknownPicture {
  const { mark: said, ...picture } = store.row(unknownRow, row);
  return { ...picture, ...(said !== null && { mark: said }) };
}

function openedUnknown({ store, sql }: State, id: string): Uint8Array | undefined {
  const row = sql.unknown.get(id);
  return row && openedPicture(store.vault, store.row(keptRowForm, row));
}

function keptEntry({ store }: State, row: unknown): KeptEntry {
  const { seq, pictures, ids, takenAt, personId, mark: said } = store.row(entryRow, row);
  return {
    ...{ seq, pictures, takenAt },
    ids: store.json(idsForm, ids),
    ...(personId !== null && { personId }),
    ...(said !== null && { mark: said }),
  };
}

function purge(state: State, now = state.clock.wall()): number {
  const { sql, keepGrantsDays, keepUnknownsDays, maxPictures } = state;
  const [grantsFrom, unknownsFrom] = [iso(now - keepGrantsDays * dayMs), iso(now - keepUnknownsDays * dayMs)];
  const people = peopleOf(state);
  const counts = [
    sql.dropGrants.run(grantsFrom),
    sql.dropUnknowns.run(grantsFrom, unknownsFrom),
    sql.dropRemoved.run(JSON.stringify([...people])),
    sql.dropBeyond.run(maxPictures),
  ];
  const leftovers = dropLeftovers(state);
  const visits = new Set(sql.visits.all().map(({ visit }) => String(visit)));
  for (const { name } of sql.names.all()) {
    const [owner = '', rest = ''] = String(name).split('/');
    if (owner === 'stranger' ? !visits.has(rest) : !people.has(owner)) sql.unassign.run(name ?? null);
  }
  return counts.reduce((sum, { changes }) => sum + Number(changes), leftovers);
}

function dropOldest({ store, sql }: State, bytes: number): number {
  let [freed, dropped] = [0, 0];
  for (const row of sql.oldest.all()) {
    if (freed >= bytes) break;
    const { id, bytes: size } = store.row(sizeRow, row);
    sql.drop.run(id);
    freed += size;
    dropped++;
  }
  return dropped;
}

function visitorDays({ store, sql }: State): ReadonlySet<string> {
  const owners = sql.owners.all().map((row) => keptOwner(store.row(ownerRow, row)));
  return new Set(owners.flatMap((owner) => (owner !== 'door' && 'visitorsOn' in owner ? [owner.visitorsOn] : [])));
}

/** What nobody can open any more, because its key was destroyed; how many pictures those were. */
function dropLeftovers({ store, sql }: State): number {
  const gone = sql.owners
    .all()
    .map((row) => store.row(ownerRow, row))
    .filter((row) => !store.vault.holds(keptOwner(row)));
  const dropped = gone.map(({ personId, takenAt }) => (personId === null ? sql.dropDay.run(takenAt) : sql.dropPerson.run(personId)));
  return dropped.reduce((sum, { changes }) => sum + Number(changes), 0);
}
