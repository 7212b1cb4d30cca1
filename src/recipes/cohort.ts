/**
 * The cohort on disk: people who are nobody at this door, as embeddings of 8 bits a number beside a manifest that says by which embedder, of whom
 * and under which licence. Never pictures.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fault, messageOf } from '../base/errors.ts';
import { newRandom } from '../base/random.ts';
import type { Embedding, FaceStudio } from '../face/port.ts';
import type { Cohort } from '../retrain/port.ts';
import { degrade, drawDegradation } from './degrade.ts';
import { toUnit } from './projection.ts';

/** Of each picture the embedding of the face as it is, and of the face made worse; these many in all. */
export const versions = 3;

export interface CohortAbout {
  readonly licence: string;
  readonly provenance: string;
}

interface CohortManifest extends CohortAbout {
  readonly schema: 1;
  readonly kind: 'cohort';
  readonly file: string;
  readonly sha256: string;
  readonly embedder: string;
  readonly dimension: number;
  readonly versions: number;
  /** Embeddings of each person in the file's order. */
  readonly people: readonly number[];
}

/** Reads a cohort's folder. Throws Fault `model-missing`, `model-damaged`, `model-unfit`. */
export function openCohort(folder: string): Cohort {
  const path = join(folder, 'manifest.json');
  if (!existsSync(path)) throw new Fault('model-missing', `There is no cohort at ${folder}: make one with facelatch models cohort`);
  let manifest: CohortManifest;
  try {
    manifest = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new Fault('model-damaged', `${path} is not JSON: restore it (${messageOf(error)})`, error);
  }
  const { kind, file, sha256, dimension, people, embedder } = manifest;
  const whole = (value: unknown) => Number.isInteger(value) && (value as number) > 0;
  if (
    kind !== 'cohort' ||
    typeof file !== 'string' ||
    typeof embedder !== 'string' ||
    !whole(dimension) ||
    !Array.isArray(people) ||
    !people.every(whole)
  )
    throw new Fault('model-unfit', `${path} is no cohort's manifest: kind, file, embedder, dimension and people are needed`);
  const data = join(folder, file);
  if (!existsSync(data)) throw new Fault('model-missing', `The cohort's file ${data} is missing: restore the folder`);
  const bytes = readFileSync(data);
  if (createHash('sha256').update(bytes).digest('hex') !== sha256)
    throw new Fault('model-damaged', `${data} is not the file that ${path} describes (SHA-256): restore the folder`);
  const count = people.reduce((sum, n) => sum + n, 0);
  if (bytes.length !== count * dimension)
    throw new Fault('model-unfit', `${data} should hold ${count} × ${dimension} bytes, it has ${bytes.length}`);
  const numbers = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  const next = () => toUnit(Float32Array.from(numbers.subarray(at, at + dimension)));
  return {
    embedder,
    dimension,
    people: people.map((embeddings) =>
      Array.from({ length: embeddings }, () => {
        const embedding = next();
        at += dimension;
        return embedding;
      }),
    ),
  };
}

/** Every fifth of the cohort is never learned from: what was is compared with the champion on them. */
const asideEvery = 5;
const part = (cohort: Cohort, wanted: (index: number) => boolean): Cohort => ({
  ...cohort,
  people: cohort.people.filter((_, index) => wanted(index)),
});
export const learnedFrom = (cohort: Cohort): Cohort => part(cohort, (index) => index % asideEvery !== 0);
export const comparedOn = (cohort: Cohort): Cohort => part(cohort, (index) => index % asideEvery === 0);

/** Each vector fills the range of 8 bits: its length is 1 whatever its scale. */
function quantised(embedding: Embedding): Int8Array {
  const most = embedding.reduce((sum, v) => Math.max(sum, Math.abs(v)), 1e-9);
  return Int8Array.from(embedding, (v) => Math.round((127 * v) / most));
}

export function writeCohort(folder: string, cohort: Cohort, about: CohortAbout): { bytes: number } {
  const bytes = new Uint8Array(cohort.people.reduce((sum, own) => sum + own.length, 0) * cohort.dimension);
  let at = 0;
  for (const embedding of cohort.people.flat()) {
    bytes.set(new Uint8Array(quantised(embedding).buffer), at);
    at += cohort.dimension;
  }
  const manifest: CohortManifest = {
    schema: 1,
    kind: 'cohort',
    file: 'embeddings.i8',
    sha256: createHash('sha256').update(bytes).digest('hex'),
    embedder: cohort.embedder,
    dimension: cohort.dimension,
    versions,
    people: cohort.people.map((own) => own.length),
    ...about,
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, manifest.file), bytes);
  writeFileSync(join(folder, 'manifest.json'), `${JSON.stringify(manifest)}\n`);
  return { bytes: bytes.length };
}

/** The embedding of a face as it is and of `count` worse pictures of it. `seed` names the picture: the same one is always worsened alike. */
export async function embedVersions(
  studio: Pick<FaceStudio, 'embed' | 'width' | 'height'>,
  aligned: Uint8Array,
  count: number,
  seed: string,
): Promise<readonly Embedding[]> {
  const { width, height } = studio;
  const embeddings = [await studio.embed(aligned)];
  for (let version = 0; version < count; version++) {
    const random = newRandom(seedOf(`${seed} ${version}`));
    embeddings.push(await studio.embed(await degrade({ width, height, rgb: aligned }, drawDegradation(random), random)));
  }
  return embeddings;
}

export const seedOf = (text: string): number => createHash('sha256').update(text).digest().readUIntBE(0, 6);
