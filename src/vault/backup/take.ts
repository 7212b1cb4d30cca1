/**
 * Takes a backup of a state folder while the door runs: the task in; one encrypted file out, there when it is whole.
 * Every database is copied by SQLite's online backup, one after the other, and the copy is gone from the folder before
 * it is read. Faults name the file and the remedy.
 */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { Fault, isDiskFull, messageOf } from '../../base/errors.ts';
import { sqliteTrouble } from '../../base/sqlite.ts';
import { version } from '../../base/version.ts';
import { isAlive, writeWholePieces } from '../../base/whole-file.ts';
import { encryptedTo } from './age-file.ts';
import { contentsOf, isGone, type StateFile } from './contents.ts';
import { backupFormat, configurationArea, type Manifest, manifestName, manifestText, proofName, stateArea } from './manifest.ts';
import { problemOf } from './still-database.ts';
import { packed, type TarEntry } from './tar-file.ts';

export interface BackupTask {
  /** The state folder. */
  readonly folder: string;
  /** The file to write. One that is there is replaced if it is a backup. */
  readonly to: string;
  /** Files of the configuration, by name. */
  readonly configuration: ReadonlyMap<string, Uint8Array>;
  /** The key of the vault. It stays out, and so does its name with an ending: a killed process may have left it. */
  readonly keys: readonly string[];
  /** What goes in instead of files of the state folder, by path. */
  readonly instead?: ReadonlyMap<string, Uint8Array>;
  /** Of age; at least one. */
  readonly recipients: readonly string[];
  /** The vault's key of this purpose. */
  readonly manifestKey: Uint8Array;
  readonly door: string;
  /** ISO 8601, UTC. */
  readonly takenAt: string;
  /** Who asked for it: an operator, `cli` or `schedule`. */
  readonly by: string;
}

export interface Taken {
  readonly bytes: number;
  readonly files: number;
  /** Links and the like: they are not in the backup. */
  readonly passedOver: readonly string[];
}

export interface BackupHooks {
  readonly signal?: AbortSignal;
  /** Bytes of the state folder, about. */
  readonly onProgress?: (done: number, total: number) => void;
  /**
   * Called when the keyring was copied, and before the backup takes its place. Throws where the key of the task is no
   * longer that of the keyring: nobody could restore such a backup.
   */
  readonly checkKey?: () => void;
}

interface Under {
  readonly task: BackupTask;
  readonly hooks: BackupHooks;
  readonly copies: string;
  readonly listed: Manifest['files'][number][];
  readonly total: number;
  done: number;
}

/** Throws Faults `backup-failed`, `disk-full`, `bad-argument`, and what `signal` carries. */
export async function takeBackup(task: BackupTask, hooks: BackupHooks = {}): Promise<Taken> {
  checkTarget(task.to);
  clearCopies(task.folder);
  const isOut = (path: string) => path === task.to || task.keys.some((key) => path === key || path.startsWith(`${key}.`));
  const { files, passedOver } = contentsOf(task.folder, isOut);
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const under: Under = { task, hooks, copies: copiesFolder(task.folder), listed: [], total, done: 0 };
  try {
    mkdirSync(under.copies, { mode: 0o700 });
    const encrypted = await encryptedTo(packed(entriesOf(under, files)), task, '--to (backup.recipients)');
    const bytes = await written(task.to, encrypted);
    return { bytes, files: under.listed.length, passedOver };
  } catch (error) {
    hooks.signal?.throwIfAborted();
    throw error instanceof Fault ? error : failed(task.to, error);
  } finally {
    rmSync(under.copies, { recursive: true, force: true });
  }
}

/** Not over somebody's other file. */
function checkTarget(to: string): void {
  if (!existsSync(dirname(to)))
    throw new Fault('bad-argument', `There is no folder ${dirname(to)} for the backup: make it, or name another file`);
  if (!existsSync(to)) return;
  const head = Buffer.alloc(21);
  const handle = openSync(to, 'r');
  readSync(handle, head);
  closeSync(handle);
  if (head.toString('latin1') === 'age-encryption.org/v1') return;
  throw new Fault('bad-argument', `${to} exists and is no backup: it is not overwritten, name another file`);
}

function failed(file: string, error: unknown): Fault {
  if (isDiskFull(error) || sqliteTrouble(error) === 'full')
    return new Fault('disk-full', `The disk of ${file} is full: free some space there, or name another file for the backup`, error);
  return new Fault(
    'backup-failed',
    `The backup ${file} cannot be written (${messageOf(error)}): check its folder and who may write there`,
    error,
  );
}

async function written(to: string, pieces: AsyncIterable<Uint8Array>): Promise<number> {
  try {
    return await writeWholePieces(to, pieces);
  } catch (error) {
    throw error instanceof Fault ? error : failed(to, error);
  }
}

const copiesPrefix = '.new-backup-';
const copiesFolder = (folder: string): string => join(folder, `${copiesPrefix}${process.pid}`);

/** Removes the copies that killed processes left in a state folder: they hold keys of people who may be gone since. */
export function clearCopies(folder: string): void {
  for (const name of readdirSync(folder)) {
    const pid = name.startsWith(copiesPrefix) ? Number(name.slice(copiesPrefix.length)) : undefined;
    if (pid !== undefined && (pid === process.pid || !isAlive(pid))) removeCopy(join(folder, name));
  }
}

/** One that root left cannot be removed by the daemon, and must not keep it from starting. */
function removeCopy(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // The next backup that root takes removes it.
  }
}

async function* entriesOf(under: Under, files: readonly StateFile[]): AsyncGenerator<TarEntry> {
  const { task } = under;
  for (const [name, content] of task.configuration) yield listed(under, `${configurationArea}${name}`, content.length, [content]);
  for (const file of files) {
    const instead = task.instead?.get(file.path);
    if (instead) {
      yield listed(under, `${stateArea}${file.path}`, instead.length, [instead]);
      continue;
    }
    const handle = file.kind === 'database' ? await copyOf(under, file) : await opened(join(task.folder, file.path));
    if (!handle) continue;
    try {
      const { size } = await handle.stat();
      yield listed(under, `${stateArea}${file.path}`, size, piecesOf(under, handle, file, size));
    } finally {
      await handle.close();
    }
  }
  under.hooks.checkKey?.();
  const { door, takenAt, by } = task;
  const manifest = { format: backupFormat, facelatch: version, door, takenAt, by, files: under.listed };
  const { text, proof } = manifestText(manifest, task.manifestKey);
  yield { path: manifestName, bytes: text.length, content: [text] };
  yield { path: proofName, bytes: proof.length, content: [proof] };
}

/** The entry; when its content was read, it stands in the manifest. */
function listed({ listed: list }: Under, path: string, bytes: number, content: TarEntry['content']): TarEntry {
  return { path, bytes, content: noted() };
  async function* noted() {
    const hash = createHash('sha256');
    for await (const piece of content) {
      hash.update(piece);
      yield piece;
    }
    list.push({ path, bytes, sha256: hash.digest('hex') });
  }
}

const pieceBytes = 256 * 1024;

/** Its first `size` bytes, in pieces: a file that grows while it is read counts as it was. */
async function* piecesOf(under: Under, handle: FileHandle, { path, bytes }: StateFile, size: number): AsyncGenerator<Uint8Array> {
  const { hooks, total } = under;
  const begun = under.done;
  for (let at = 0; at < size; ) {
    hooks.signal?.throwIfAborted();
    const buffer = Buffer.allocUnsafe(Math.min(pieceBytes, size - at));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) throw new Fault('backup-failed', `${path} became shorter while it was copied: take the backup again`);
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
    under.done = begun + Math.min(at, bytes);
    hooks.onProgress?.(under.done, total);
  }
  under.done = begun + bytes;
}

/** Undefined where it has gone since it was listed. */
async function opened(file: string): Promise<FileHandle | undefined> {
  try {
    return await open(file);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw new Fault('backup-failed', `${file} cannot be read (${messageOf(error)}): run the command as the user of the service`, error);
  }
}

/** More than any database has: one step, so that a door that writes meanwhile does not make it begin again. */
const allPages = 0x7fff_ffff;

/** A copy of a database as it is at this moment. It has no name any more: when it is closed, it is gone. */
async function copyOf(under: Under, { path }: StateFile): Promise<FileHandle | undefined> {
  const file = join(under.task.folder, path);
  const copy = join(under.copies, 'copy.sqlite');
  try {
    // Not read-only: such a connection leaves the files of the log behind.
    const source = new DatabaseSync(file, { timeout: 5000 });
    try {
      await backup(source, copy, { rate: allPages });
    } finally {
      source.close();
    }
    checkWhole(copy, file);
    return await open(copy);
  } catch (error) {
    if (error instanceof Fault) throw error;
    if (!existsSync(file)) return undefined;
    if (sqliteTrouble(error) === 'damaged') throw damagedSource(file, error);
    if (sqliteTrouble(error) === 'full' || sqliteTrouble(error) === 'unwritable')
      throw new Fault(
        'disk-full',
        `The disk of ${under.task.folder} is full, where the backup copies ${path}: free some space there`,
        error,
      );
    throw new Fault('backup-failed', `${file} cannot be copied (${messageOf(error)}): run the command as the user of the service`, error);
  } finally {
    rmSync(copy, { force: true });
  }
}

/** A backup of a damaged database would be a false comfort. */
function checkWhole(copy: string, file: string): void {
  const problem = problemOf(copy);
  if (problem !== undefined) throw damagedSource(file, new Error(problem));
}

const damagedSource = (file: string, error: unknown): Fault =>
  new Fault(
    'backup-failed',
    `${file} is damaged (${messageOf(error)}): repair it or restore it first, "facelatch doctor" says what it is`,
    error,
  );
