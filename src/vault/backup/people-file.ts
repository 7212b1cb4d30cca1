/**
 * People on their way from one door to another: who they are and their pictures in, the entries of an archive out, and
 * back, one person at a time. Templates do not travel: the other door makes them from the pictures, so that nobody can
 * send a template under somebody else's picture.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { Fault, messageOf } from '../../base/errors.ts';
import { parseJson } from '../../base/jws.ts';
import { version } from '../../base/version.ts';
import { jsonText } from '../../base/whole-file.ts';
import { consentWays } from '../../events.ts';
import { decryptedWith, type Opener } from './age-file.ts';
import { type TarEntry, unpacked } from './tar-file.ts';

const format = 1;
const listName = 'people.json';
const pictureArea = 'pictures/';
const [mostListBytes, mostPictureBytes] = [128_000_000, 64_000_000];

const time = Type.String({ format: 'date-time' });
const rulesForm = Type.Partial(
  Type.Object({
    ...{ enabled: Type.Boolean(), schedule: Type.String(), validFrom: time, validUntil: time },
    ...{ uses: Type.Number(), groups: Type.Array(Type.String()), pinOpens: Type.Boolean(), pinNeeded: Type.Boolean() },
  }),
  { additionalProperties: false },
);
const personForm = Type.Object({
  id: Type.String({ pattern: '^[A-Za-z0-9-]{1,64}$' }),
  name: Type.String({ minLength: 1, maxLength: 1000 }),
  enrolledAt: time,
  rules: rulesForm,
  /** Whether the person has a PIN there. It stays there. */
  hasPin: Type.Boolean(),
  consents: Type.Array(
    Type.Object({
      version: Type.String(),
      how: Type.Enum([...consentWays]),
      by: Type.String(),
      givenAt: time,
      withdrawnAt: Type.Optional(time),
    }),
  ),
  /** `id`: SHA-256. */
  pictures: Type.Array(
    Type.Object({ id: Type.String({ pattern: '^[0-9a-f]{64}$' }), source: Type.String({ maxLength: 1000 }), addedAt: time }),
    { minItems: 1, maxItems: 1000 },
  ),
});
const listForm = Type.Object({
  ...{ format: Type.Literal(format), facelatch: Type.String(), door: Type.String(), takenAt: time },
  people: Type.Array(personForm),
});
const lists = Compile(listForm);
const formats = Compile(Type.Object({ format: Type.Integer(), facelatch: Type.String() }));

export type MovedPerson = Static<typeof personForm>;
export type PeopleList = Static<typeof listForm>;

export interface PeopleFileParts {
  readonly door: string;
  readonly takenAt: string;
  readonly people: readonly MovedPerson[];
  /** In the order in which the person lists them. */
  readonly picturesOf: (id: string) => readonly Uint8Array[];
}

export async function* peopleEntries({ door, takenAt, people, picturesOf }: PeopleFileParts): AsyncGenerator<TarEntry> {
  const list: PeopleList = { format, facelatch: version, door, takenAt, people: [...people] };
  const text = Buffer.from(jsonText(list));
  yield { path: listName, bytes: text.length, content: [text] };
  for (const { id, pictures } of people)
    for (const [at, picture] of picturesOf(id).entries())
      yield { path: `${pictureArea}${pictures[at]?.id ?? ''}`, bytes: picture.length, content: [picture] };
}

export interface PeopleFileRead {
  readonly file: string;
  readonly opener: Opener;
  readonly signal: AbortSignal;
  readonly onPerson: (person: MovedPerson, pictures: readonly Uint8Array[]) => Promise<void> | void;
}

/**
 * Reads the file to its end. Throws Faults `backup-damaged`, `backup-refused`, `database-newer`, what `onPerson` throws
 * and what `signal` carries.
 */
export async function readPeopleFile({ file, opener, signal, onPerson }: PeopleFileRead): Promise<PeopleList> {
  try {
    const entries = unpacked(await decryptedWith(createReadStream(file, { signal }), opener))[Symbol.asyncIterator]();
    const list = listOf(await bytesOf(await entries.next(), listName, mostListBytes));
    for (const person of list.people) {
      const pictures: Uint8Array[] = [];
      for (const { id } of person.pictures) pictures.push(await pictureOf(await entries.next(), id));
      await onPerson(person, pictures);
    }
    if (!(await entries.next()).done) throw new RangeError('something follows the last person');
    return list;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Fault) throw error;
    throw new Fault('backup-damaged', `The people in ${file} cannot be read whole (${messageOf(error)}): use another copy of it`, error);
  }
}

async function bytesOf(next: IteratorResult<TarEntry>, path: string, most: number): Promise<Buffer> {
  if (next.done || next.value.path !== path || next.value.bytes > most) throw new RangeError(`${path} is missing`);
  const pieces: Uint8Array[] = [];
  for await (const piece of next.value.content) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function pictureOf(next: IteratorResult<TarEntry>, id: string): Promise<Buffer> {
  const picture = await bytesOf(next, `${pictureArea}${id}`, mostPictureBytes);
  if (createHash('sha256').update(picture).digest('hex') !== id) throw new RangeError(`picture ${id.slice(0, 12)} is not what it was`);
  return picture;
}

function listOf(text: Uint8Array): PeopleList {
  const found = parseJson(text);
  if (formats.Check(found) && found.format > format)
    throw new Fault('database-newer', `The people were exported by a newer facelatch (${found.facelatch}): update facelatch`);
  if (!lists.Check(found)) throw new RangeError('it holds no people');
  if (new Set(found.people.map(({ id }) => id)).size < found.people.length) throw new RangeError('it holds somebody twice');
  return found;
}
