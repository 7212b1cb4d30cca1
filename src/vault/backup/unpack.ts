/**
 * Unpacks a backup beside the state folder, and checks it: the file and what opens it in; a folder that is whole to the
 * last byte out, or a fault and nothing left behind. Nothing else is touched.
 */
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, rmSync, statfsSync, statSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Fault, isDiskFull, messageOf } from '../../base/errors.ts';
import { syncFolder } from '../../base/whole-file.ts';
import { decryptedWith, type Opener } from './age-file.ts';
import { isDatabase } from './contents.ts';
import { configurationArea, isProven, type Manifest, manifestName, manifestOf, proofName, stateArea } from './manifest.ts';
import { problemOf } from './still-database.ts';
import { type TarEntry, unpacked } from './tar-file.ts';

export interface UnpackOptions {
  readonly file: string;
  readonly opener: Opener;
  /** Where the state folder of the backup is laid. What is there is removed. */
  readonly to: string;
  readonly signal?: AbortSignal;
  /** Bytes of the backup. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface Unpacked {
  readonly manifest: Manifest;
  /** Files of the configuration, by name. */
  readonly configuration: ReadonlyMap<string, Uint8Array>;
  /** Whether whoever made the backup had the key of the vault. `key`: the vault's key for manifests. */
  isProvenBy(key: Uint8Array): boolean;
}

interface Reading {
  readonly to: string;
  readonly folders: Set<string>;
  readonly found: Map<string, { readonly bytes: number; readonly sha256: string }>;
  readonly configuration: Map<string, Uint8Array>;
  manifest: Buffer | undefined;
  proof: Buffer | undefined;
}

const mostManifestBytes = 64_000_000;
const mostConfigurationBytes = 4_000_000;

/**
 * Throws Faults `backup-damaged`, `backup-refused`, `database-newer`, `bad-argument` (no such file), `disk-full`, and
 * what `signal` carries.
 */
export async function unpackBackup(options: UnpackOptions): Promise<Unpacked> {
  const { file, opener, to, signal } = options;
  await onDisk(to, async () => requireSpace(file, to));
  const reading: Reading = {
    ...{ to, folders: new Set<string>(), found: new Map(), configuration: new Map<string, Uint8Array>() },
    ...{ manifest: undefined, proof: undefined },
  };
  try {
    await onDisk(to, async () => {
      rmSync(to, { recursive: true, force: true });
      mkdirSync(to, { mode: 0o700 });
    });
    for await (const entry of unpacked(await decryptedWith(readFrom(options), opener))) await take(reading, entry);
    const checked = check(reading);
    for (const folder of [to, ...reading.folders]) syncFolder(folder);
    return checked;
  } catch (error) {
    rmSync(to, { recursive: true, force: true });
    signal?.throwIfAborted();
    throw error instanceof Fault ? error : damaged(file, error);
  }
}

const damaged = (file: string, error: unknown): Fault =>
  new Fault(
    'backup-damaged',
    `The backup ${file} cannot be read whole (${messageOf(error)}): use another copy of it, or an older one`,
    error,
  );

/** Before anything is written: a full disk is told in time. */
function requireSpace(file: string, to: string): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size;
  if (size === undefined) throw new Fault('bad-argument', `There is no file ${file}: name the backup to restore`);
  mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
  const { bavail, bsize } = statfsSync(dirname(to));
  if (bavail * bsize < size) throw full(to);
}

const full = (to: string, cause?: unknown): Fault =>
  new Fault(
    'disk-full',
    `There is not enough space in ${dirname(to)} to unpack the backup beside the state folder: free some there`,
    cause,
  );

async function* readFrom({ file, signal, onProgress }: UnpackOptions): AsyncGenerator<Uint8Array> {
  const { size } = statSync(file);
  let done = 0;
  for await (const piece of createReadStream(file, { highWaterMark: 256 * 1024 })) {
    signal?.throwIfAborted();
    done += piece.length;
    onProgress?.(done, size);
    yield piece;
  }
}

async function take(reading: Reading, entry: TarEntry): Promise<void> {
  const { path } = entry;
  if (reading.proof) throw new RangeError('something follows its manifest');
  if (path === manifestName) reading.manifest = await inMemory(entry, mostManifestBytes);
  else if (path === proofName) reading.proof = await inMemory(entry, 100);
  else if (path.startsWith(configurationArea)) {
    const content = await inMemory(entry, mostConfigurationBytes);
    reading.configuration.set(path.slice(configurationArea.length), content);
    reading.found.set(path, { bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') });
  } else if (path.startsWith(stateArea)) await lay(reading, entry);
  else throw new RangeError(`it holds ${JSON.stringify(path.slice(0, 100))}, which belongs to no backup`);
}

async function inMemory({ path, bytes, content }: TarEntry, most: number): Promise<Buffer> {
  if (bytes > most) throw new RangeError(`${path} is too large`);
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** A file of the state folder, on the disk when this returns. */
async function lay(reading: Reading, { path, bytes, content }: TarEntry): Promise<void> {
  const to = join(reading.to, path.slice(stateArea.length));
  await onDisk(reading.to, () => folderOf(reading, dirname(to)));
  const hash = createHash('sha256');
  await using handle = await onDisk(reading.to, () => open(to, 'wx', 0o600));
  for await (const piece of content) {
    hash.update(piece);
    await onDisk(reading.to, async () => {
      for (let done = 0; done < piece.length; ) done += (await handle.write(piece, done)).bytesWritten;
    });
  }
  await onDisk(reading.to, () => handle.sync());
  reading.found.set(path, { bytes, sha256: hash.digest('hex') });
}

async function folderOf({ to, folders }: Reading, folder: string): Promise<void> {
  if (folder === to || folders.has(folder)) return;
  await folderOf({ to, folders } as Reading, dirname(folder));
  await mkdir(folder, { mode: 0o700 });
  folders.add(folder);
}

async function onDisk<T>(to: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Fault) throw error;
    if (isDiskFull(error)) throw full(to, error);
    const remedy = 'run the command as root (sudo), or let this user write there';
    throw new Fault(
      'backup-failed',
      `The backup cannot be unpacked to ${to}, beside the state folder (${messageOf(error)}): ${remedy}`,
      error,
    );
  }
}

/** Every file is there as the manifest says, no other is, and every database is whole. */
function check({ manifest: text, proof, found, configuration, to }: Reading): Unpacked {
  if (!text || !proof) throw new RangeError('its manifest is missing');
  const manifest = manifestOf(text);
  for (const { path, bytes, sha256 } of manifest.files) {
    const there = found.get(path);
    if (there?.bytes !== bytes || there.sha256 !== sha256) throw new RangeError(`${path} is missing, or is not what was backed up`);
  }
  if (found.size !== manifest.files.length) throw new RangeError('it holds a file that its manifest does not know');
  for (const { path } of manifest.files) {
    if (!path.startsWith(stateArea)) continue;
    const file = join(to, path.slice(stateArea.length));
    const problem = isDatabase(file) ? problemOf(file) : undefined;
    if (problem !== undefined) throw new RangeError(`${path} is damaged: ${problem}`);
  }
  return { manifest, configuration, isProvenBy: (key) => isProven(text, proof, key) };
}
