/**
 * What travels over the farm, as one run of bytes: for each entry the length of its head (4 bytes), the head (JSON) and its body. Training data
 * (pictures, labels, the base embedder's files) and folders (a checkpoint, a result) go in; the same come out, read piece by piece.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { Fault } from '../base/errors.ts';
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

/** Names as a trainer may write them: no way out of the folder, nothing hidden. */
const nameFits = /^[A-Za-z0-9_@-][A-Za-z0-9_.@-]{0,127}(\/[A-Za-z0-9_@-][A-Za-z0-9_.@-]{0,127}){0,3}$/;

/** Training data with the files of the base embedder's folder. */
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

/** The files of a folder and of the folders in it. */
export async function* packFolder(folder: string): AsyncGenerator<Uint8Array> {
  for (const name of await filesIn(folder)) {
    const path = join(folder, name);
    const { size } = await stat(path);
    yield headOf({ kind: 'file', name, bytes: size });
    if (size === 0) continue;
    let read = 0;
    // A file that grows while it is read would push everything after it out of step.
    for await (const piece of createReadStream(path, { highWaterMark: 256 * 1024, end: size - 1 })) {
      read += piece.length;
      yield piece;
    }
    if (read < size) throw new Fault('training-failed', `${path} became shorter while it was read`);
  }
}

/** Every file below `folder`, by name. */
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

/** Training data out of its bytes; the files go into `base`. The pictures stay in memory: no face is written to the disk. */
export async function unpackData(source: AsyncIterable<Uint8Array>, base: string): Promise<TrainingData> {
  const people: { personId: string; samples: Sample[] }[] = [];
  const strangers: Sample[][] = [];
  let into: Sample[] | undefined;
  for await (const [entry, body] of entriesOf(source)) {
    if (entry.kind === 'person') {
      into = [];
      people.push({ personId: entry.personId, samples: into });
    } else if (entry.kind === 'stranger') {
      into = [];
      strangers.push(into);
    } else if (entry.kind === 'sample') {
      const { id, origin, takenAt } = entry;
      const pieces: Uint8Array[] = [];
      for await (const piece of body) pieces.push(piece);
      if (!into) throw misshapen('holds a picture of nobody');
      into.push({ id, origin, takenAt, picture: Buffer.concat(pieces) });
    } else await writeFileIn(base, entry.name, body);
  }
  return { people: people as unknown as readonly LabelledPerson[], strangers };
}

/** A folder out of its bytes. */
export async function unpackFolder(source: AsyncIterable<Uint8Array>, folder: string): Promise<void> {
  for await (const [entry, body] of entriesOf(source)) {
    if (entry.kind !== 'file') throw misshapen(`holds a ${entry.kind} where files are expected`);
    await writeFileIn(folder, entry.name, body);
  }
}

async function writeFileIn(folder: string, name: string, body: AsyncIterable<Uint8Array>): Promise<void> {
  if (!nameFits.test(name)) throw misshapen(`holds a file of the name ${JSON.stringify(name).slice(0, 200)}`);
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

/** Heads with their bodies; a body that was not read is passed over. */
async function* entriesOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Entry> {
  const reader = readerOf(source);
  for (;;) {
    const length = await reader.take(4);
    if (length.length === 0) return;
    if (length.length < 4) throw misshapen('ends within an entry');
    const size = length.readUInt32BE();
    if (size > maxHeadBytes) throw misshapen('has a head that is too long');
    const entry = parse(await reader.take(size));
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

function parse(json: Buffer): Head {
  let value: unknown;
  try {
    value = JSON.parse(json.toString('utf8'));
  } catch {
    value = undefined;
  }
  if (!heads.Check(value)) throw misshapen('has a head that is none');
  return value as Head;
}

/** Bytes of an iteration, by count. */
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
    /** So many bytes, or fewer at the end. */
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
    /** One to so many bytes. */
    some: async (n: number): Promise<Uint8Array> => {
      if (!(await refill())) throw misshapen('ends within an entry');
      const piece = rest.subarray(0, n);
      rest = rest.subarray(piece.length);
      return piece;
    },
  };
}

const misshapen = (how: string) => new Fault('farm-damaged', `What came over the farm ${how}`);

/** One line that names a job's input: people, pictures, strangers, base embedder. The same input gives the same line. */
export async function digestOf({ people, strangers }: TrainingData, base: string): Promise<string> {
  const hash = createHash('sha256');
  const ids = (samples: readonly Sample[]) => samples.map(({ id }) => id).toSorted();
  hash.update(JSON.stringify(people.map(({ personId, samples }) => [personId, ids(samples)] as const).toSorted()));
  hash.update(JSON.stringify(strangers.map(ids).toSorted()));
  // The manifest holds the network's own SHA-256.
  hash.update(await readFile(join(base, 'manifest.json')).catch(() => ''));
  return hash.digest('base64url');
}
