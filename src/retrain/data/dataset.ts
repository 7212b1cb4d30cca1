/**
 * What is learned from and what is measured on: the people, their enrolment pictures and the labelled pictures that are
 * kept go in; training data and the frozen set come out, apart for good.
 */
import { createHash } from 'node:crypto';
import type { StatementSync } from 'node:sqlite';
import type { PersonId } from '../../events.ts';
import type { Gallery } from '../../identity/port.ts';
import { keptRowForm, openedPicture } from '../held/kept-rows.ts';
import type { LabelledPerson, Sample, TrainingData } from '../port.ts';
import type { RetrainStore } from '../store.ts';
import { type SplitPart, type SplitParts, splitGroups } from './frozen-split.ts';

export interface Dataset {
  readonly training: TrainingData;
  readonly frozen: TrainingData;
}

export interface DatasetParts extends SplitParts {
  readonly store: RetrainStore;
  readonly gallery: Pick<Gallery, 'list' | 'pictures'>;
  /** `labelled`: the kept pictures that somebody has said something of, and those of strangers. */
  readonly sql: SplitParts['sql'] & { readonly labelled: StatementSync };
}

/** Of each person or stranger. */
type Gathered = Map<string, { readonly group: string; readonly sample: Sample }[]>;

/** New groups are assigned now, for good. */
export function datasetOf(state: DatasetParts): Dataset {
  const { people, strangers } = gather(state);
  const groups = new Map<string, { pictures: number; person: boolean }>();
  for (const [from, person] of [[people, true] as const, [strangers, false] as const])
    for (const { group } of [...from.values()].flat()) groups.set(group, { pictures: (groups.get(group)?.pictures ?? 0) + 1, person });
  const parts = state.store.change(() => splitGroups(state, groups));
  const pick = (part: SplitPart): TrainingData => {
    const own = (list: readonly { readonly group: string; readonly sample: Sample }[]) =>
      list.filter(({ group }) => parts.get(group) === part).map(({ sample }) => sample);
    return {
      people: [...people].flatMap(([personId, list]): LabelledPerson[] => {
        const samples = own(list);
        return samples.length > 0 ? [{ personId, samples }] : [];
      }),
      strangers: [...strangers.values()].map(own).filter((samples) => samples.length > 0),
    };
  };
  return { training: pick('train'), frozen: pick('frozen') };
}

/** Every labelled picture, by person or stranger, in groups. */
function gather({ store, sql, gallery }: DatasetParts): { readonly people: Gathered; readonly strangers: Gathered } {
  const people: Gathered = new Map();
  const strangers: Gathered = new Map();
  for (const { id } of gallery.list())
    for (const { addedAt, ...shown } of gallery.pictures(id)) {
      if (!shown.picture) continue;
      const sample: Sample = { id: shown.id, picture: shown.picture, origin: 'enrolment', takenAt: addedAt };
      put(people, id, `${id}/${addedAt.slice(0, 10)}`, sample);
    }
  for (const row of sql.labelled.all()) {
    const kept = store.row(keptRowForm, row);
    const { id, visit, personId, takenAt, mark: said } = kept;
    const picture = openedPicture(store.vault, kept);
    if (!picture) continue;
    const sample: Sample = { id, picture, origin: said === 'right' ? 'confirmed' : 'marked', takenAt };
    if (personId === null) put(strangers, String(visit), `stranger/${visit}`, sample);
    else if (people.has(personId)) put(people, personId, `${personId}/${takenAt.slice(0, 10)}`, sample);
  }
  return { people, strangers };
}

function put(to: Gathered, key: string, group: string, sample: Sample): void {
  const list = to.get(key) ?? [];
  if (!list.some((other) => other.sample.id === sample.id)) list.push({ group, sample });
  to.set(key, list);
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
