/**
 * The registry: bundles in the state folder, and what each is (candidate, champion, retired). Results of training go
 * in, and one pointer says which network guards the door. What becomes the champion was measured before
 * (promotion.ts); here it is only made so, in one transaction. learning/parts.ts opens it; it owns the store.
 */
import { readdirSync, statSync } from 'node:fs';
import { Fault } from '../../base/errors.ts';
import type { Signer } from '../../base/jws.ts';
import type { NetworkPlace } from '../../base/model/place.ts';
import { clearUnfinished } from '../../base/whole-file.ts';
import { type BundleVerdict, verifyBundle } from '../bundle.ts';
import { openedBundle, plainNames, sealPlainFiles } from '../held/sealed-bundle.ts';
import {
  type BundleEntry,
  dropNetworks,
  entriesOf,
  historyRow,
  listBundles,
  type ProbationCount,
  pointerOf,
  probationForm,
  registrySql,
} from './rows.ts';
import { bundleOf, entry, folderOf, isDestroyed, type RegistryOptions, type RegistryState, removeFolder } from './state.ts';
import { type AboutBundle, addEntry, makeEntry } from './taking.ts';

export interface Registry extends Disposable {
  /** SHA-256 of the embedder of the configuration. */
  readonly base: string;
  list(): readonly BundleEntry[];
  /** By id, or by a beginning of it that fits no other. Throws Fault `not-found`. */
  find(idOrBeginning: string): BundleEntry;
  folder(id: string): string;
  /** The network of a bundle, opened. */
  place(id: string): NetworkPlace;
  /** The champion trained from the base in use; undefined where that base itself guards the door. */
  champion(): BundleEntry | undefined;
  /** The champion trained from another base than the one in use: it does not guard. */
  former(): BundleEntry | undefined;
  /** The id of the former champion, where it is whole, trusted and for this door. */
  wholeFormer(): Promise<string | undefined>;
  /** What a rollback would bring: a bundle, or `base`; undefined where there is nothing to go back to. */
  before(): BundleEntry | 'base' | undefined;
  /** Whole, trusted, for this door, of the right shape and not older than allowed. */
  verify(id: string): Promise<BundleVerdict>;
  /** Signs what was trained and keeps it as a candidate. */
  make(from: NetworkPlace, about: AboutBundle, signer: Signer): Promise<BundleEntry>;
  /** Takes in a bundle from elsewhere. Throws Fault `model-refused`. */
  add(folder: string): Promise<BundleEntry>;
  note(id: string, note: string): void;
  /** The one switch. The network before goes on the stack of `rollback`. */
  promote(id: string, note: string): void;
  /** Back to the network before the champion; undefined where there is none. */
  rollback(note: string): { readonly to: BundleEntry | 'base'; readonly from: BundleEntry } | undefined;
  /** Takes what a rollback would bring off the stack, because it is damaged. */
  skip(): void;
  /** Throws Fault `model-refused` for the champion, `not-found`. */
  remove(id: string): void;
  /** Removes the oldest beyond `count`, never the champion or the one before it; their ids. */
  prune(count: number): readonly string[];
  /** Undefined: the champion has proved itself, or there is none. */
  readonly probation: ProbationCount | undefined;
  setProbation(probation: ProbationCount | undefined): void;
  /** Counts every change of the pointer, by any process. */
  readonly changes: number;
}

const orphanMs = 3_600_000;
export function openRegistry(options: RegistryOptions): Registry {
  const { store, expected } = options;
  clearUnfinished(options.folder);
  const state: RegistryState = { ...options, sql: registrySql(store) };
  tidyBundles(state);
  return {
    base: expected.base.embedder,
    list: () => listBundles(store),
    find: (idOrBeginning) => find(state, idOrBeginning),
    folder: (id) => folderOf(state, id),
    place: (id) => openedBundle(store.vault, folderOf(state, id)),
    champion: () => store.read(() => championOf(state)),
    former: () => store.read(() => formerOf(state)),
    wholeFormer: () => wholeFormer(state),
    before: () => store.read(() => beforeOf(state)),
    verify: (id) => verify(state, id),
    make: (from, about, signer) => makeEntry(state, from, about, signer),
    add: (from) => addEntry(state, from),
    note: (id, note) => store.change(() => void state.sql.setNote.run(note, id)),
    promote: (id, note) => store.change(() => promote(state, id, note)),
    rollback: (note) => store.change(() => rollback(state, note)),
    skip: () => store.change(() => skip(state)),
    remove: (id) => remove(state, id),
    prune: (count) => prune(state, count),
    get probation() {
      return probationOf(state);
    },
    setProbation: (probation) => store.change(() => void state.sql.setProbation.run(probation ? JSON.stringify(probation) : null)),
    get changes() {
      return store.read(() => pointerOf(store).changes);
    },
    [Symbol.dispose]: () => store[Symbol.dispose](),
  };
}

/** Seals what an earlier version wrote, and drops what is left of networks whose keys were destroyed. */
function tidyBundles(state: RegistryState): void {
  const { store } = state;
  const ids = listBundles(store).map(({ id }) => id);
  const gone = ids.filter((id) => isDestroyed(store, id));
  if (gone.length > 0) store.change(() => dropNetworks(store, gone));
  for (const id of gone) removeFolder(state, id);
  // One process at a time: the transaction keeps others waiting.
  for (const id of ids.filter((each) => !gone.includes(each) && plainNames(folderOf(state, each)).length > 0))
    store.change(() => sealPlainFiles(store.vault, folderOf(state, id)));
}

function topOf({ store, sql }: RegistryState): { readonly n: number; readonly bundle: string | null } | undefined {
  const last = sql.top.get();
  return last && store.row(historyRow, last);
}

function championOf(state: RegistryState): BundleEntry | undefined {
  const now = entry(state, pointerOf(state.store).champion);
  // Trained from another embedder than the configuration names now: the owner has chosen again.
  return now?.base === state.expected.base.embedder ? now : undefined;
}

function formerOf(state: RegistryState): BundleEntry | undefined {
  const now = entry(state, pointerOf(state.store).champion);
  return now && now.base !== state.expected.base.embedder ? now : undefined;
}

async function wholeFormer(state: RegistryState): Promise<string | undefined> {
  const { store, expected } = state;
  const former = store.read(() => formerOf(state));
  if (!former) return undefined;
  const { base: _, ...ofAnyShape } = expected;
  const verdict = await verifyBundle(bundleOf(state, former.id), former.id, ofAnyShape);
  return verdict.ok ? former.id : undefined;
}

function beforeOf(state: RegistryState): BundleEntry | 'base' | undefined {
  const last = topOf(state);
  if (!championOf(state) || !last) return undefined;
  return last.bundle === null ? 'base' : entry(state, last.bundle);
}

function probationOf({ store }: RegistryState): ProbationCount | undefined {
  return store.read(() => {
    const { probation } = pointerOf(store);
    return probation === null ? undefined : store.json(probationForm, probation);
  });
}

function find({ store }: RegistryState, idOrBeginning: string): BundleEntry {
  const known = /^[0-9a-f]{4,64}$/.test(idOrBeginning);
  const [one, other] = known ? listBundles(store).filter(({ id }) => id.startsWith(idOrBeginning)) : [];
  if (one && !other) return one;
  const what = one ? 'More than one network begins' : 'There is no trained network';
  throw new Fault('not-found', `${what} ${idOrBeginning.slice(0, 64)}: "facelatch models list" shows them`);
}

async function verify(state: RegistryState, id: string): Promise<BundleVerdict> {
  const { store, expected } = state;
  const known = store.read(() => entry(state, id));
  if (known && known.base !== expected.base.embedder)
    return { ok: false, reason: 'wrong-base', detail: 'it was trained from another embedder than face.embedder names now' };
  const verdict = await verifyBundle(bundleOf(state, id), id, expected);
  const { lowest, champion } = store.read(() => pointerOf(store));
  if (!verdict.ok || id === champion || verdict.manifest.version >= lowest) return verdict;
  const detail =
    `it is version ${verdict.manifest.version}; version ${lowest} has guarded this door, ` +
    'and nothing older may guard it again, except by rollback';
  return { ok: false, reason: 'old-version', detail };
}

function promote(state: RegistryState, id: string, note: string): void {
  const { sql } = state;
  const next = entry(state, id);
  const now = championOf(state);
  if (!next) throw new Fault('not-found', `There is no trained network ${id}`);
  if (now?.id === id) return;
  if (now) sql.setState.run('retired', now.id);
  // Without a champion of this base, a rollback goes back to that base.
  else {
    const former = formerOf(state);
    if (former) sql.setState.run('retired', former.id);
    sql.clear.run();
  }
  sql.push.run(now?.id ?? null);
  sql.setState.run('champion', id);
  sql.setNote.run(note, id);
  sql.point.run(id, next.version, JSON.stringify({ decisions: 0, disagreements: 0 } satisfies ProbationCount));
}

function rollback(state: RegistryState, note: string): ReturnType<Registry['rollback']> {
  const { sql } = state;
  const [from, to, last] = [championOf(state), beforeOf(state), topOf(state)];
  if (!from || !to || !last) return undefined;
  sql.pop.run(last.n);
  sql.setState.run('retired', from.id);
  sql.setNote.run(note, from.id);
  if (to !== 'base') sql.setState.run('champion', to.id);
  sql.point.run(to === 'base' ? null : to.id, 1, null);
  return { to, from };
}

function skip(state: RegistryState): void {
  const last = topOf(state);
  if (last) state.sql.pop.run(last.n);
  // Below everything is the network of the configuration.
  if (!topOf(state)) state.sql.push.run(null);
}

function remove(state: RegistryState, id: string): void {
  const { store } = state;
  const found = store.read(() => entry(state, id));
  if (!found) throw new Fault('not-found', `There is no trained network ${id}`);
  if (found.state === 'champion')
    throw new Fault('model-refused', 'This network guards the door: run "facelatch models rollback" first, then remove it');
  destroyBundles(state, [id]);
}

/** Its key first: what is left of it then opens no more. */
function destroyBundles(state: RegistryState, ids: readonly string[]): void {
  const { store } = state;
  if (ids.length === 0) return;
  store.vault.destroy(ids.map((model) => ({ model })));
  store.change(() => dropNetworks(store, ids));
  for (const id of ids) removeFolder(state, id);
}

function prune(state: RegistryState, count: number): readonly string[] {
  const { store, folder } = state;
  const removed = store.read(() => {
    const spared = beforeOf(state);
    return entriesOf(store)
      .filter(({ id, state: is }) => is !== 'champion' && (spared === 'base' || spared?.id !== id))
      .slice(count)
      .map(({ id }) => id);
  });
  destroyBundles(state, removed);
  // What a crash left between a folder and its row. A young folder may be another process's that writes the row now.
  const isOld = (name: string) => Date.now() - statSync(folderOf(state, name)).mtimeMs > orphanMs;
  const known = new Set(listBundles(store).map(({ id }) => id));
  const there = statSync(folder, { throwIfNoEntry: false }) ? readdirSync(folder) : [];
  destroyBundles(
    state,
    there.filter((name) => /^[0-9a-f]{64}$/.test(name) && !known.has(name) && isOld(name)),
  );
  return removed;
}
