/**
 * The format of what travels over the farm: for each entry the length of its head (4 bytes, big-endian), the head
 * (JSON) and the body. Training data (pictures, labels, the files of the base embedder) or a folder (a checkpoint, a
 * result) goes in; the same comes out, read piece by piece. A tar archive was measured and packs pictures slower:
 * docs/research/log.md.
 */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { Fault } from '../base/errors.ts';
import { parseJson } from '../base/jws.ts';
import type { Shelf } from '../base/model/shelf.ts';
import { Compile, type Static, Type } from '../base/schema.ts';
import type { PersonId } from '../events.ts';
import { type LabelledPerson, type Sample, sampleOrigins, type TrainingData } from '../retrain/port.ts';

const bytes = Type.Integer({ minimum: 0 });
const head = Type.Union([
  Type.Object({ kind: Type.Literal('person'), personId: Type.String(), bytes }),
  Type.Object({ kind: Type.Literal('stranger'), bytes }),
  Type.Object({
    kind: Type.Literal('sample'),
    id: Type.String(),
    origin: Type.Enum([...sampleOrigins]),
    takenAt: Type.String(),
    bytes,
  }),
  Type.Object({ kind: Type.Literal('file'), name: Type.String(), bytes }),
]);
type Head = Static<typeof head>;
const heads = Compile(head);
const maxHeadBytes = 4096;

/** The names a trainer may send: they stay in the folder, and none is hidden. */
const nameFits = /^[A-Za-z0-9_@-][A-Za-z0-9_.@-]{0,127}(\/[A-Za-z0-9_@-][A-Za-z0-9_.@-]{0,127}){0,3}$/;

/** Training data and the files of the base embedder's folder. */
export async function* packData({ people, strangers }: TrainingData, base: string): AsyncGenerator<Uint8Array> {
  for (const { personId, samples } of people) {
    yield headOf({ kind: 'person', personId, bytes: 0 });
    yield* packSamples(samples);
  }
  for (const samples of strangers) {
    yield headOf({ kind: 'stranger', bytes: 0 });
    yield* packSamples(samples);
  }
  yield* packFolder(base);
}

function* packSamples(samples: readonly Sample[]): Generator<Uint8Array> {
  for (const { id, origin, takenAt, picture } of samples) {
    yield headOf({ kind: 'sample', id, origin, takenAt, bytes: picture.length });
    yield picture;
  }
}

/** The files of a folder and its subfolders. */
export async function* packFolder(folder: string): AsyncGenerator<Uint8Array> {
  for (const name of await filesIn(folder)) {
    const path = join(folder, name);
    const { size } = await stat(path);
    yield headOf({ kind: 'file', name, bytes: size });
    if (size === 0) continue;
    let read = 0;
    // Of a file that grows meanwhile, only the announced bytes are read.
    for await (const piece of createReadStream(path, { highWaterMark: 256 * 1024, end: size - 1 })) {
      read += piece.length;
      yield piece;
    }
    if (read < size) throw new Fault('training-failed', `${path} became shorter while it was read`);
  }
}

/** The names of all files below `folder`, sorted. */
export async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((name) => nameFits.test(name))
    .toSorted();
}

function headOf(entry: Head): Uint8Array {
  const json = Buffer.from(JSON.stringify(entry));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(json.length);
  return Buffer.concat([length, json]);
}

/**
 * The files go into `base`. The pictures stay in memory: no face is written to the disk. Throws Fault `farm-damaged`.
 */
export async function unpackData(source: AsyncIterable<Uint8Array>, base: string): Promise<TrainingData> {
  const people: (LabelledPerson & { readonly samples: Sample[] })[] = [];
  const strangers: Sample[][] = [];
  let into: Sample[] | undefined;
  for await (const [entry, body] of entriesOf(source)) {
    if (entry.kind === 'person') {
      into = [];
      people.push({ personId: entry.personId as PersonId, samples: into });
    } else if (entry.kind === 'stranger') {
      into = [];
      strangers.push(into);
    } else if (entry.kind === 'sample') {
      const { id, origin, takenAt } = entry;
      const pieces: Uint8Array[] = [];
      for await (const piece of body) pieces.push(piece);
      if (!into) throw malformed('holds a picture that belongs to nobody');
      into.push({ id, origin, takenAt, picture: Buffer.concat(pieces) });
    } else await writeFileIn(base, entry.name, body);
  }
  return { people, strangers };
}

/** Throws Fault `farm-damaged`. */
export async function unpackFolder(source: AsyncIterable<Uint8Array>, folder: string): Promise<void> {
  for await (const [entry, body] of entriesOf(source)) {
    if (entry.kind !== 'file') throw malformed(`holds a ${entry.kind} among the files`);
    await writeFileIn(folder, entry.name, body);
  }
}

/** The same, onto a shelf: the files of a network. Throws Fault `farm-damaged`. */
export async function unpackTo(source: AsyncIterable<Uint8Array>, shelf: Pick<Shelf, 'put'>): Promise<void> {
  for await (const [entry, body] of entriesOf(source)) {
    if (entry.kind !== 'file') throw malformed(`holds a ${entry.kind} among the files`);
    if (!nameFits.test(entry.name) || entry.name.includes('/'))
      throw malformed(`holds a file with the forbidden name ${JSON.stringify(entry.name).slice(0, 200)}`);
    shelf.put(entry.name, Buffer.concat(await Array.fromAsync(body)));
  }
}

async function writeFileIn(folder: string, name: string, body: AsyncIterable<Uint8Array>): Promise<void> {
  if (!nameFits.test(name)) throw malformed(`holds a file with the forbidden name ${JSON.stringify(name).slice(0, 200)}`);
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(path, 'wx', 0o600);
  try {
    for await (const piece of body) await file.writeFile(piece);
    await file.sync();
  } finally {
    await file.close();
  }
}

type Entry = readonly [Head, AsyncIterable<Uint8Array>];

/** Each head with its body. The rest of a body that the caller did not read is skipped. */
async function* entriesOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Entry> {
  const reader = readerOf(source);
  for (;;) {
    const length = await reader.take(4);
    if (length.length === 0) return;
    if (length.length < 4) throw malformed('ends within an entry');
    const size = length.readUInt32BE();
    if (size > maxHeadBytes) throw malformed('has an entry with a head that is too long');
    const entry = headIn(await reader.take(size));
    let left = entry.bytes;
    const body = async function* () {
      while (left > 0) {
        const piece = await reader.some(left);
        left -= piece.length;
        yield piece;
      }
    };
    yield [entry, body()];
    while (left > 0) left -= (await reader.some(left)).length;
  }
}

function headIn(json: Buffer): Head {
  const value = parseJson(json);
  if (!heads.Check(value)) throw malformed('has an entry with a head that this version does not know');
  return value;
}

/** Reads an iteration by number of bytes. */
function readerOf(source: AsyncIterable<Uint8Array>) {
  const pieces = source[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array();
  const refill = async () => {
    while (rest.length === 0) {
      const { done, value } = await pieces.next();
      if (done) return false;
      rest = value;
    }
    return true;
  };
  return {
    /** `n` bytes, fewer only at the end. */
    take: async (n: number): Promise<Buffer> => {
      const taken: Uint8Array[] = [];
      for (let left = n; left > 0 && (await refill()); ) {
        const piece = rest.subarray(0, left);
        rest = rest.subarray(piece.length);
        left -= piece.length;
        taken.push(piece);
      }
      return Buffer.concat(taken);
    },
    /** 1 to `n` bytes, without a copy. */
    some: async (n: number): Promise<Uint8Array> => {
      if (!(await refill())) throw malformed('ends within an entry');
      const piece = rest.subarray(0, n);
      rest = rest.subarray(piece.length);
      return piece;
    },
  };
}

const malformed = (how: string) => new Fault('farm-damaged', `What came over the farm ${how}`);

/** Identifies the input of a job: people, pictures, strangers, base embedder. */
export async function inputDigest({ people, strangers }: TrainingData, base: string): Promise<string> {
  const hash = createHash('sha256');
  const ids = (samples: readonly Sample[]) => samples.map(({ id }) => id).toSorted();
  hash.update(JSON.stringify(people.map(({ personId, samples }) => [personId, ids(samples)] as const).toSorted()));
  hash.update(JSON.stringify(strangers.map(ids).toSorted()));
  // The manifest contains the SHA-256 of the network.
  hash.update(await readFile(join(base, 'manifest.json')).catch(() => ''));
  return hash.digest('base64url');
}
