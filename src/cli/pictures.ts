/** Picture files named on the command line: paths and folders in, the files and their bytes out. */
import { statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { Fault, isBadPicture } from '../base/errors.ts';
import { entriesIn, type FileInFolder, type FilePath, shownPath, unnameable, unreadable } from '../base/path.ts';

/**
 * What is taken from a folder. A file that is named may be called anything: its content decides. HEIC is not read, and
 * passing it over in silence would hide that.
 */
const extensions = '.jpg .jpeg .jpe .jfif .png .webp .avif .heic .heif .gif .tif .tiff .bmp .pgm .ppm .pbm .pnm'.split(' ');

/** A picture of a face is smaller. A video or a disk image given by mistake is not read into memory. */
const maxBytes = 64 * 1024 * 1024;

/**
 * The picture files that `paths` stand for: a file for itself, a folder for the pictures directly in it, sorted by
 * name.
 * @throws Fault `not-found` for a path that does not exist, or a folder without a picture.
 */
export function pictureFiles(paths: readonly string[]): FilePath[] {
  return paths.flatMap((path) => (isFolder(path) ? picturesIn(path) : [path]));
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw new Fault(
      'not-found',
      isMissing(error) ? `There is no file or folder ${shownPath(path)}${unnameable(path)}` : unreadable(path, error),
      error,
    );
  }
}

function picturesIn(folder: string): FilePath[] {
  const files = listed(folder).filter(({ name }) => extensions.includes(extname(name).toLowerCase()) && !name.startsWith('.'));
  if (files.length > 0) return files.toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true })).map(({ path }) => path);
  throw new Fault(
    'not-found',
    `There is no picture in the folder ${shownPath(folder)}: files directly in it (not in folders inside it) count that end in ${extensions.join(' ')}`,
  );
}

function listed(folder: string): FileInFolder[] {
  try {
    return entriesIn(folder);
  } catch (error) {
    throw new Fault('not-found', `The folder ${unreadable(folder, error)}`, error);
  }
}

/**
 * Refuses what is not a picture file by its name and size, before networks are loaded for it.
 * @throws Fault `not-found`; `bad-picture` for what cannot be read or is far too large.
 */
export function requirePicture(path: FilePath): Promise<void> {
  return withFile(path, async () => {
    const found = await stat(path);
    if (found.isDirectory()) throw new Fault('bad-picture', `${shownPath(path)} is a folder: name one picture`);
    if (found.size > maxBytes)
      throw new Fault('bad-picture', `${shownPath(path)} is ${Math.round(found.size / 2 ** 20)} MiB: too large for a picture (at most 64)`);
  });
}

/** The bytes of a picture file. @throws what `requirePicture` throws. */
export async function readPicture(path: FilePath): Promise<Uint8Array> {
  await requirePicture(path);
  return await withFile(path, () => readFile(path));
}

async function withFile<T>(path: FilePath, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault(isMissing(error) ? 'not-found' : 'bad-picture', `The file ${unreadable(path, error)}`, error);
  }
}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

/** What is done with a picture's bytes. A fault about the picture names its file. */
export async function withPicture<T>(path: FilePath, work: (picture: Uint8Array) => Promise<T>): Promise<T> {
  const picture = await readPicture(path);
  try {
    return await work(picture);
  } catch (error) {
    if (isBadPicture(error) && !error.message.includes(shownPath(path)))
      throw new Fault(error.code, `${shownPath(path)}: ${error.message}`, error);
    throw error;
  }
}
