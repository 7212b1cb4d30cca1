/**
 * Bundles at rest. What was trained holds what it learned of people, so its files are sealed under a key of the
 * bundle's own; the statement (`bundle.json`) and its signature hold counts and hashes, and lie open. A bundle's folder
 * and the vault go in; its files come out, in memory alone.
 */
import { lstatSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Fault } from '../../base/errors.ts';
import type { OpenedFolder } from '../../base/model/place.ts';
import { overwrite, syncFolder, writeWhole } from '../../base/whole-file.ts';
import type { KeyOwner, SealedPlace, Vault } from '../../vault/port.ts';

/** The files of a bundle, sealed or not. */
export interface BundleFiles {
  readonly folder: string;
  names(): readonly string[];
  /** Undefined where it is not there, is larger than that, or does not open. */
  read(name: string, atMost: number): Uint8Array | undefined;
}

const ending = '.sealed';
const isOpen = (name: string): boolean => name === 'bundle.json' || name === 'bundle.jws';
const ownerOf = (id: string): KeyOwner => ({ model: id });
const placeOf = (id: string, name: string): SealedPlace => ({ schema: 'bundle 1', column: 'file', row: `${id} ${name}` });
/** What sealing adds to a file is less. Bytes. */
const overhead = 64;

/** As they lie in a folder from elsewhere. */
export const plainFiles = (folder: string): BundleFiles => ({
  folder,
  names: () => readdirSync(folder),
  read: (name, atMost) => bytesOf(join(folder, name), atMost),
});

/** Of a bundle of this door. */
export const sealedFiles = (vault: Vault, folder: string): BundleFiles => ({
  folder,
  names: () => readdirSync(folder).map((name) => (name.endsWith(ending) ? name.slice(0, -ending.length) : name)),
  read: (name, atMost) => {
    if (isOpen(name)) return bytesOf(join(folder, name), atMost);
    const sealed = bytesOf(join(folder, `${name}${ending}`), atMost + overhead);
    // Not sealed yet: of an earlier version. The statement says whether it is the right file.
    return sealed ? openedFile(vault, basename(folder), name, sealed) : bytesOf(join(folder, name), atMost);
  },
});

/** Whether it is, or was copied from, the bundle of a door. */
export const isSealed = (folder: string): boolean =>
  lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() === true && readdirSync(folder).some((name) => name.endsWith(ending));

/** These files of a bundle as the network that they are. */
export function openedFrom(bundle: BundleFiles, names: readonly string[]): OpenedFolder {
  const entries = names.flatMap((name) => {
    const bytes = bundle.read(name, Number.POSITIVE_INFINITY);
    return bytes ? [[name, bytes] as const] : [];
  });
  return { folder: bundle.folder, files: new Map(entries) };
}

/** A bundle of this door as the network that it is. */
export function openedBundle(vault: Vault, folder: string): OpenedFolder {
  const bundle = sealedFiles(vault, folder);
  return openedFrom(bundle, statSync(folder, { throwIfNoEntry: false }) ? bundle.names().filter((name) => !isOpen(name)) : []);
}

/** A broken seal is a damaged file: the door goes back to the network before it. */
function openedFile(vault: Vault, id: string, name: string, sealed: Uint8Array): Uint8Array | undefined {
  try {
    return vault.open(ownerOf(id), placeOf(id, name), sealed);
  } catch (error) {
    if (error instanceof Fault && error.code === 'seal-broken') return undefined;
    throw error;
  }
}

/** The files as they are written. Throws the vault's Faults. */
export function sealedBundle(vault: Vault, id: string, files: ReadonlyMap<string, Uint8Array>): ReadonlyMap<string, Uint8Array> {
  return new Map(
    [...files].map(([name, bytes]) =>
      isOpen(name) ? [name, bytes] : [`${name}${ending}`, vault.seal(ownerOf(id), placeOf(id, name), bytes)],
    ),
  );
}

/** The files of a bundle that an earlier version wrote, and that are not sealed yet. */
export const plainNames = (folder: string): readonly string[] =>
  lstatSync(folder, { throwIfNoEntry: false })?.isDirectory()
    ? readdirSync(folder).filter((name) => !isOpen(name) && !name.endsWith(ending))
    : [];

/**
 * Seals them: each is written sealed and synced, then overwritten and removed. Killed at any moment, it goes on from
 * there. One process at a time. Throws the vault's Faults and the file system's errors.
 */
export function sealPlainFiles(vault: Vault, folder: string): void {
  for (const name of plainNames(folder)) {
    const [plain, sealed] = [join(folder, name), join(folder, `${name}${ending}`)];
    if (!lstatSync(sealed, { throwIfNoEntry: false }) && lstatSync(plain).isFile())
      writeWhole(sealed, vault.seal(ownerOf(basename(folder)), placeOf(basename(folder), name), readFileSync(plain)));
    overwrite(plain);
    rmSync(plain, { recursive: true, force: true });
  }
  syncFolder(folder);
}

function bytesOf(file: string, atMost: number): Uint8Array | undefined {
  const found = lstatSync(file, { throwIfNoEntry: false });
  return found?.isFile() && found.size <= atMost ? readFileSync(file) : undefined;
}
