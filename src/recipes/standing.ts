/**
 * What stands for people under a network that is laid nothing upon: each picture, moved half-way to what all of its person's pictures say together; and
 * the scores of people of whom the network learned nothing against such templates, to calibrate on.
 */
import type { Embedding } from '../face/port.ts';
import type { Cohort, RecipeRun } from '../retrain/port.ts';
import type { Cosines } from './calibrate.ts';
import { versions } from './cohort.ts';
import type { Door } from './door-embeddings.ts';
import { centreOf, cosine, toUnit } from './projection.ts';

/** A picture's embeddings, the plain one first. */
type Picture = readonly Embedding[];

/** A template for each picture of one person; unit vectors. Pictures as they are and those made worse count alike in the centre. */
export function halfMoved(pictures: readonly Picture[]): readonly Embedding[] {
  const plain = pictures.flatMap(([first]) => first ?? []);
  const centre = centreOf([plain, pictures.flatMap(([, ...worse]) => worse)]);
  return plain.map((own) => toUnit(own.map((value, i) => value + (centre[i] as number))));
}

/**
 * Half of a cohort's person's pictures stand for enrolment, the other half comes to the door and is compared with the best of them; everyone is an impostor
 * to each template of everyone else, and of the door's people.
 */
export async function scoresOn(
  cohort: Cohort,
  { people, strangers }: Pick<Door, 'people' | 'strangers'>,
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

/** Embeddings of a cohort come picture by picture, each with its worse versions. */
const picturesOf = (embeddings: readonly Embedding[]): readonly Picture[] =>
  Array.from({ length: Math.floor(embeddings.length / versions) }, (_, i) => embeddings.slice(i * versions, (i + 1) * versions));
