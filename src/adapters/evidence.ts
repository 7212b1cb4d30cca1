/** What a door knows about its strangers: the file in its state folder, and the cohort as its camera sees it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type RowSeal, rowSeal } from '../base/data/row-seal.ts';
import { Fault } from '../base/errors.ts';
import { gallerySecret } from '../command/keys.ts';
import type { EmbedderInfo, Embedding } from '../face/port.ts';
import { type KnownOfDoor, readKnown, writeKnown } from '../identity/evidence/stored.ts';
import { cohortEmbedder, openCohort, versions } from '../recipes/cohort.ts';

const fileIn = (state: string): string => join(state, 'evidence.json');
const sealIn = (state: string): RowSeal =>
  rowSeal(Buffer.from(gallerySecret(join(state, 'door-keys.json')), 'base64url'), 'facelatch door evidence 1');

/** What is known in this state folder with this embedder; undefined where there is nothing. */
export function knownOfDoor(state: string, { sha256 }: Pick<EmbedderInfo, 'sha256'>): KnownOfDoor | undefined {
  const known = existsSync(fileIn(state)) ? readKnown(fileIn(state), sealIn(state)) : undefined;
  return known?.embedder === sha256 ? known : undefined;
}

/** Throws the file system's error. */
export function keepKnownOfDoor(state: string, known: KnownOfDoor): void {
  writeKnown(fileIn(state), sealIn(state), known);
}

/** How well this door's camera shows people, 0…1: half of its faces reach it. Undefined for too few of them. */
export function cameraFitness(faces: readonly number[]): number | undefined {
  return faces.length < 10 ? undefined : faces.toSorted((a, b) => a - b)[Math.floor(faces.length / 2)];
}

/** The fitness of a picture as it was taken, for want of a measure: most of the shipped ones are above. */
const plainFitness = 0.95;

/**
 * The cohort of this embedder, a list for each person, as a camera sees it: of each picture the version (as it is, or
 * made worse) that has lost about as much of the identity as this camera's pictures do; without a `fitness` all of
 * them. Empty where the folder has no cohort of the embedder.
 */
export function cohortAsSeen(
  folder: string,
  embedder: Pick<EmbedderInfo, 'sha256'>,
  fitness: number | undefined,
): readonly (readonly Embedding[])[] {
  if (cohortEmbedder(folder) !== embedder.sha256) return [];
  try {
    const { people } = openCohort(folder);
    return fitness === undefined ? people : people.map((own) => pictures(own).map((of) => nearest(of, fitness)));
  } catch (error) {
    if (error instanceof Fault) return [];
    throw error;
  }
}

/** The versions of each picture together; the first is the picture as it is. */
const pictures = (own: readonly Embedding[]): (readonly Embedding[])[] =>
  Array.from({ length: Math.floor(own.length / versions) }, (_, i) => own.slice(i * versions, (i + 1) * versions));

function nearest(of: readonly Embedding[], fitness: number): Embedding {
  const [plain] = of as readonly [Embedding, ...Embedding[]];
  const off = (version: Embedding) => Math.abs((version === plain ? plainFitness : cosine(plain, version)) - fitness);
  return of.reduce((best, version) => (off(version) < off(best) ? version : best), plain);
}

const cosine = (a: Embedding, b: Embedding): number => a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
