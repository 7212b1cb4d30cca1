/**
 * The rows of the registry: the store goes in; bundles, the pointer and the history come out, checked. Commands that
 * only look use these; registry.ts changes them.
 */
import { join } from 'node:path';
import type { NetworkPlace } from '../../base/model/place.ts';
import { Compile, Type } from '../../base/schema.ts';
import { filesWhole, readManifest } from '../bundle.ts';
import { openedBundle, sealedFiles } from '../held/sealed-bundle.ts';
import { type BundleState, bundleStates, type RecipeName, recipeNames } from '../port.ts';
import type { RetrainStore } from '../store.ts';

export interface BundleEntry {
  /** SHA-256 of its statement. */
  readonly id: string;
  readonly state: BundleState;
  readonly version: number;
  readonly recipe: RecipeName;
  readonly createdAt: string;
  /** SHA-256 of the embedder it was trained from, and of its own. */
  readonly base: string;
  readonly embedder: string;
  /** Why it was refused, or what its promotion rests on. */
  readonly note: string;
}

/** How a new champion compares with the network before it, so far. */
export interface ProbationCount {
  readonly decisions: number;
  readonly disagreements: number;
}

const text = Type.String();
const textOrNull = Type.Union([text, Type.Null()]);
const entryRow = Compile(
  Type.Object({
    id: text,
    state: Type.Enum([...bundleStates]),
    version: Type.Integer(),
    recipe: Type.Enum([...recipeNames]),
    createdAt: text,
    base: text,
    embedder: text,
    note: text,
  }),
);
const pointerRow = Compile(
  Type.Object({
    champion: textOrNull,
    lowest: Type.Integer(),
    next: Type.Integer(),
    probation: textOrNull,
    changes: Type.Integer(),
  }),
);
export const historyRow = Compile(Type.Object({ n: Type.Integer(), bundle: textOrNull }));
export const probationForm = Compile(Type.Object({ decisions: Type.Integer(), disagreements: Type.Integer() }));

const columns = 'id, state, version, recipe, created_at AS createdAt, base, embedder, note';

export function registrySql({ db }: RetrainStore) {
  return {
    byId: db.prepare(`SELECT ${columns} FROM bundles WHERE id = ?`),
    insert: db.prepare(
      `INSERT INTO bundles (id, state, version, recipe, created_at, base, embedder) VALUES (?, 'candidate', ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO NOTHING`,
    ),
    setState: db.prepare('UPDATE bundles SET state = ? WHERE id = ?'),
    setNote: db.prepare('UPDATE bundles SET note = ? WHERE id = ?'),
    drop: db.prepare('DELETE FROM bundles WHERE id = ?'),
    point: db.prepare('UPDATE pointer SET champion = ?, lowest_version = max(lowest_version, ?), probation = ?, changes = changes + 1'),
    setNext: db.prepare('UPDATE pointer SET next_version = max(next_version, ?)'),
    setProbation: db.prepare('UPDATE pointer SET probation = ?'),
    push: db.prepare('INSERT INTO history (bundle) VALUES (?)'),
    top: db.prepare('SELECT n, bundle FROM history ORDER BY n DESC LIMIT 1'),
    pop: db.prepare('DELETE FROM history WHERE n = ?'),
    forget: db.prepare('DELETE FROM history WHERE bundle = ?'),
    clear: db.prepare('DELETE FROM history'),
  };
}

export function bundleEntry(store: RetrainStore, row: unknown): BundleEntry {
  return { ...store.row(entryRow, row) };
}

export const pointerOf = (store: RetrainStore) =>
  store.row(
    pointerRow,
    store.db.prepare('SELECT champion, lowest_version AS lowest, next_version AS next, probation, changes FROM pointer').get(),
  );

export const entriesOf = (store: RetrainStore): readonly BundleEntry[] =>
  store.db
    .prepare(`SELECT ${columns} FROM bundles ORDER BY version DESC, id`)
    .all()
    .map((found) => bundleEntry(store, found));

/** Every bundle, the newest first. */
export function listBundles(store: RetrainStore): readonly BundleEntry[] {
  return store.read(() => entriesOf(store));
}

/** Throws Fault `registry-damaged` where a row is none of ours. */
export function checkRegistryRows(store: RetrainStore): void {
  store.read(() => {
    entriesOf(store);
    pointerOf(store);
    for (const found of store.db.prepare('SELECT n, bundle FROM history').all()) store.row(historyRow, found);
  });
}

/** Within a transaction. Which network guards the door then (`base`: that of the configuration), if that changes. */
export function dropNetworks(store: RetrainStore, networks: readonly string[]): string | undefined {
  const sql = registrySql(store);
  for (const id of networks) {
    sql.forget.run(id);
    sql.drop.run(id);
  }
  const { champion } = pointerOf(store);
  if (champion === null || !networks.includes(champion)) return undefined;
  const last = sql.top.get();
  const before = last ? store.row(historyRow, last) : undefined;
  if (before) sql.pop.run(before.n);
  const next = before?.bundle ?? null;
  if (next !== null) sql.setState.run('champion', next);
  sql.point.run(next, 1, null);
  return next ?? 'base';
}

/**
 * The champion's network, for whoever only looks (the command line): what the pointer says, where every file is the
 * one that its statement lists; undefined otherwise.
 */
export function championPlace(store: RetrainStore, root: string, base: string): NetworkPlace | undefined {
  const found = store.read(() => store.db.prepare('SELECT id, base FROM bundles JOIN pointer ON champion = id').get());
  if (!found || found.base !== base) return undefined;
  const folder = join(root, String(found.id));
  const read = readManifest(folder, String(found.id));
  if (read.ok !== 'read' || filesWhole(sealedFiles(store.vault, folder), read.manifest)) return undefined;
  return openedBundle(store.vault, folder);
}
