/**
 * The proof of a removal: what was held of a person, and a folder, go in; where pieces of it still stand comes out.
 * What a restore left beside the folder is searched too. Every regular file is read as it lies on the disk, so free
 * pages and write-ahead logs of databases are looked through as well. Runs of bytes of each value are looked for, one
 * in every half kilobyte; of a name, the whole of it.
 */
import { closeSync, type Dirent, lstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type FolderBeside, foldersBeside } from './beside.ts';

/** What was held of somebody, taken before it is removed. */
export interface Traces {
  /** Pictures and templates. */
  readonly plain: readonly Uint8Array[];
  readonly names: readonly string[];
  /** The same as it lies in the files. */
  readonly sealed: readonly Uint8Array[];
}

/** Several rooms' traces as one. */
export const tracesOf = (all: readonly Traces[]): Traces => ({
  plain: all.flatMap(({ plain }) => plain),
  names: all.flatMap(({ names }) => names),
  sealed: all.flatMap(({ sealed }) => sealed),
});

type TraceKind = keyof Traces;

export interface Searched {
  readonly files: number;
  readonly bytes: number;
  /** Files and folders that could not be read, by their path from the folder. */
  readonly unread: readonly string[];
  /** What a restore left beside the folder. */
  readonly beside: readonly FolderBeside[];
  /** Files in which something was found. */
  readonly found: readonly { readonly file: string; readonly kinds: readonly TraceKind[] }[];
}

/** A run is found wherever it lies: one of its words stands at a multiple of `stride`. */
const [runBytes, stride] = [32, 16];
const everyBytes = 512;
/** Pictures begin alike: tables, colour profiles. */
const alikeBytes = 4096;
/** A run with fewer different bytes may stand in any file. */
const leastDistinct = 12;
/** A shorter name stands in any file by chance; it is looked for between the quotation marks of JSON. */
const shortNameBytes = 6;
const chunkBytes = 1 << 20;
const filterBits = 22;

interface Run {
  readonly bytes: Uint8Array;
  readonly kind: TraceKind;
}
interface Needles {
  /** For each word that a run has at one of its places: the runs and the places. */
  readonly words: ReadonlyMap<number, readonly { readonly run: Run; readonly at: number }[]>;
  /** A bit for each hash of a word. */
  readonly filter: Uint32Array;
  readonly names: readonly Buffer[];
}

/** Throws the file system's error where the folder itself cannot be read. */
export function searchFolder(folder: string, traces: Traces): Searched {
  const needles = needlesOf(traces);
  const beside = foldersBeside(folder);
  const searched = { files: 0, bytes: 0, unread: [] as string[], found: [] as { file: string; kinds: TraceKind[] }[], beside };
  const chunk = Buffer.alloc(chunkBytes + overlapOf(needles) + stride);
  // A folder that is gone by now holds nothing.
  const isThere = (path: string) => lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  const own = filesIn(folder, (at, error) => {
    if (at === folder || isThere(at)) throw error;
  });
  const others = beside.map(({ path }) =>
    filesIn(path, (at) => {
      if (isThere(at)) searched.unread.push(relative(folder, at));
    }),
  );
  for (const file of [own, ...others].flatMap((files) => [...files])) {
    try {
      const { bytes, kinds } = searchFile(file, needles, chunk);
      searched.files++;
      searched.bytes += bytes;
      if (kinds.size > 0) searched.found.push({ file: relative(folder, file), kinds: [...kinds].sort() });
    } catch (error) {
      if (!(error instanceof Error && 'syscall' in error)) throw error;
      // A file that is gone by now holds nothing.
      if (lstatSync(file, { throwIfNoEntry: false })) searched.unread.push(relative(folder, file));
    }
  }
  return searched;
}

/** `failed`: hears of a folder that cannot be read. */
function* filesIn(folder: string, failed: (folder: string, error: unknown) => void): Generator<string> {
  for (const entry of entriesOf(folder, failed)) {
    const path = join(folder, entry.name);
    if (entry.isFile()) yield path;
    else if (entry.isDirectory()) yield* filesIn(path, failed);
  }
}

function entriesOf(folder: string, failed: (folder: string, error: unknown) => void): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    failed(folder, error);
    return [];
  }
}

function needlesOf({ plain, names, sealed }: Traces): Needles {
  const words = new Map<number, { run: Run; at: number }[]>();
  const filter = new Uint32Array(1 << (filterBits - 5));
  const runs = [...plain.flatMap((value) => runsOf(value, 'plain')), ...sealed.flatMap((value) => runsOf(value, 'sealed'))];
  for (const run of runs) {
    const view = new DataView(run.bytes.buffer, run.bytes.byteOffset, runBytes);
    for (let at = 0; at < stride; at++) {
      const word = view.getInt32(at, true);
      const known = words.get(word);
      if (known) known.push({ run, at });
      else words.set(word, [{ run, at }]);
      const hash = hashOf(word);
      filter[hash >>> 5] = (filter[hash >>> 5] ?? 0) | (1 << (hash & 31));
    }
  }
  return { words, filter, names: names.filter((name) => name !== '').map(nameBytes) };
}

function nameBytes(name: string): Buffer {
  const bytes = Buffer.from(name);
  return bytes.length < shortNameBytes ? Buffer.from(JSON.stringify(name)) : bytes;
}

const hashOf = (word: number): number => Math.imul(word, 0x9e3779b1) >>> (32 - filterBits);

function runsOf(value: Uint8Array, kind: TraceKind): Run[] {
  const runs: Run[] = [];
  const from = value.length > 2 * alikeBytes ? alikeBytes : 0;
  for (let at = from; at + runBytes <= value.length; at += everyBytes) {
    const bytes = value.slice(at, at + runBytes);
    if (new Set(bytes).size >= leastDistinct) runs.push({ bytes, kind });
  }
  return runs;
}

const overlapOf = ({ names }: Needles): number => Math.ceil(Math.max(runBytes, ...names.map(({ length }) => length)) / stride) * stride;

/** Piece by piece; what may lie across the end of one is carried over to the next. */
function searchFile(file: string, needles: Needles, chunk: Buffer): { readonly bytes: number; readonly kinds: ReadonlySet<TraceKind> } {
  const kinds = new Set<TraceKind>();
  const carry = overlapOf(needles);
  let [bytes, kept] = [0, 0];
  const fd = openSync(file, 'r');
  try {
    for (;;) {
      const read = readSync(fd, chunk, kept, chunkBytes, null);
      if (read === 0) return { bytes, kinds };
      bytes += read;
      const there = chunk.subarray(0, kept + read);
      searchRuns(there, needles, kinds);
      if (needles.names.some((name) => there.includes(name))) kinds.add('names');
      // From a multiple of the stride on, wherever the read ended.
      const from = Math.max(0, Math.floor((there.length - carry) / stride) * stride);
      kept = there.length - from;
      chunk.copyWithin(0, from, there.length);
    }
  } finally {
    closeSync(fd);
  }
}

function searchRuns(there: Buffer, { words, filter }: Needles, kinds: Set<TraceKind>): void {
  const view = new DataView(there.buffer, there.byteOffset, there.length);
  for (let place = 0; place + 4 <= there.length; place += stride) {
    const word = view.getInt32(place, true);
    const hash = Math.imul(word, 0x9e3779b1) >>> (32 - filterBits);
    if (((filter[hash >>> 5] ?? 0) & (1 << (hash & 31))) === 0) continue;
    for (const { run, at } of words.get(word) ?? []) {
      const from = place - at;
      if (from >= 0 && from + runBytes <= there.length && there.compare(run.bytes, 0, runBytes, from, from + runBytes) === 0)
        kinds.add(run.kind);
    }
  }
}
