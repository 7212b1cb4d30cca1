/**
 * The files around training: the folder of a run with its settings, space for its checkpoints, sheets, plots and pages.
 * What the disk refuses becomes a Fault that says what to do.
 */
import { accessSync, constants, readFileSync, statfsSync, statSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { Fault, isDiskFull, messageOf } from '../../base/errors.ts';
import { makeFolder } from '../../base/make-folder.ts';
import { writeWhole } from '../../base/whole-file.ts';
import { previewSheet } from '../../train/data/batches.ts';
import type { Part } from '../../train/data/dataset.ts';
import { openPicturesOf } from '../../train/data/pictures.ts';
import { networkParameters, sizeOf } from '../../train/network/network.ts';
import type { Network } from '../../train/port.ts';
import type { TrainingRecipe } from '../../train/recipe.ts';

/** Makes a folder where it is missing. Throws Fault `bad-argument`, `disk-full`. */
export function makeOutFolder(folder: string): void {
  attempt(folder, () => makeFolder(folder, 0o777));
}

/** Writes a file whole or not at all, and the folder it lies in. Throws Fault `bad-argument`, `disk-full`. */
export function writeInFolder(file: string, content: string | Uint8Array): void {
  attempt(file, () => writeWhole(file, content, { mode: 0o644, folderMode: 0o777 }));
}

/** That `writeInFolder` can write it: for work that takes hours before it does. Throws Fault `bad-argument`. */
export function requireWritable(file: string): void {
  attempt(file, () => {
    makeFolder(dirname(file), 0o777);
    accessSync(dirname(file), constants.W_OK | constants.X_OK);
    if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) throw new Error('a folder has this name');
  });
}

function attempt(path: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (isDiskFull(error))
      throw new Fault('disk-full', `The disk filled while ${path} was written: free space there and try again.`, error);
    throw new Fault('bad-argument', `${path} cannot be written (${messageOf(error)}): choose another place.`, error);
  }
}

const settingsName = 'settings.json';

/** What a run or a search was started with, so that it can be resumed. */
export function writeSettings(folder: string, settings: unknown): void {
  writeInFolder(join(folder, settingsName), `${JSON.stringify(settings, undefined, 1)}\n`);
}

/** Throws Fault `not-found` where the folder holds no run. */
export function readSettings<T>(folder: string): T {
  const found = findSettings<T>(folder);
  if (found === undefined)
    throw new Fault('not-found', `There is no training run in ${folder} (no ${settingsName}): start one without --resume.`);
  return found;
}

/** Undefined where there are none. Throws Fault `bad-argument` where they cannot be read. */
export function findSettings<T>(folder: string): T | undefined {
  const file = join(folder, settingsName);
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Fault('bad-argument', `${file} cannot be read (${messageOf(error)}): remove it, or choose another --out.`, error);
  }
}

/** Weights and two running means in float32, three times: the newest, the one before, and the one being written. */
export function requireSpace(folder: string, network: Network): void {
  const needed = 3 * 3 * 4 * networkParameters(network).reduce((sum, { dims }) => sum + sizeOf(dims), 0);
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  if (free >= needed) return;
  const megabytes = (bytes: number) => `${Math.ceil(bytes / 1e6).toLocaleString('en')} MB`;
  throw new Fault(
    'disk-full',
    `Checkpoints of this network need ${megabytes(needed)}; ${folder} has ${megabytes(free)} free: free space, or choose another --out.`,
  );
}

/** Writes the sheet of the first batch: four pairs in a row. Throws Fault `bad-argument` for another kind of file. */
export async function writePreview(file: string, recipe: TrainingRecipe, part: Part): Promise<void> {
  const formats: Readonly<Record<string, 'png' | 'jpeg'>> = { '.png': 'png', '.jpg': 'jpeg', '.jpeg': 'jpeg' };
  const format = formats[extname(file).toLowerCase()];
  if (!format) throw new Fault('bad-argument', `--preview writes .png and .jpg, not ${file}`);
  const { side } = recipe.network;
  const { pairs, augment, seed } = recipe;
  writeInFolder(file, await previewSheet({ part, pictures: openPicturesOf(side, recipe.faces), side, pairs, augment, seed }, format));
}
