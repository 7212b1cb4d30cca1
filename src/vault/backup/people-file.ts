/**
 * People on their way from one door to another: who they are and their pictures in, the entries of an archive out, and
 * back, one person at a time. The door signs the list, which names each picture by its hash: who can encrypt to that
 * other door cannot send it people. Templates do not travel: the other door makes them from the pictures, so that
 * nobody can send a template under somebody else's picture.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { CryptoKey } from 'jose';
import { Fault, messageOf } from '../../base/errors.ts';
import { loadJose, parseJson, type Signer, signatureAlgorithm, signDetached, verifiedDetached } from '../../base/jws.ts';
import { Compile, type Static, Type } from '../../base/schema.ts';
import { version } from '../../base/version.ts';
import { jsonText } from '../../base/whole-file.ts';
import { consentWays } from '../../events.ts';
import { decryptedWith, type Opener } from './age-file.ts';
import { type TarEntry, unpacked } from './tar-file.ts';

/** Format 1 was not signed. */
const format = 2;
const listName = 'people.json';
const signatureName = 'people.json.jws';
const signedType = 'facelatch-people+jws';
const pictureArea = 'pictures/';
const [mostListBytes, mostSignatureBytes, mostPictureBytes] = [128_000_000, 1000, 64_000_000];

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
  ...{ format: Type.Literal(format), facelatch: Type.String(), door: Type.String({ maxLength: 200 }), takenAt: time },
  /** The door's public key (RFC 8037). */
  key: Type.Object(
    { kty: Type.Literal('OKP'), crv: Type.Literal('Ed25519'), x: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }) },
    { additionalProperties: false },
  ),
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
  readonly signer: Signer;
  /** The public part of the signer's key: `x` of its JWK. */
  readonly publicX: string;
  /** In the order in which the person lists them. */
  readonly picturesOf: (id: string) => readonly Uint8Array[];
}

export async function* peopleEntries({ door, takenAt, people, signer, publicX, picturesOf }: PeopleFileParts): AsyncGenerator<TarEntry> {
  const key = { kty: 'OKP', crv: 'Ed25519', x: publicX } as const;
  const list: PeopleList = { format, facelatch: version, door, takenAt, key, people: [...people] };
  const text = Buffer.from(jsonText(list));
  yield { path: listName, bytes: text.length, content: [text] };
  const signature = Buffer.from(await signDetached(text, signedType, signer, {}));
  yield { path: signatureName, bytes: signature.length, content: [signature] };
  for (const { id, pictures } of people)
    for (const [at, picture] of picturesOf(id).entries())
      yield { path: `${pictureArea}${pictures[at]?.id ?? ''}`, bytes: picture.length, content: [picture] };
}

/** Who signed a list, and the list itself. */
export interface SignedPeople extends PeopleList {
  /** Thumbprint of `key` (RFC 7638). */
  readonly kid: string;
  /** SHA-256 of the list, hex: two files with the same one hold the same people. */
  readonly sha256: string;
}

export interface PeopleFileRead {
  readonly file: string;
  readonly opener: Opener;
  readonly signal: AbortSignal;
  /** Called before anybody is read. What it throws comes out. */
  readonly onList?: (list: SignedPeople) => Promise<void> | void;
  readonly onPerson: (person: MovedPerson, pictures: readonly Uint8Array[]) => Promise<void> | void;
}

/**
 * Reads the file to its end. Throws Faults `backup-damaged`, `backup-refused` (not for this key, or the signature is
 * not that of the key in it), `database-newer`, what the callbacks throw and what `signal` carries.
 */
export async function readPeopleFile({ file, opener, signal, onList, onPerson }: PeopleFileRead): Promise<SignedPeople> {
  try {
    const entries = unpacked(await decryptedWith(createReadStream(file, { signal }), opener))[Symbol.asyncIterator]();
    const text = await bytesOf(await entries.next(), listName, mostListBytes);
    const list = await signedBy(listOf(text, file), text, await bytesOf(await entries.next(), signatureName, mostSignatureBytes), file);
    await onList?.(list);
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

async function signedBy(list: PeopleList, text: Uint8Array, signature: Uint8Array, file: string): Promise<SignedPeople> {
  const { calculateJwkThumbprint, importJWK } = await loadJose();
  const kid = await calculateJwkThumbprint(list.key);
  const key = (await importJWK(list.key, signatureAlgorithm)) as CryptoKey;
  if (!(await verifiedDetached(Buffer.from(signature).toString('latin1'), text, signedType, { kid, key })))
    throw new Fault(
      'backup-refused',
      `The people in ${file} are not signed by the door that it names: somebody changed the file, do not use it`,
    );
  return { ...list, kid, sha256: createHash('sha256').update(text).digest('hex') };
}

function listOf(text: Uint8Array, file: string): PeopleList {
  const found = parseJson(text);
  if (formats.Check(found) && found.format > format)
    throw new Fault('database-newer', `The people were exported by a newer facelatch (${found.facelatch}): update facelatch`);
  if (formats.Check(found) && found.format < format)
    throw new Fault(
      'backup-refused',
      `${file} was exported by an older facelatch (${found.facelatch}), which did not sign it: export it again`,
    );
  if (!lists.Check(found)) throw new RangeError('it holds no people');
  if (new Set(found.people.map(({ id }) => id)).size < found.people.length) throw new RangeError('it holds somebody twice');
  return found;
}
