/**
 * Bundles: a trained embedder's folder in, a content-addressed and signed one out (its name is the SHA-256 of
 * `bundle.json`). And a bundle's folder in, its manifest out where it is whole, signed by somebody trusted, for this
 * door and of the right shape; else the reason why not.
 */
import { createHash } from 'node:crypto';
import { lstatSync } from 'node:fs';
import type { CryptoKey } from 'jose';
import { Fault, messageOf } from '../base/errors.ts';
import { claimedKid, isCanonical, parseJson, type Signer, signJws, verifiedPayload } from '../base/jws.ts';
import { filesAt, type NetworkPlace } from '../base/model/place.ts';
import { Compile, Type } from '../base/schema.ts';
import { type BundleFiles, openedFrom, plainFiles } from './held/sealed-bundle.ts';
import { type BundleManifest, type BundleRefusal, recipeNames } from './port.ts';

const type = 'facelatch-bundle+jws';
/** The largest file of a network, bytes. */
const largest = 1_000_000_000;
const mostFiles = 32;

const hash = Type.String({ pattern: '^[0-9a-f]{64}$' });
const time = Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT[0-9:.]+Z$' });
const row = Type.Object({ fmr: Type.Number(), logit: Type.Number(), fnmr: Type.Number() });
const manifestForm = Compile(
  Type.Object(
    {
      schema: Type.Literal(1),
      door: Type.String({ maxLength: 200 }),
      version: Type.Integer({ minimum: 1 }),
      createdAt: time,
      parent: hash,
      recipe: Type.Enum([...recipeNames]),
      engine: Type.String({ maxLength: 100 }),
      files: Type.Record(
        Type.String({ pattern: '^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}$' }),
        Type.Object({ sha256: hash, bytes: Type.Integer({ minimum: 0, maximum: largest }) }),
      ),
      data: Type.Object({
        people: Type.Integer({ minimum: 0 }),
        samples: Type.Integer({ minimum: 0 }),
        strangers: Type.Integer({ minimum: 0 }),
        digest: hash,
        from: Type.Optional(Type.Array(Type.String({ pattern: '^[\\w-]{43}$' }))),
      }),
      metrics: Type.Record(
        Type.String(),
        Type.Object({ value: Type.Number(), interval: Type.Optional(Type.Tuple([Type.Number(), Type.Number()])) }),
      ),
      calibration: Type.Object({
        population: Type.String(),
        impostorPairs: Type.Number(),
        genuinePairs: Type.Number(),
        table: Type.Array(row, { minItems: 2 }),
      }),
    },
    { additionalProperties: false },
  ),
);

/** Reads an embedder as the face room does. Throws Faults `model-missing`, `model-damaged`, `model-unfit`. */
export type Inspect = (place: NetworkPlace) => EmbedderShape;

export interface EmbedderShape {
  /** SHA-256 of the network. */
  readonly embedder: string;
  readonly dimension: number;
  /** Size, layout and colours of its input, as one text to compare. */
  readonly input: string;
}

/** What a door requires of a bundle. */
export interface Expected {
  /** The door, as manifests of this door name it. */
  readonly door: string;
  /** The embedder of the configuration, from which everything here is trained. */
  readonly base: EmbedderShape;
  readonly inspect: Inspect;
  /** The public key of somebody who may sign; undefined for anybody else. */
  readonly trusted: (kid: string) => Promise<CryptoKey | undefined>;
}

/** Without `base`: of whatever shape. */
type Verified = Omit<Expected, 'base'> & Partial<Pick<Expected, 'base'>>;

const embedderForm = Compile(Type.Object({ file: Type.String() }));
const misfit = 'its signature does not fit: it was changed';

export type BundleVerdict =
  | { readonly ok: true; readonly manifest: BundleManifest; readonly embedder: string; readonly signedBy: string }
  | { readonly ok: false; readonly reason: BundleRefusal; readonly detail: string };

const no = (reason: BundleRefusal, detail: string): BundleVerdict => ({ ok: false, reason, detail });
export const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

/** The files of a new bundle of a network, by name, and its id. */
export async function makeBundle(
  from: NetworkPlace,
  about: Omit<BundleManifest, 'schema' | 'files'>,
  signer: Signer,
): Promise<{ readonly id: string; readonly files: ReadonlyMap<string, Uint8Array> }> {
  const files = new Map([...filesAt(from)].filter(([name]) => !name.startsWith('bundle.')));
  const listed = Object.fromEntries([...files].map(([name, bytes]) => [name, { sha256: sha256(bytes), bytes: bytes.length }]));
  const manifest: BundleManifest = { schema: 1, ...about, files: listed };
  if (!manifestForm.Check(manifest)) {
    const [first] = manifestForm.Errors(manifest);
    throw new Fault(
      'training-failed',
      `What was trained cannot be put into a bundle: ${first?.instancePath ?? ''} ${first?.message ?? ''}`,
    );
  }
  const statement = Buffer.from(`${JSON.stringify(manifest, null, 1)}\n`);
  const seal = await signJws(statement, type, signer);
  files.set('bundle.json', statement).set('bundle.jws', Buffer.from(seal));
  return { id: sha256(statement), files };
}

/** A bundle's statement, unverified: all it proves is that its bytes are those of `id`. */
export function readManifest(
  folder: string,
  id?: string,
): BundleVerdict | { readonly ok: 'read'; readonly manifest: BundleManifest; readonly bytes: Uint8Array } {
  const bytes = plainFiles(folder).read('bundle.json', 1_000_000);
  if (!bytes) return no('damaged', 'its bundle.json is missing or too large');
  if (id !== undefined && sha256(bytes) !== id) return no('wrong-hash', `its bundle.json has the SHA-256 ${sha256(bytes)}: it was changed`);
  const manifest = parseJson(bytes);
  if (!manifestForm.Check(manifest)) return no('damaged', 'its bundle.json is not the statement of a bundle');
  return { ok: 'read', manifest: manifest as BundleManifest, bytes };
}

/** Undefined where every file is the one that the statement lists, and there is no other; else what is wrong. */
export function filesWhole(bundle: BundleFiles, { files }: BundleManifest): BundleVerdict | undefined {
  const there = bundle.names().filter((name) => name !== 'bundle.json' && name !== 'bundle.jws');
  const extra = there.find((name) => !Object.hasOwn(files, name));
  if (extra !== undefined) return no('damaged', `it holds ${extra}, which its statement does not list`);
  const entries = Object.entries(files);
  if (entries.length > mostFiles) return no('damaged', `it lists more than ${mostFiles} files`);
  for (const [name, { sha256: want, bytes: size }] of entries) {
    const bytes = bundle.read(name, size);
    if (!bytes) return no('damaged', `${name} is missing, does not open or is not a file of ${size} bytes`);
    if (bytes.length !== size) return no('damaged', `${name} has ${bytes.length} of ${size} bytes`);
    if (sha256(bytes) !== want) return no('wrong-hash', `${name} has another SHA-256 than its statement lists`);
  }
  return undefined;
}

/**
 * Whether a bundle may be used at this door at all; whether it is better is another question. `id`: the name it goes
 * by.
 */
export async function verifyBundle(bundle: BundleFiles, id: string | undefined, expected: Verified): Promise<BundleVerdict> {
  const { folder } = bundle;
  if (!lstatSync(folder, { throwIfNoEntry: false })?.isDirectory()) return no('not-found', 'it is not there');
  const read = readManifest(folder, id);
  if (read.ok !== 'read') return read;
  const { manifest, bytes } = read;
  const signed = await signedBy(bundle.read('bundle.jws', 2_000_000), bytes, expected.trusted);
  if (typeof signed !== 'string') return signed;
  if (manifest.door !== expected.door) return no('wrong-door', `it was trained for the door ${manifest.door}, this is ${expected.door}`);
  const broken = filesWhole(bundle, manifest);
  if (broken) return broken;
  const shape = shapeOf(bundle, manifest, expected);
  if ('ok' in shape) return shape;
  return { ok: true, manifest, embedder: shape.embedder, signedBy: signed };
}

async function signedBy(
  seal: Uint8Array | undefined,
  statement: Uint8Array,
  trusted: Expected['trusted'],
): Promise<string | BundleVerdict> {
  if (!seal) return no('bad-signature', 'its bundle.jws is missing');
  const text = Buffer.from(seal).toString('latin1').trim();
  if (!isCanonical(text)) return no('bad-signature', misfit);
  const kid = await claimedKid(text, type);
  if (kid === undefined) return no('bad-signature', 'its bundle.jws is not the signature of a bundle');
  const key = await trusted(kid);
  if (!key)
    return no('unknown-signer', `it is signed by ${kid}, whom this door does not trust: neither its own key nor a trusted trainer's`);
  const payload = await verifiedPayload(text, key);
  if (!payload) return no('bad-signature', misfit);
  if (Buffer.compare(payload, statement) !== 0) return no('bad-signature', 'its signature is of another statement');
  return kid;
}

function shapeOf(bundle: BundleFiles, { recipe, files }: BundleManifest, { base, inspect }: Verified): EmbedderShape | BundleVerdict {
  const stated = parseJson(bundle.read('manifest.json', 10_000_000) ?? new Uint8Array());
  if (!embedderForm.Check(stated) || !Object.hasOwn(files, stated.file))
    return no('damaged', 'its manifest.json names a network that is not in it');
  let shape: EmbedderShape;
  try {
    shape = inspect(openedFrom(bundle, Object.keys(files)));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return no(error.code === 'model-unfit' ? 'wrong-shape' : 'damaged', messageOf(error));
  }
  // The paper's network has a size of its own; the others are the door's embedder, changed.
  if (base && recipe !== 'paper' && (shape.dimension !== base.dimension || shape.input !== base.input))
    return no(
      'wrong-shape',
      `it takes ${shape.input} and gives ${shape.dimension} numbers; ${recipe} of this door's network takes ${base.input} and gives ${base.dimension}`,
    );
  return shape;
}
