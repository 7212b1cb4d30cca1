/** Picture files named on the command line: paths and folders in, the files and their bytes out. */
import { readdirSync, statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { Fault, messageOf } from '../base/errors.ts';

/** What is taken from a folder. A file named by itself may be called anything: its content decides. */
const extensions = [
  '.jpg',
  '.jpeg',
  '.jpe',
  '.jfif',
  '.png',
  '.webp',
  '.avif',
  '.gif',
  '.tif',
  '.tiff',
  '.bmp',
  '.pgm',
  '.ppm',
  '.pbm',
  '.pnm',
];

/** No picture of a face is larger; a video or a disk image given by mistake is not read into memory. */
const maxBytes = 64 * 1024 * 1024;

/**
 * The picture files that `paths` stand for: a file for itself, a folder for the pictures directly in it, in order of name.
 * @throws Fault `not-found` for a path that is not there, or a folder without a picture.
 */
export function pictureFiles(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    return isFolder(path) ? picturesIn(path) : [path];
  });
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new Fault('not-found', missing ? `There is no file or folder ${path}` : `${path} cannot be read: ${messageOf(error)}`, error);
  }
}

function picturesIn(folder: string): string[] {
  const names = listed(folder).filter((name) => extensions.includes(extname(name).toLowerCase()) && !name.startsWith('.'));
  if (names.length > 0) return names.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })).map((name) => join(folder, name));
  throw new Fault(
    'not-found',
    `There is no picture in the folder ${folder}: it takes files directly in it (not in folders below) that end in ${extensions.join(' ')}`,
  );
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    throw new Fault('not-found', `The folder ${folder} cannot be read: ${messageOf(error)}`, error);
  }
}

/** The bytes of a picture file. @throws Fault `not-found`, or `bad-picture` for what cannot be read or is far too large. */
export async function readPicture(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > maxBytes)
      throw new Fault('bad-picture', `${path} is ${Math.round(size / 2 ** 20)} MiB: too large for a picture (at most 64)`);
    return await readFile(path);
  } catch (error) {
    if (error instanceof Fault) throw error;
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new Fault(missing ? 'not-found' : 'bad-picture', `The file ${path} cannot be read: ${messageOf(error)}`, error);
  }
}
