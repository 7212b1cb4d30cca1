/**
 * What the retraining room holds of one person, and its removal. In: its store, its folders and the person. Out: their
 * kept pictures, the trained networks that learned from them, and the training under way. Whoever removes a person
 * asks first (a network says from whom it learned only as long as their keys are there), then destroys `learnedOwners`
 * together with the person's own key, then calls `forgetLearned`.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../../base/errors.ts';
import { Compile, Type } from '../../base/schema.ts';
import { emptyWriteAheadLog } from '../../base/sqlite.ts';
import type { PersonId } from '../../events.ts';
import type { KeyOwner, Vault } from '../../vault/port.ts';
import { readManifest } from '../bundle.ts';
import { jobSql, jobUnderWay } from '../jobs.ts';
import { dropNetworks, entriesOf } from '../registry/rows.ts';
import type { RetrainStore } from '../store.ts';
import { keptColumns, keptRowForm, openedPicture } from './kept-rows.ts';

export interface LearningPlace {
  readonly store: RetrainStore;
  /** The folders of bundles and of jobs. */
  readonly bundles: string;
  readonly jobs: string;
}

export interface LearnedOf {
  /** Pictures kept of the journal. */
  readonly keptPictures: number;
  /** Ids of the trained networks that learned from them; of those that do not say from whom, too. */
  readonly networks: readonly string[];
  /** Ids of folders of jobs, which hold the pictures of everybody. */
  readonly jobs: readonly string[];
}

/** A name of the person for statements of networks: only their own key tells whose it is. */
export const learnerName = (vault: Vault, personId: PersonId, digest: string): string | undefined => {
  const name = vault.pseudonym({ person: personId }, 'learned from', digest);
  return name && Buffer.from(name).toString('base64url');
};

const countForm = Compile(Type.Object({ n: Type.Integer() }));

/** Throws Faults of the store and the vault. */
export function learnedOf(place: LearningPlace, personId: PersonId): LearnedOf {
  const { store, bundles, jobs } = place;
  return store.read(() => {
    const count = store.row(countForm, store.db.prepare('SELECT count(*) AS n FROM kept WHERE person_id = ?').get(personId));
    const networks = entriesOf(store).filter(({ id }) => learnedFrom(store.vault, join(bundles, id), personId));
    return { keptPictures: count.n, networks: networks.map(({ id }) => id), jobs: existsSync(jobs) ? readdirSync(jobs) : [] };
  });
}

const keptForm = Compile(Type.Object({ seq: Type.Integer(), pictures: Type.Integer() }));

/** The journal entries of which pictures of the person are kept, and how many. Throws Faults of the store. */
export const keptEntriesOf = (
  { store }: LearningPlace,
  personId: PersonId,
): readonly { readonly seq: number; readonly pictures: number }[] =>
  store.read(() =>
    store.db
      .prepare('SELECT seq, count(*) AS pictures FROM kept WHERE person_id = ? GROUP BY seq ORDER BY seq')
      .all(personId)
      .map((row) => store.row(keptForm, row)),
  );

/** The newest of so many kept pictures stand for all of them. */
const mostTraces = 20;

/** Kept pictures of the person, and as they lie in the file; those that cannot be opened only so. */
export function keptTraces({ store }: LearningPlace, personId: PersonId): { readonly plain: Uint8Array[]; readonly sealed: Uint8Array[] } {
  return store.read(() => {
    const rows = store.db
      .prepare(`SELECT ${keptColumns} FROM kept WHERE person_id = ? ORDER BY seq DESC LIMIT ${mostTraces}`)
      .all(personId)
      .map((row) => store.row(keptRowForm, row));
    return { plain: rows.flatMap((row) => openedOrNot(store.vault, row) ?? []), sealed: rows.map(({ picture }) => picture) };
  });
}

function openedOrNot(vault: Vault, row: Parameters<typeof openedPicture>[1]): Uint8Array | undefined {
  try {
    return openedPicture(vault, row);
  } catch (error) {
    if (error instanceof Fault && error.code === 'seal-broken') return undefined;
    throw error;
  }
}

/** Networks that were trained before statements said so may have learned from anybody. */
function learnedFrom(vault: Vault, folder: string, personId: PersonId): boolean {
  const read = readManifest(folder);
  const data = read.ok === 'read' ? read.manifest.data : undefined;
  if (!data?.from) return true;
  const name = learnerName(vault, personId, data.digest);
  return name !== undefined && data.from.includes(name);
}

/** The keys to destroy with the person's own. */
export const learnedOwners = ({ networks, jobs }: LearnedOf): readonly KeyOwner[] => [...networks, ...jobs].map((model) => ({ model }));

/**
 * Removes it: pictures, networks, the training under way. Where a network among them guards the door, the one before it
 * guards again, which a running door follows by itself; its id, or `base`. Throws Faults of the store.
 */
export function forgetLearned(place: LearningPlace, personId: PersonId, { networks, jobs }: LearnedOf): string | undefined {
  const { store, bundles } = place;
  const guards = store.change(() => {
    store.db.prepare('DELETE FROM kept WHERE person_id = ?').run(personId);
    store.db.prepare("DELETE FROM parts WHERE name LIKE ? || '/%'").run(personId);
    store.db.prepare('UPDATE jobs SET detail = NULL WHERE instr(detail, ?)').run(personId);
    const sql = jobSql(store);
    const job = jobUnderWay(store, sql);
    if (job) sql.cancel.run('the door: somebody was removed from the people', job.id);
    return dropNetworks(store, networks);
  });
  // Pages from before the removal lie in the log until it is emptied, at the latest when the file is closed.
  store.read(() => emptyWriteAheadLog(store.db));
  const folders = [...networks.map((id) => join(bundles, id)), ...jobs.map((id) => join(place.jobs, id))];
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  return guards;
}
