/**
 * Templates for a network without a projection: each picture's embedding, moved half-way to the centre of its person.
 * Embeddings go in; templates come out, and the scores against them of people from whom the network learned nothing, to
 * calibrate on.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Embedding } from '../face/port.ts';
import type { Cohort, RecipeRun } from '../retrain/port.ts';
import type { Cosines } from './calibrate.ts';
import { versions } from './cohort.ts';
import type { DoorEmbeddings } from './door-embeddings.ts';
import { centreOf, cosine, toUnit } from './projection.ts';

/** The embeddings of one picture, the plain one first. */
type Picture = readonly Embedding[];

/**
 * A template (a unit vector) for each picture of one person. Plain and degraded pictures have equal weight in the
 * centre.
 */
export function halfMoved(pictures: readonly Picture[]): readonly Embedding[] {
  const plain = pictures.flatMap(([first]) => first ?? []);
  const centre = centreOf([plain, pictures.flatMap(([, ...worse]) => worse)]);
  return plain.map((own) => toUnit(own.map((value, i) => value + (centre[i] as number))));
}

/**
 * Genuine: half of the pictures of each person in the cohort are enrolled, the other half are compared with the best of
 * them. Impostors: every picture, against each template of everyone else and of the door's people.
 */
export async function scoresOn(
  cohort: Cohort,
  { people, strangers }: Pick<DoorEmbeddings, 'people' | 'strangers'>,
  { signal, onProgress }: Pick<RecipeRun, 'signal' | 'onProgress'>,
): Promise<Cosines> {
  const genuine: number[] = [];
  const [amongCohort, atDoor]: [number[], number[]] = [[], []];
  const residents = people.flatMap(halfMoved);
  const nobodies = cohort.people.map(picturesOf);
  const templates = nobodies.map(halfMoved);
  const against = (into: number[], probes: readonly Embedding[], others: readonly Embedding[]) => {
    for (const probe of probes) for (const template of others) into.push(cosine(probe, template));
  };
  for (const [index, pictures] of nobodies.entries()) {
    await nextTurn();
    signal.throwIfAborted();
    const half = Math.floor(pictures.length / 2);
    const enrolled = halfMoved(pictures.slice(0, half));
    if (half > 0)
      for (const probe of pictures.slice(half).flat())
        genuine.push(enrolled.reduce((most, template) => Math.max(most, cosine(probe, template)), -1));
    for (const [other, own] of templates.entries()) if (other !== index) against(amongCohort, pictures.flat(), own);
    against(atDoor, pictures.flat(), residents);
    onProgress({ stage: 'comparing', done: index + 1, total: nobodies.length });
  }
  against(atDoor, strangers.flat(), residents);
  return { genuine: Float64Array.from(genuine), impostors: [Float64Array.from(amongCohort), Float64Array.from(atDoor)] };
}

/** The embeddings of a cohort are in the order of the pictures, each followed by its degraded versions. */
const picturesOf = (embeddings: readonly Embedding[]): readonly Picture[] =>
  Array.from({ length: Math.floor(embeddings.length / versions) }, (_, i) => embeddings.slice(i * versions, (i + 1) * versions));
