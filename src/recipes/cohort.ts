/**
 * The cohort on disk: people who are strangers to this door, as embeddings with 8 bits a number, never as pictures. The
 * manifest beside them says which embedder made them, of whom, and under which licence.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fault, messageOf } from '../base/errors.ts';
import { Compile, Type } from '../base/schema.ts';
import { requireAsShipped } from '../base/shipped.ts';
import { type WholeFileOptions, writeWhole } from '../base/whole-file.ts';
import type { EmbedderInfo, Embedding } from '../face/port.ts';
import type { Cohort } from '../retrain/port.ts';
import { toUnit } from './embeddings.ts';

/** Embeddings of each picture: one of the face as it is, the others of degraded copies. */
export const versions = 3;

interface CohortAbout {
  readonly licence: string;
  readonly provenance: string;
}

const manifestForm = Compile(
  Type.Object({
    kind: Type.Literal('cohort'),
    file: Type.String(),
    sha256: Type.String(),
    /** SHA-256. */
    embedder: Type.String(),
    dimension: Type.Integer({ minimum: 1 }),
    /** Of each picture. */
    versions: Type.Literal(versions),
    /** The number of embeddings of each person, in the order of the file. */
    people: Type.Array(Type.Integer({ minimum: 1 })),
  }),
);

/** Reads a cohort's folder. Throws Fault `model-missing`, `model-damaged`, `model-unfit`. */
export function openCohort(folder: string): Cohort {
  const { embedder, dimension, people, numbers } = wholeCohort(folder);
  let row = 0;
  const next = () => toUnit(Float32Array.from(numbers.subarray(row * dimension, ++row * dimension)));
  return { embedder, dimension, people: people.map((embeddings) => Array.from({ length: embeddings }, next)) };
}

/** Why this folder has no strangers for an embedder, for people; undefined where it has. */
export function cohortTrouble(folder: string, { name, sha256 }: Pick<EmbedderInfo, 'name' | 'sha256'>): string | undefined {
  try {
    return wholeCohort(folder).embedder === sha256 ? undefined : `there is no cohort of strangers made with ${name}`;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return `the cohort of strangers is not used (${error.message})`;
  }
}

/** Whether there is a cohort that is not whole: its strangers are missing, and nobody meant them to be. */
export function isCohortDamaged(folder: string): boolean {
  if (!existsSync(join(folder, 'manifest.json'))) return false;
  try {
    wholeCohort(folder);
    return false;
  } catch (error) {
    if (error instanceof Fault) return true;
    throw error;
  }
}

function wholeCohort(folder: string) {
  const path = join(folder, 'manifest.json');
  if (!existsSync(path)) throw new Fault('model-missing', `There is no cohort at ${folder}: make one with facelatch models cohort`);
  const stated = readFileSync(path);
  const { file, sha256, dimension, people, embedder } = readManifest(path, stated);
  const data = join(folder, file);
  if (!existsSync(data)) throw new Fault('model-missing', `The cohort's file ${data} is missing: restore the folder`);
  const bytes = readFileSync(data);
  if (sha256Of(bytes) !== sha256)
    throw new Fault('model-damaged', `${data} is not the file that ${path} describes (SHA-256): restore the folder`);
  requireAsShipped(folder, { manifest: sha256Of(stated), file: sha256 });
  const count = people.reduce((sum, n) => sum + n, 0);
  if (bytes.length !== count * dimension)
    throw new Fault('model-unfit', `${data} should hold ${count} × ${dimension} bytes, it has ${bytes.length}`);
  return { embedder, dimension, people, numbers: new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length) };
}

/** SHA-256 of the embedder that made the cohort in this folder; undefined where there is none to use. */
export function cohortEmbedder(folder: string): string | undefined {
  try {
    const path = join(folder, 'manifest.json');
    return readManifest(path, readFileSync(path)).embedder;
  } catch {
    return undefined;
  }
}

function readManifest(path: string, stated: Uint8Array) {
  let manifest: unknown;
  try {
    manifest = JSON.parse(Buffer.from(stated).toString('utf8'));
  } catch (error) {
    throw new Fault('model-damaged', `${path} is not JSON: restore it (${messageOf(error)})`, error);
  }
  if (manifestForm.Check(manifest)) return manifest;
  throw new Fault(
    'model-unfit',
    `${path} is not the manifest of a cohort: it needs kind, file, sha256, embedder, dimension, versions (${versions}) and people`,
  );
}

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Nothing is learned from every fifth person: candidate and champion are compared on them. */
const comparedEvery = 5;
const part = (cohort: Cohort, wanted: (index: number) => boolean): Cohort => ({
  ...cohort,
  people: cohort.people.filter((_, index) => wanted(index)),
});
export const learnedFrom = (cohort: Cohort): Cohort => part(cohort, (index) => index % comparedEvery !== 0);
export const comparedOn = (cohort: Cohort): Cohort => part(cohort, (index) => index % comparedEvery === 0);

/** Scaled to fill 8 bits: the scale does not matter, readers make it a unit vector. */
function quantised(embedding: Embedding): Int8Array {
  const most = embedding.reduce((sum, v) => Math.max(sum, Math.abs(v)), 1e-9);
  return Int8Array.from(embedding, (v) => Math.round((127 * v) / most));
}

/** A cohort is not secret: it is shipped with the program. */
const readable: WholeFileOptions = { mode: 0o644, folderMode: 0o755 };

export function writeCohort(folder: string, cohort: Cohort, about: CohortAbout): { bytes: number } {
  const bytes = new Uint8Array(cohort.people.reduce((sum, own) => sum + own.length, 0) * cohort.dimension);
  let at = 0;
  for (const embedding of cohort.people.flat()) {
    bytes.set(new Uint8Array(quantised(embedding).buffer), at);
    at += cohort.dimension;
  }
  const manifest = {
    schema: 1,
    kind: 'cohort',
    file: 'embeddings.i8',
    sha256: sha256Of(bytes),
    embedder: cohort.embedder,
    dimension: cohort.dimension,
    versions,
    people: cohort.people.map((own) => own.length),
    ...about,
  };
  writeWhole(join(folder, manifest.file), bytes, readable);
  writeWhole(join(folder, 'manifest.json'), `${JSON.stringify(manifest)}\n`, readable);
  return { bytes: bytes.length };
}
