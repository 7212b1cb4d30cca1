/**
 * A shelf: a folder in which long work keeps a few files. Names and bytes go in and come out; each file is there whole
 * or not at all. With a seal the files lie sealed.
 */
import { lstatSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from '../whole-file.ts';
import type { OpenedFolder } from './place.ts';

/** Seals files, each for its name. */
export interface FileSeal {
  seal(name: string, bytes: Uint8Array): Uint8Array;
  /** Throws Fault `seal-broken` where it is not what was sealed under that name. */
  open(name: string, sealed: Uint8Array): Uint8Array;
}

export interface Shelf {
  readonly folder: string;
  /** Throws the file system's errors. */
  put(name: string, bytes: Uint8Array | string): void;
  /** Undefined where there is no such file. Throws Fault `seal-broken`. */
  get(name: string): Uint8Array | undefined;
  names(): readonly string[];
  empty(): void;
}

export const sealedEnding = '.sealed';

/** The folder is made when something is put into it. */
export function shelfIn(folder: string, seal?: FileSeal): Shelf {
  const ending = seal ? sealedEnding : '';
  const there = () => (lstatSync(folder, { throwIfNoEntry: false }) ? readdirSync(folder) : []);
  return {
    folder,
    put: (name, content) => {
      const bytes = typeof content === 'string' ? Buffer.from(content) : content;
      writeWhole(join(folder, `${name}${ending}`), seal ? seal.seal(name, bytes) : bytes);
    },
    get: (name) => {
      const file = join(folder, `${name}${ending}`);
      if (!lstatSync(file, { throwIfNoEntry: false })?.isFile()) return undefined;
      const bytes = readFileSync(file);
      return seal ? seal.open(name, bytes) : bytes;
    },
    names: () => there().flatMap((name) => (name.endsWith(ending) ? [name.slice(0, name.length - ending.length)] : [])),
    empty: () => {
      for (const name of there()) rmSync(join(folder, name), { recursive: true, force: true });
    },
  };
}

/** What lies on a shelf as the network that it is. */
export const shelved = (shelf: Shelf): OpenedFolder => ({
  folder: shelf.folder,
  files: new Map(shelf.names().flatMap((name) => entryOf(name, shelf.get(name)))),
});

const entryOf = (name: string, bytes: Uint8Array | undefined) => (bytes ? [[name, bytes] as const] : []);
