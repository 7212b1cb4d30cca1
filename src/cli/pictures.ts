/** Picture files named on the command line: paths and folders in, the files and their bytes out. */
import { readdirSync, statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { Fault } from '../base/errors.ts';
import { unreadable } from '../base/unreadable.ts';

/** What is taken from a folder. A file that is named may be called anything: its content decides. */
const extensions = '.jpg .jpeg .jpe .jfif .png .webp .avif .gif .tif .tiff .bmp .pgm .ppm .pbm .pnm'.split(' ');

/** A picture of a face is smaller. A video or a disk image given by mistake is not read into memory. */
const maxBytes = 64 * 1024 * 1024;

/**
 * The picture files that `paths` stand for: a file for itself, a folder for the pictures directly in it, sorted by
 * name.
 * @throws Fault `not-found` for a path that does not exist, or a folder without a picture.
 */
export function pictureFiles(paths: readonly string[]): string[] {
  return paths.flatMap((path) => (isFolder(path) ? picturesIn(path) : [path]));
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw new Fault('not-found', isMissing(error) ? `There is no file or folder ${path}` : unreadable(path, error), error);
  }
}

function picturesIn(folder: string): string[] {
  const names = listed(folder).filter((name) => extensions.includes(extname(name).toLowerCase()) && !name.startsWith('.'));
  if (names.length > 0) return names.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })).map((name) => join(folder, name));
  throw new Fault(
    'not-found',
    `There is no picture in the folder ${folder}: files directly in it (not in folders inside it) count that end in ${extensions.join(' ')}`,
  );
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    throw new Fault('not-found', `The folder ${unreadable(folder, error)}`, error);
  }
}

/**
 * The bytes of a picture file.
 * @throws Fault `not-found`; `bad-picture` for what cannot be read or is far too large.
 */
export async function readPicture(path: string): Promise<Uint8Array> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw new Fault('bad-picture', `${path} is a folder: name one picture`);
    if (found.size > maxBytes)
      throw new Fault('bad-picture', `${path} is ${Math.round(found.size / 2 ** 20)} MiB: too large for a picture (at most 64)`);
    return await readFile(path);
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault(isMissing(error) ? 'not-found' : 'bad-picture', `The file ${unreadable(path, error)}`, error);
  }
}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

/** What is done with a picture's bytes. A fault about the picture names its file. */
export async function withPicture<T>(path: string, work: (picture: Uint8Array) => Promise<T>): Promise<T> {
  const picture = await readPicture(path);
  try {
    return await work(picture);
  } catch (error) {
    if (error instanceof Fault && error.code === 'bad-picture' && !error.message.includes(path))
      throw new Fault('bad-picture', `${path}: ${error.message}`, error);
    throw error;
  }
}
