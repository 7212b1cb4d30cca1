/**
 * What this door learns from: pictures of its journal kept for a time (where the owner allows it), what people said of them, and the enrolment pictures go in;
 * training data and the frozen set come out, apart for good. Nothing becomes training data by itself.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../base/time.ts';
import type { PersonId } from '../events.ts';
import type { Gallery } from '../identity/port.ts';
import type { LabelledPerson, Mark, Sample, TrainingData } from './port.ts';
import type { Store } from './store.ts';

export interface SamplesOptions {
  readonly store: Store;
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

export interface Dataset {
  readonly training: TrainingData;
  readonly frozen: TrainingData;
}

export interface Samples {
  /**
   * Keeps pictures of a grant (`personId`) or of somebody turned away; until when (ISO 8601, UTC), undefined where the owner does not allow it. Somebody turned away who is `alike` to
   * an enrolled person may be that person: they count as a stranger only once a person has said so.
   */
  keep(entry: {
    readonly seq: number;
    readonly takenAt: string;
    readonly personId?: PersonId;
    readonly alike?: boolean;
    /** The first entry of the same visit; by default this one. */
    readonly visit?: number;
    readonly pictures: readonly Uint8Array[];
  }): string | undefined;
  /** The kept pictures of an entry; none where none are. */
  pictures(seq: number): readonly Uint8Array[];
  /** What a person said of an entry; how many kept pictures it concerns. `personId`: whom it shows, for `person` and `right` (by default who it is kept for). */
  mark(seq: number, as: Mark, personId?: PersonId): number;
  kept(): readonly KeptEntry[];
  /** Deletes what is over its time, beyond the bound, or of people who are no longer enrolled; how many pictures those were. */
  purge(): number;
  /** Everyone enrolled now. */
  people(): ReadonlySet<PersonId>;
  /** Everything to learn from and to measure on. New groups are assigned now, and never again. */
  dataset(): Dataset;
}

const dayMs = 86_400_000;
/** A comparison measures nothing on less (verdict.ts); never more than half of the people for it. */
const fewestFrozen = { people: 2, pictures: 6 } as const;

export function samplesIn(options: SamplesOptions): Samples {
  const { store, gallery, clock, keepGrantsDays, keepUnknownsDays, maxPictures, frozenShare } = options;
  const { db } = store;
  const insert = db.prepare(
    'INSERT INTO kept (id, seq, person_id, alike, visit, taken_at, picture) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING',
  );
  const label = db.prepare('UPDATE kept SET mark = ?, marked_at = ?, person_id = ? WHERE seq = ?');
  const ofSeq = db.prepare('SELECT count(*) AS n, max(person_id) AS personId FROM kept WHERE seq = ?');
  const entries = db.prepare(
    'SELECT seq, count(*) AS pictures, json_group_array(id) AS ids, min(taken_at) AS takenAt, max(person_id) AS personId, max(mark) AS mark FROM kept GROUP BY seq ORDER BY seq DESC',
  );
  const marked = db.prepare(
    'SELECT id, visit, person_id AS personId, taken_at AS takenAt, mark, picture FROM kept WHERE mark IS NOT NULL OR (person_id IS NULL AND alike = 0) ORDER BY seq, id',
  );
  const picturesOf = db.prepare('SELECT picture FROM kept WHERE seq = ? ORDER BY rowid');
  const partOf = db.prepare('SELECT part FROM parts WHERE name = ?');
  const assign = db.prepare('INSERT INTO parts (name, part) VALUES (?, ?)');
  const names = db.prepare('SELECT name FROM parts');
  const unassign = db.prepare('DELETE FROM parts WHERE name = ?');
  const iso = (ms: number) => new Date(ms).toISOString();

  /** Each group's part: as it was, or by the hash of its name; topped up from new groups where hardly anybody would be frozen. */
  const partsOf = (
    groups: ReadonlyMap<string, { readonly pictures: number; readonly person: boolean }>,
  ): ReadonlyMap<string, 'train' | 'frozen'> => {
    const parts = new Map<string, 'train' | 'frozen'>();
    const fresh: string[] = [];
    for (const name of groups.keys()) {
      const known = partOf.get(name)?.part;
      if (known === 'train' || known === 'frozen') parts.set(name, known);
      else fresh.push(name);
    }
    const ofPeople = [...groups.keys()].filter((name) => groups.get(name)?.person === true);
    // By its hash; of people never more than half, or chance would leave a small household nobody to learn from, for good.
    for (const name of fresh.toSorted((a, b) => placeOf(a) - placeOf(b))) {
      const taken = ofPeople.filter((each) => parts.get(each) === 'frozen').length;
      const room = groups.get(name)?.person !== true || taken + 1 <= ofPeople.length / 2;
      parts.set(name, placeOf(name) < frozenShare && room ? 'frozen' : 'train');
    }
    const useful = (name: string) => groups.get(name)?.person === true && (groups.get(name)?.pictures ?? 0) >= 2;
    const people = [...groups.keys()].filter(useful);
    const isFrozen = (name: string) => parts.get(name) === 'frozen';
    for (const name of fresh.filter((each) => useful(each) && !isFrozen(each)).toSorted((a, b) => placeOf(a) - placeOf(b))) {
      const frozen = people.filter(isFrozen);
      const pictures = frozen.reduce((sum, each) => sum + (groups.get(each)?.pictures ?? 0), 0);
      const enough = frozen.length >= fewestFrozen.people && pictures >= fewestFrozen.pictures;
      if (!enough && frozen.length + 1 <= people.length / 2) parts.set(name, 'frozen');
    }
    for (const name of fresh) assign.run(name, parts.get(name) ?? 'train');
    return parts;
  };

  /** Every labelled picture, by person or stranger, in groups. */
  const gather = () => {
    const people = new Map<string, { readonly group: string; readonly sample: Sample }[]>();
    const strangers = new Map<string, { readonly group: string; readonly sample: Sample }[]>();
    const put = (to: typeof people, key: string, group: string, sample: Sample) => {
      const list = to.get(key) ?? [];
      if (!list.some((other) => other.sample.id === sample.id)) list.push({ group, sample });
      to.set(key, list);
    };
    for (const { id } of gallery.list())
      for (const { addedAt, ...shown } of gallery.pictures(id))
        put(people, id, `${id}/${addedAt.slice(0, 10)}`, { id: shown.id, picture: shown.picture, origin: 'enrolment', takenAt: addedAt });
    for (const row of marked.all()) {
      const { id, visit, personId, takenAt, mark, picture } = row as unknown as Row;
      const sample: Sample = { id, picture, origin: mark === 'right' ? 'confirmed' : 'marked', takenAt };
      if (personId === null) put(strangers, String(visit), `stranger/${visit}`, sample);
      else if (people.has(personId)) put(people, personId, `${personId}/${takenAt.slice(0, 10)}`, sample);
    }
    return { people, strangers };
  };

  const purge = () =>
    store.change(() => {
      const enrolled = JSON.stringify(gallery.list().map(({ id }) => id));
      const now = clock.wall();
      const counts = [
        // A grant that nobody confirmed; a stranger, marked or not; somebody who was let in and is a stranger, as one who was let in.
        db.prepare('DELETE FROM kept WHERE mark IS NULL AND person_id IS NOT NULL AND taken_at < ?').run(iso(now - keepGrantsDays * dayMs)),
        db
          .prepare(`DELETE FROM kept WHERE person_id IS NULL AND taken_at < CASE mark WHEN 'not-them' THEN ? ELSE ? END`)
          .run(iso(now - keepGrantsDays * dayMs), iso(now - keepUnknownsDays * dayMs)),
        db.prepare('DELETE FROM kept WHERE person_id IS NOT NULL AND person_id NOT IN (SELECT value FROM json_each(?))').run(enrolled),
        db
          .prepare('DELETE FROM kept WHERE id IN (SELECT id FROM kept ORDER BY mark IS NULL, taken_at DESC LIMIT -1 OFFSET ?)')
          .run(maxPictures),
      ];
      const deleted = counts.reduce((sum, { changes }) => sum + Number(changes), 0);
      const people = new Set(gallery.list().map(({ id }) => id));
      const visits = new Set(
        db
          .prepare('SELECT DISTINCT visit FROM kept')
          .all()
          .map(({ visit }) => String(visit)),
      );
      for (const { name } of names.all()) {
        const [owner = '', rest = ''] = String(name).split('/');
        if (owner === 'stranger' ? !visits.has(rest) : !people.has(owner)) unassign.run(name ?? null);
      }
      return deleted;
    });

  return {
    keep: ({ seq, takenAt, personId, alike = false, visit = seq, pictures }) => {
      const days = personId === undefined ? keepUnknownsDays : keepGrantsDays;
      if (days === 0 || pictures.length === 0) return undefined;
      store.change(() => {
        for (const picture of pictures)
          insert.run(createHash('sha256').update(picture).digest('hex'), seq, personId ?? null, alike ? 1 : 0, visit, takenAt, picture);
      });
      return iso(Date.parse(takenAt) + days * dayMs);
    },
    pictures: (seq) => picturesOf.all(seq).map(({ picture }) => picture as Uint8Array),
    mark: (seq, as, personId) =>
      store.change(() => {
        const { n, personId: before } = ofSeq.get(seq) as { n: number; personId: string | null };
        // A mark before this one may have taken the person away, or put another in their place.
        const whose = as === 'person' ? (personId ?? null) : as === 'right' ? (personId ?? before) : null;
        label.run(as, iso(clock.wall()), whose, seq);
        return n;
      }),
    kept: () =>
      store.read(() =>
        entries.all().map((row) => {
          const { seq, pictures, ids, takenAt, personId, mark } = row as unknown as Row & { pictures: number; ids: string };
          return {
            seq,
            pictures,
            ids: JSON.parse(ids) as string[],
            takenAt,
            ...(personId !== null && { personId }),
            ...(mark !== null && { mark }),
          };
        }),
      ),
    purge,
    people: () => new Set(gallery.list().map(({ id }) => id)),
    dataset: () => {
      const { people, strangers } = gather();
      const groups = new Map<string, { pictures: number; person: boolean }>();
      for (const [from, person] of [[people, true] as const, [strangers, false] as const])
        for (const { group } of [...from.values()].flat()) groups.set(group, { pictures: (groups.get(group)?.pictures ?? 0) + 1, person });
      const parts = store.change(() => partsOf(groups));
      const pick = (part: 'train' | 'frozen'): TrainingData => ({
        people: [...people].flatMap(([personId, list]): LabelledPerson[] => {
          const samples = list.filter(({ group }) => parts.get(group) === part).map(({ sample }) => sample);
          return samples.length > 0 ? [{ personId, samples }] : [];
        }),
        strangers: [...strangers.values()]
          .map((list) => list.filter(({ group }) => parts.get(group) === part).map(({ sample }) => sample))
          .filter((samples) => samples.length > 0),
      });
      return { training: pick('train'), frozen: pick('frozen') };
    },
  };
}

interface Row {
  readonly id: string;
  readonly visit: number;
  readonly seq: number;
  readonly personId: string | null;
  readonly takenAt: string;
  readonly mark: Mark | null;
  readonly picture: Uint8Array;
}

/** Where a group falls between 0 and 1, the same for ever. */
function placeOf(name: string): number {
  return createHash('sha256').update(`frozen ${name}`).digest().readUInt32BE() / 2 ** 32;
}

/** Everyone enrolled, with the pictures given at enrolment, from both parts. */
export function enrolledOf(parts: readonly TrainingData[]): readonly LabelledPerson[] {
  const all = new Map<PersonId, Sample[]>();
  for (const { personId, samples } of parts.flatMap(({ people }) => people))
    all.set(personId, [...(all.get(personId) ?? []), ...samples.filter(({ origin }) => origin === 'enrolment')]);
  return [...all].filter(([, samples]) => samples.length > 0).map(([personId, samples]) => ({ personId, samples }));
}

/** Counts and a digest of what a recipe learned from: what a manifest says of it. */
export function summary({ people, strangers }: TrainingData): { people: number; samples: number; strangers: number; digest: string } {
  const ids = [...people.flatMap(({ samples }) => samples), ...strangers.flat()].map(({ id }) => id).toSorted();
  return {
    people: people.length,
    samples: ids.length,
    strangers: strangers.length,
    digest: createHash('sha256').update(ids.join('\n')).digest('hex'),
  };
}
