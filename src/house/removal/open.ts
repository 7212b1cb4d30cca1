/** A configuration and the open people in, the shredder of this door out: for the running door, and for a command. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { stateFolder } from '../../adapters/basics.ts';
import { liveVisitsOf } from '../../adapters/liveness.ts';
import { sideThread } from '../../base/side-thread.ts';
import type { Event, PersonId } from '../../events.ts';
import { storedPeople } from '../../identity/gallery/stored.ts';
import type { Gallery } from '../../identity/port.ts';
import type { Journal } from '../../journal/port.ts';
import { learningPlace, storeFile } from '../../learning/parts.ts';
import type { LearningPlace } from '../../retrain/held/of-person.ts';
import { openRetrainStore } from '../../retrain/store.ts';
import type { Config } from '../../settings/load.ts';
import type { Vault } from '../../vault/port.ts';
import type { SearchRequest } from '../../vault/search-thread.ts';
import { type Searched, searchFolder } from '../../vault/shredding.ts';
import { begunKeysOf } from './begun.ts';
import { galleryHolder, learningHolder, visitsHolder } from './holders.ts';
import { type Holder, type Shredder, shredderOf } from './shredder.ts';

export interface ShreddedFrom {
  readonly vault: Vault;
  readonly gallery: Gallery;
  /** Writes into the journal. */
  readonly record: (event: Event) => void;
  readonly notes: Pick<Journal, 'note' | 'keep'>;
}

const mostRemovals = 1000;
const patienceMs = 600_000;

/** Of the running door: files are searched beside it. `place`: absent where nothing is learned. */
export function openDoorShredder(
  config: Config,
  { vault, gallery, record, notes }: ShreddedFrom,
  place: LearningPlace | undefined,
): Shredder & AsyncDisposable {
  const thread = sideThread<SearchRequest, Searched>({
    module: new URL('../../vault/search-thread.ts', import.meta.url),
    ...{ mostWaiting: mostRemovals, patienceMs, heapMb: 64, idleMs: 10_000 },
  });
  const folder = stateFolder(config);
  const learned = place ? [learningHolder(place, record)] : [];
  const shredder = shredderOf({
    ...{ vault, record, notes, isStored: storedIn(folder), begun: begunKeysOf(config, vault, notes) },
    holders: [...peopleAndVisits(config, vault, gallery), ...learned],
    search: (traces) => thread.ask({ folder, traces }),
  });
  return { ...shredder, [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose]() };
}

/** For a command. */
export function openShredder(config: Config, { vault, gallery, record, notes }: ShreddedFrom): Shredder & Disposable {
  const opened = new DisposableStack();
  const folder = stateFolder(config);
  const shredder = shredderOf({
    ...{ vault, record, notes, isStored: storedIn(folder), begun: begunKeysOf(config, vault, notes) },
    holders: [...peopleAndVisits(config, vault, gallery), learnedIn(config, vault, record, opened)],
    search: async (traces) => searchFolder(folder, traces),
  });
  return { ...shredder, [Symbol.dispose]: () => opened.dispose() };
}

const peopleFile = (folder: string): string => join(folder, 'people.sqlite');
const storedIn = (folder: string) => (personId: PersonId) => storedPeople(peopleFile(folder)).has(personId);

function peopleAndVisits(config: Config, vault: Vault, gallery: Gallery): readonly Holder[] {
  const folder = stateFolder(config);
  const visits = () => (existsSync(join(folder, 'liveness.sqlite')) ? liveVisitsOf(config, vault) : undefined);
  return [galleryHolder(gallery, peopleFile(folder)), visitsHolder(visits)];
}

/** Opened only when it is asked, so that a damaged file keeps nothing else from going. */
function learnedIn(config: Config, vault: Vault, record: ShreddedFrom['record'], opened: DisposableStack): Holder {
  let holder: Holder | undefined;
  const open = (): Holder | undefined => {
    if (!existsSync(storeFile(config))) return undefined;
    holder ??= learningHolder(learningPlace(config, opened.use(openRetrainStore(storeFile(config), vault))), record);
    return holder;
  };
  return {
    of: (personId) => open()?.of(personId) ?? { traces: { plain: [], names: [], sealed: [] }, owners: [], forget: () => undefined },
    sweep: (destroyed) => open()?.sweep(destroyed) ?? [],
  };
}
