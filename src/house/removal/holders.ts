/** The rooms that hold something of people, as the shredder needs them: an open room goes in, its holder comes out. */
import { existsSync, readdirSync } from 'node:fs';
import { Fault } from '../../base/errors.ts';
import type { Event, PersonId } from '../../events.ts';
import { storedPeople, storedValues } from '../../identity/gallery/stored.ts';
import type { Gallery } from '../../identity/port.ts';
import type { LiveVisits } from '../../liveness/visits.ts';
import { forgetLearned, keptTraces, type LearnedOf, type LearningPlace, learnedOf, learnedOwners } from '../../retrain/held/of-person.ts';
import { entriesOf, pointerOf } from '../../retrain/registry/rows.ts';
import { type KeyOwner, peopleOf } from '../../vault/port.ts';
import type { Traces } from '../../vault/shredding.ts';
import type { Holder } from './shredder.ts';

/** Rows that cannot be read must go as well. */
function orNone(traces: () => Traces): Traces {
  try {
    return traces();
  } catch (error) {
    if (error instanceof Fault) return noTraces;
    throw error;
  }
}

const noTraces: Traces = { plain: [], names: [], sealed: [] };
const models = (owners: readonly KeyOwner[]): ReadonlySet<string> =>
  new Set(owners.flatMap((owner) => (owner !== 'door' && 'model' in owner ? [owner.model] : [])));

type RemovedFrom = Pick<Gallery, 'find' | 'pictures' | 'enrolled' | 'forget'>;

/** `file`: where the gallery lies. */
export function galleryHolder(gallery: RemovedFrom, file: string): Holder {
  return {
    of: (personId) => {
      const traces = orNone(() => tracesIn(gallery, file, personId));
      return { traces, owners: [], forget: () => void gallery.forget(personId) };
    },
    sweep: (destroyed) => {
      const stored = storedPeople(file);
      return peopleOf(destroyed).filter((id) => stored.has(id) && gallery.forget(id));
    },
  };
}

function tracesIn(gallery: RemovedFrom, file: string, personId: PersonId): Traces {
  const templates = gallery.enrolled().find(({ id }) => id === personId)?.templates ?? [];
  const plain = [
    ...gallery.pictures(personId).flatMap(({ picture }) => picture ?? []),
    // Copied: a thread would get all of the buffer that they lie in.
    ...templates.map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength).slice()),
  ];
  const name = gallery.find(personId)?.name;
  return { plain, names: name === undefined ? [] : [name], sealed: storedValues(file, personId) };
}

/** `record`: hears of the networks that go with a person. */
export function learningHolder(place: LearningPlace, record: (event: Event) => void): Holder {
  const forget = (personId: PersonId, learned: LearnedOf) => {
    const { champion } = pointerOf(place.store);
    const next = forgetLearned(place, personId, learned);
    const [by, detail] = ['the door', 'it learned from somebody who was removed'];
    if (next !== undefined && champion !== null)
      record({ kind: 'model.rolled-back', bundle: next, from: champion, why: 'asked', by, detail });
    for (const bundle of learned.networks) record({ kind: 'model.removed', bundle, by });
  };
  return {
    of: (personId) => {
      const learned = learnedOf(place, personId);
      const traces = orNone(() => ({ ...noTraces, ...keptTraces(place, personId) }));
      return { traces, owners: learnedOwners(learned), forget: () => forget(personId, learned) };
    },
    sweep: (destroyed) => {
      const gone = models(destroyed);
      const networks = entriesOf(place.store).flatMap(({ id }) => (gone.has(id) ? [id] : []));
      const jobs = existsSync(place.jobs) ? readdirSync(place.jobs).filter((id) => gone.has(id)) : [];
      const left = peopleOf(destroyed).filter((id) => keptTraces(place, id).sealed.length > 0);
      const [first, ...others] = networks.length + jobs.length > 0 && left.length === 0 ? ['nobody'] : left;
      if (first !== undefined) forget(first, { networks, jobs, keptPictures: 0 });
      for (const id of others) forget(id, { networks: [], jobs: [], keptPictures: 0 });
      return left;
    },
  };
}

/** `open`: the file is opened for each piece of work, because a removal is rare; undefined where there is none. */
export function visitsHolder(open: () => LiveVisits | undefined): Holder {
  const forget = (personIds: readonly PersonId[]): readonly PersonId[] => {
    using visits = open();
    return personIds.filter((id) => visits && visits.forget(id) > 0);
  };
  return {
    of: (personId) => ({ traces: noTraces, owners: [], forget: () => void forget([personId]) }),
    sweep: (destroyed) => forget(peopleOf(destroyed)),
  };
}
