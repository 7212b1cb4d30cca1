/**
 * Files and folders that exist whole or not at all. Content goes in, is written beside its place, synced, and moved
 * there by one rename; then the folder is synced. A crash or a power cut at any point leaves what was there before.
 */
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { kill, pid } from 'node:process';

/** Prefix of the names of unfinished files and folders. */
const unfinished = '.new-';

/** `.new-NAME.PID-RANDOM`: of two processes that write the same file, each has its own. */
function besideOf(path: string): string {
  clearLeft(dirname(path), (name) => name === basename(path));
  return join(dirname(path), `${unfinished}${basename(path)}.${pid}-${randomBytes(4).toString('hex')}`);
}

/**
 * Removes from `folder` the unfinished files whose final name `isOurs` takes, and that no other process is still
 * writing. What cannot be removed stays: it is in nobody's way.
 */
export function clearLeft(folder: string, isOurs: (name: string) => boolean): void {
  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch {
      return undefined;
    }
  };
  for (const found of attempt(() => readdirSync(folder)) ?? []) {
    // Without a process: of an earlier version.
    const [, name = '', by] = /^\.new-(.+?)(?:\.(\d+)-[0-9a-f]{8})?$/.exec(found) ?? [];
    if (name === '' || !isOurs(name) || (by !== undefined && Number(by) !== pid && isAlive(Number(by)))) continue;
    attempt(() => rmSync(join(folder, found), { recursive: true, force: true }));
  }
}

/** Whether there is a process of this id. */
export function isAlive(id: number): boolean {
  try {
    return kill(id, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

export interface WholeFileOptions {
  /** Mode of the file. */
  readonly mode?: number;
  /** Mode of folders that have to be made. */
  readonly folderMode?: number;
}

/**
 * Creates or replaces `file`, and makes its folder if there is none. Throws the file system's error; `file` is then
 * unchanged.
 */
export function writeWhole(file: string, content: Uint8Array | string, { mode = 0o600, folderMode = 0o700 }: WholeFileOptions = {}): void {
  const folder = dirname(file);
  mkdirSync(folder, { recursive: true, mode: folderMode });
  const beside = besideOf(file);
  try {
    writeSynced(beside, content, mode);
    renameSync(beside, file);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
  syncFolder(folder);
}

/**
 * As `writeWhole`, for content that comes piece by piece; returns its size in bytes. Throws the file system's error, or
 * what `pieces` throws; `file` is then unchanged.
 */
export async function writeWholePieces(file: string, pieces: AsyncIterable<Uint8Array>, mode = 0o600): Promise<number> {
  const beside = besideOf(file);
  try {
    await using handle = await open(beside, 'wx', mode);
    await handle.chmod(mode); // the umask may have taken from it
    let bytes = 0;
    for await (const piece of pieces) bytes += await writeAll(handle, piece);
    await handle.sync();
    renameSync(beside, file);
    syncFolder(dirname(file));
    return bytes;
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}

async function writeAll(handle: FileHandle, piece: Uint8Array): Promise<number> {
  for (let done = 0; done < piece.length; ) done += (await handle.write(piece, done)).bytesWritten;
  return piece.length;
}

/** A document as JSON, ending with a line break. */
export const jsonText = (document: unknown): string => `${JSON.stringify(document, undefined, 2)}\n`;

/**
 * Writes `files` as the folder `to`, which must not exist. Throws the file system's error; `to` then does not exist.
 */
export function writeWholeFolder(to: string, files: ReadonlyMap<string, Uint8Array>): void {
  const parent = dirname(to);
  mkdirSync(parent, { recursive: true, mode: 0o700 });
  const beside = besideOf(to);
  try {
    mkdirSync(beside, { mode: 0o700 });
    for (const [name, bytes] of files) writeSynced(join(beside, name), bytes, 0o600);
    syncFolder(beside);
    renameSync(beside, to);
    syncFolder(parent);
  } catch (error) {
    rmSync(beside, { recursive: true, force: true });
    throw error;
  }
}

/** Removes what killed processes left unfinished in `folder`. */
export function clearUnfinished(folder: string): void {
  for (const name of lstatSync(folder, { throwIfNoEntry: false }) ? readdirSync(folder) : [])
    if (name.startsWith(unfinished)) rmSync(join(folder, name), { recursive: true, force: true });
}

/** Waits until the folder's entries (a rename, a removal) are on the disk. */
export function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function writeSynced(file: string, content: Uint8Array | string, mode: number): void {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const handle = openSync(file, 'wx', mode);
  try {
    fchmodSync(handle, mode); // the umask may have taken from it
    for (let done = 0; done < bytes.length; ) done += writeSync(handle, bytes, done);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** What root makes in a folder of the service belongs to the service. */
export function giveToOwnerOfFolder(file: string): void {
  if (process.geteuid?.() !== 0) return;
  const { uid, gid } = statSync(dirname(file));
  chownSync(file, uid, gid);
}

/**
 * Zeros in place of what a file holds, on the disk when this returns: before it is deleted. A card of flash memory may
 * keep what was overwritten. A link is not followed.
 */
export function overwrite(file: string): void {
  const found = lstatSync(file);
  if (!found.isFile()) return;
  const handle = openSync(file, 'r+');
  const zeros = new Uint8Array(1 << 20);
  try {
    for (let done = 0; done < found.size; ) done += writeSync(handle, zeros, 0, Math.min(zeros.length, found.size - done), done);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
