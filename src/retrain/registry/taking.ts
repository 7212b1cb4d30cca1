/**
 * How networks come into the registry: what was trained here is signed and sealed, a bundle from elsewhere is checked
 * before and after it is copied. Out: the entry of a candidate.
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../../base/errors.ts';
import type { Signer } from '../../base/jws.ts';
import type { NetworkPlace } from '../../base/model/place.ts';
import { makeBundle, readManifest, sha256, verifyBundle } from '../bundle.ts';
import { isSealed, plainFiles, sealedBundle } from '../held/sealed-bundle.ts';
import { writeKeptFolder } from '../kept-folder.ts';
import type { BundleManifest } from '../port.ts';
import { type BundleEntry, pointerOf } from './rows.ts';
import { bundleOf, entry, folderOf, isDestroyed, type RegistryState, removeFolder } from './state.ts';

/** What whoever trained it says of a network. */
export type AboutBundle = Omit<BundleManifest, 'schema' | 'files' | 'version' | 'parent' | 'door'>;

export async function makeEntry(state: RegistryState, from: NetworkPlace, about: AboutBundle, signer: Signer): Promise<BundleEntry> {
  const { store, sql, expected } = state;
  // Counted first: a version is used once, whatever happens to its bundle.
  const version = store.change(() => {
    const { next } = pointerOf(store);
    sql.setNext.run(next + 1);
    return next;
  });
  const { embedder } = expected.inspect(from);
  const parent = expected.base.embedder;
  const { id, files } = await makeBundle(from, { ...about, version, door: expected.door, parent }, signer);
  writeKeptFolder(folderOf(state, id), sealedBundle(store.vault, id, files));
  return store.change(() => {
    sql.insert.run(id, version, about.recipe, about.createdAt, parent, embedder);
    return entry(state, id) as BundleEntry;
  });
}

export async function addEntry(state: RegistryState, from: string): Promise<BundleEntry> {
  const { store, sql, expected } = state;
  const refusal = (reason: string, detail: string) => new Fault('model-refused', `${from} is refused (${reason}): ${detail}`);
  if (isSealed(from))
    throw refusal('sealed', 'it was copied from the state folder of a door, where it lies sealed: take it from its trainer');
  const verdict = await verifyBundle(plainFiles(from), undefined, expected);
  if (!verdict.ok) throw refusal(verdict.reason, verdict.detail);
  const { manifest, embedder } = verdict;
  if (manifest.parent !== expected.base.embedder)
    throw refusal('wrong-base', 'it was trained from another embedder than face.embedder names');
  const read = readManifest(from);
  if (read.ok !== 'read') throw refusal('damaged', 'it was changed meanwhile');
  const { lowest } = store.read(() => pointerOf(store));
  if (manifest.version < lowest) throw refusal('old-version', `it is version ${manifest.version}, at least ${lowest} is allowed`);
  const id = sha256(read.bytes);
  if (isDestroyed(store, id)) throw refusal('removed', 'it was removed from this door for good, with its key');
  const names = [...Object.keys(manifest.files), 'bundle.json', 'bundle.jws'];
  const files = new Map<string, Uint8Array>(names.map((name) => [name, readFileSync(join(from, name))]));
  if (!statSync(folderOf(state, id), { throwIfNoEntry: false })) writeKeptFolder(folderOf(state, id), sealedBundle(store.vault, id, files));
  // What was copied is what counts: the source may have changed between two looks.
  const copied = await verifyBundle(bundleOf(state, id), id, expected);
  if (!copied.ok) {
    removeFolder(state, id);
    throw refusal(copied.reason, copied.detail);
  }
  return store.change(() => {
    sql.insert.run(id, manifest.version, manifest.recipe, manifest.createdAt, expected.base.embedder, embedder);
    sql.setNext.run(manifest.version + 1);
    return entry(state, id) as BundleEntry;
  });
}
