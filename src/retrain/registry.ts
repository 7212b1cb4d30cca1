/**
 * The registry: bundles in the state folder and what each is (candidate, champion, retired); results of training go in, and the one pointer says which network
 * guards the door. What becomes the champion was measured before (promotion.ts); here it is only made so, in one transaction.
 */
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../base/errors.ts';
import { type BundleVerdict, type Expected, filesWhole, makeBundle, readManifest, type Signer, sha256, verifyBundle } from './bundle.ts';
import type { BundleManifest, BundleState, RecipeName } from './port.ts';
import type { Store } from './store.ts';
import { clearUnfinished, writeFolder } from './whole.ts';

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

/** How a new champion does beside the network before it. */
export interface ProbationCount {
  readonly decisions: number;
  readonly disagreements: number;
}

export interface Registry extends Disposable {
  /** SHA-256 of the embedder of the configuration. */
  readonly base: string;
  list(): readonly BundleEntry[];
  /** By id, or by a beginning of it that fits no other. Throws Fault `not-found`. */
  find(idOrBeginning: string): BundleEntry;
  folder(id: string): string;
  /** The champion trained from the base in use; undefined where that base itself guards the door. */
  champion(): BundleEntry | undefined;
  /** What a rollback would bring: a bundle, or `base`; undefined where there is nothing before. */
  before(): BundleEntry | 'base' | undefined;
  /** Whole, trusted, for this door, of the right shape and not older than allowed. */
  verify(id: string): Promise<BundleVerdict>;
  /** Signs what was trained and keeps it as a candidate. */
  make(
    folder: string,
    about: Omit<BundleManifest, 'schema' | 'files' | 'version' | 'parent' | 'door'>,
    signer: Signer,
  ): Promise<BundleEntry>;
  /** Takes in a bundle from elsewhere. Throws Fault `model-refused`. */
  add(folder: string): Promise<BundleEntry>;
  note(id: string, note: string): void;
  /** The one switch. The network before goes on the stack of `rollback`. */
  promote(id: string, note: string): void;
  /** Back to the network before the champion; undefined where there is none. */
  rollback(note: string): { readonly to: BundleEntry | 'base'; readonly from: BundleEntry } | undefined;
  /** Takes what a rollback would bring off the stack: it is damaged. */
  skip(): void;
  /** Throws Fault `model-refused` for the champion, `not-found`. */
  remove(id: string): void;
  /** Removes the oldest beyond `count`, never the champion or the one before it; their ids. */
  prune(count: number): readonly string[];
  /** Undefined: the champion has stood it, or there is none. */
  readonly probation: ProbationCount | undefined;
  setProbation(probation: ProbationCount | undefined): void;
  /** Counts every change of the pointer, by any process. */
  readonly changes: number;
}

export interface RegistryOptions {
  readonly store: Store;
  /** Where the bundles lie. */
  readonly folder: string;
  readonly expected: Expected;
}

const orphanMs = 3_600_000;
const columns = 'id, state, version, recipe, created_at AS createdAt, base, embedder, note';

export function openRegistry({ store, folder: root, expected }: RegistryOptions): Registry {
  const { db } = store;
  clearUnfinished(root);
  const all = db.prepare(`SELECT ${columns} FROM bundles ORDER BY version DESC, id`);
  const byId = db.prepare(`SELECT ${columns} FROM bundles WHERE id = ?`);
  const insert = db.prepare(
    `INSERT INTO bundles (id, state, version, recipe, created_at, base, embedder) VALUES (?, 'candidate', ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
  );
  const setState = db.prepare('UPDATE bundles SET state = ? WHERE id = ?');
  const setNote = db.prepare('UPDATE bundles SET note = ? WHERE id = ?');
  const drop = db.prepare('DELETE FROM bundles WHERE id = ?');
  const pointer = db.prepare('SELECT champion, lowest_version AS lowest, next_version AS next, probation, changes FROM pointer');
  const point = db.prepare(
    'UPDATE pointer SET champion = ?, lowest_version = max(lowest_version, ?), probation = ?, changes = changes + 1',
  );
  const push = db.prepare('INSERT INTO history (bundle) VALUES (?)');
  const top = db.prepare('SELECT n, bundle FROM history ORDER BY n DESC LIMIT 1');
  const pop = db.prepare('DELETE FROM history WHERE n = ?');
  const forget = db.prepare('DELETE FROM history WHERE bundle = ?');

  const entry = (id: unknown): BundleEntry | undefined => {
    const found = typeof id === 'string' ? byId.get(id) : undefined;
    return found && ({ ...found } as unknown as BundleEntry);
  };
  const state = () => pointer.get() as { champion: string | null; lowest: number; next: number; probation: string | null; changes: number };
  const folderOf = (id: string) => join(root, id);
  const champion = () => {
    const now = entry(state().champion);
    // Trained from another embedder than the configuration names now: the owner has chosen anew.
    return now && now.base === expected.base.embedder ? now : undefined;
  };
  const list = () => listBundles(store);

  const verify = async (id: string): Promise<BundleVerdict> => {
    const known = store.read(() => entry(id));
    if (known && known.base !== expected.base.embedder)
      return { ok: false, reason: 'wrong-base', detail: 'it was trained from another embedder than face.embedder names now' };
    const verdict = await verifyBundle(folderOf(id), id, expected);
    const { lowest, champion: now } = store.read(state);
    if (verdict.ok && id !== now && verdict.manifest.version < lowest)
      return {
        ok: false,
        reason: 'old-version',
        detail: `it is version ${verdict.manifest.version}; version ${lowest} has guarded this door, and nothing older may again but by rollback`,
      };
    return verdict;
  };

  const before = (): BundleEntry | 'base' | undefined => {
    const last = top.get();
    if (!champion() || !last) return undefined;
    return last.bundle === null ? 'base' : entry(last.bundle);
  };

  const removeFolder = (id: string) => rmSync(folderOf(id), { recursive: true, force: true });

  return {
    base: expected.base.embedder,
    list,
    find: (text) => {
      const found = /^[0-9a-f]{4,64}$/.test(text) ? list().filter(({ id }) => id.startsWith(text)) : [];
      const [one, other] = found;
      if (one && !other) return one;
      throw new Fault(
        'not-found',
        `${one ? 'More than one network begins' : 'There is no trained network'} ${text.slice(0, 64)}: "facelatch models list" shows them`,
      );
    },
    folder: folderOf,
    champion: () => store.read(champion),
    before: () => store.read(before),
    verify,
    make: async (from, about, signer) => {
      // Counted first: a version is used once, whatever happens to its bundle.
      const version = store.change(() => {
        const { next } = state();
        db.prepare('UPDATE pointer SET next_version = ?').run(next + 1);
        return next;
      });
      const { embedder } = expected.inspect(from);
      const { id, files } = await makeBundle(from, { ...about, version, door: expected.door, parent: expected.base.embedder }, signer);
      writeFolder(folderOf(id), files);
      return store.change(() => {
        insert.run(id, version, about.recipe, about.createdAt, expected.base.embedder, embedder);
        return entry(id) as BundleEntry;
      });
    },
    add: async (from) => {
      const refuse = (reason: string, detail: string) => new Fault('model-refused', `${from} is refused (${reason}): ${detail}`);
      const verdict = await verifyBundle(from, undefined, expected);
      if (!verdict.ok) throw refuse(verdict.reason, verdict.detail);
      const { manifest, embedder } = verdict;
      if (manifest.parent !== expected.base.embedder)
        throw refuse('wrong-base', 'it was trained from another embedder than face.embedder names');
      const read = readManifest(from);
      if (read.ok !== 'read') throw refuse('damaged', 'it was changed meanwhile');
      const { lowest } = store.read(state);
      if (manifest.version < lowest) throw refuse('old-version', `it is version ${manifest.version}, at least ${lowest} is allowed`);
      const names = [...Object.keys(manifest.files), 'bundle.json', 'bundle.jws'];
      const files = new Map<string, Uint8Array>(names.map((name) => [name, readFileSync(join(from, name))]));
      const id = sha256(read.bytes);
      if (!statSync(folderOf(id), { throwIfNoEntry: false })) writeFolder(folderOf(id), files);
      // What was copied is what counts: the source may have changed between two looks.
      const copied = await verifyBundle(folderOf(id), id, expected);
      if (!copied.ok) {
        removeFolder(id);
        throw refuse(copied.reason, copied.detail);
      }
      return store.change(() => {
        insert.run(id, manifest.version, manifest.recipe, manifest.createdAt, expected.base.embedder, embedder);
        db.prepare('UPDATE pointer SET next_version = max(next_version, ?)').run(manifest.version + 1);
        return entry(id) as BundleEntry;
      });
    },
    note: (id, note) => store.change(() => void setNote.run(note, id)),
    promote: (id, note) =>
      store.change(() => {
        const next = entry(id);
        const now = champion();
        if (!next) throw new Fault('not-found', `There is no trained network ${id}`);
        if (now?.id === id) return;
        if (now) setState.run('retired', now.id);
        // Without a champion of this base, what was before goes back to that base.
        if (!now) db.exec('DELETE FROM history');
        push.run(now?.id ?? null);
        setState.run('champion', id);
        setNote.run(note, id);
        point.run(id, next.version, JSON.stringify({ decisions: 0, disagreements: 0 } satisfies ProbationCount));
      }),
    rollback: (note) =>
      store.change(() => {
        const from = champion();
        const to = before();
        const last = top.get();
        if (!from || !to || !last) return undefined;
        pop.run(Number(last.n));
        setState.run('retired', from.id);
        setNote.run(note, from.id);
        if (to !== 'base') setState.run('champion', to.id);
        point.run(to === 'base' ? null : to.id, 1, null);
        return { to, from };
      }),
    skip: () =>
      store.change(() => {
        const last = top.get();
        if (last) pop.run(Number(last.n));
        // Below everything lies the network of the configuration.
        if (!top.get()) push.run(null);
      }),
    remove: (id) => {
      store.change(() => {
        const found = entry(id);
        if (!found) throw new Fault('not-found', `There is no trained network ${id}`);
        if (found.state === 'champion')
          throw new Fault('model-refused', 'This network guards the door: "facelatch models rollback" first, then remove it');
        drop.run(id);
        forget.run(id);
      });
      removeFolder(id);
    },
    prune: (count) => {
      const removed = store.change(() => {
        const spared = before();
        const old = all
          .all()
          .map((found) => ({ ...found }) as unknown as BundleEntry)
          .filter(({ id, state: is }) => is !== 'champion' && (spared === 'base' || spared?.id !== id))
          .slice(count);
        for (const { id } of old) {
          drop.run(id);
          forget.run(id);
        }
        return old.map(({ id }) => id);
      });
      for (const id of removed) removeFolder(id);
      // What a crash left between the folder and its row; what is young may be another process's that writes the row now.
      const old = (name: string) => Date.now() - statSync(folderOf(name)).mtimeMs > orphanMs;
      const known = new Set(list().map(({ id }) => id));
      for (const name of statSync(root, { throwIfNoEntry: false }) ? readdirSync(root) : [])
        if (/^[0-9a-f]{64}$/.test(name) && !known.has(name) && old(name)) removeFolder(name);
      return removed;
    },
    get probation() {
      const { probation } = store.read(state);
      return probation === null ? undefined : (JSON.parse(probation) as ProbationCount);
    },
    setProbation: (probation) =>
      store.change(() => void db.prepare('UPDATE pointer SET probation = ?').run(probation ? JSON.stringify(probation) : null)),
    get changes() {
      return store.read(() => state().changes);
    },
    [Symbol.dispose]: () => store[Symbol.dispose](),
  };
}

/** Every bundle, the newest first. */
export function listBundles(store: Store): readonly BundleEntry[] {
  return store.read(() =>
    store.db
      .prepare(`SELECT ${columns} FROM bundles ORDER BY version DESC, id`)
      .all()
      .map((found) => ({ ...found }) as unknown as BundleEntry),
  );
}

/** The champion's folder for whoever only looks (the command line): the pointer's word, and every file the one that its statement lists; undefined otherwise. */
export function championFolder(store: Store, root: string, base: string): string | undefined {
  const found = store.read(() => store.db.prepare('SELECT id, base FROM bundles JOIN pointer ON champion = id').get());
  if (!found || found.base !== base) return undefined;
  const folder = join(root, String(found.id));
  const read = readManifest(folder, String(found.id));
  return read.ok === 'read' && !filesWhole(folder, read.manifest) ? folder : undefined;
}
