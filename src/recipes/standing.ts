/**
 * The templates that a recipe makes: each picture's embedding, moved half-way to the centre of its person. Embeddings
 * go in; templates come out, and the scores against them of people from whom the network learned nothing, to calibrate
 * on.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Embedding } from '../face/port.ts';
import type { Cohort, RecipeRun } from '../retrain/port.ts';
import type { Cosines } from './calibrate.ts';
import { versions } from './cohort.ts';
import type { DoorEmbeddings } from './door-embeddings.ts';
import { centreOf, cosine, toUnit } from './embeddings.ts';

/** The embeddings of one picture, the plain one first. */
export type PictureVersions = readonly Embedding[];

/**
 * A template (a unit vector) for each picture of one person. Plain and degraded pictures have equal weight in the
 * centre.
 */
export function halfMoved(pictures: readonly PictureVersions[]): readonly Embedding[] {
  const plain = plainOf(pictures);
  const centre = centreOf([plain, pictures.flatMap(([, ...worse]) => worse)]);
  return plain.map((own) => toUnit(own.map((value, i) => value + (centre[i] as number))));
}

/** The embedding of each picture as it is. */
export const plainOf = (pictures: readonly PictureVersions[]): readonly Embedding[] => pictures.flatMap(([plain]) => plain ?? []);

/** Pictures of one person that are scored: comparisons grow with the square. */
export const mostScored = 6;

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
  const residents = people.flatMap(halfMoved);
  const nobodies = picturesIn(cohort);
  const templates = nobodies.map(halfMoved);
  const among = new Float64Array(comparisons(nobodies, (pictures) => pictures.flat().length));
  const probes = nobodies.reduce((sum, pictures) => sum + pictures.flat().length, strangers.flat().length);
  const atDoor = new Float64Array(probes * residents.length);
  let [amongAt, doorAt] = [0, 0];
  for (const [index, pictures] of nobodies.entries()) {
    await nextTurn();
    signal.throwIfAborted();
    const half = Math.floor(pictures.length / 2);
    const enrolled = halfMoved(pictures.slice(0, half));
    if (half > 0)
      for (const probe of pictures.slice(half).flat())
        genuine.push(enrolled.reduce((most, template) => Math.max(most, cosine(probe, template)), -1));
    for (const probe of pictures.flat()) {
      for (const [other, own] of templates.entries())
        if (other !== index) for (const template of own) among[amongAt++] = cosine(probe, template);
      for (const template of residents) atDoor[doorAt++] = cosine(probe, template);
    }
    onProgress({ stage: 'comparing', done: index + 1, total: nobodies.length });
  }
  for (const probe of strangers.flat()) for (const template of residents) atDoor[doorAt++] = cosine(probe, template);
  return { genuine: Float64Array.from(genuine), impostors: [among, atDoor] };
}

/**
 * Scores of strangers' plain pictures, each against the templates of everyone else: made with two networks, they tell
 * how far a threshold moves from one to the other.
 */
export async function plainImpostors(
  people: readonly (readonly PictureVersions[])[],
  templatesOf: (pictures: readonly PictureVersions[]) => readonly Embedding[],
  score: (probe: Embedding, template: Embedding) => number,
  { signal }: Pick<RecipeRun, 'signal'>,
): Promise<Float64Array> {
  const templates = people.map(templatesOf);
  const scores = new Float64Array(comparisons(people, (pictures) => pictures.length));
  let at = 0;
  for (const [index, pictures] of people.entries()) {
    await nextTurn();
    signal.throwIfAborted();
    for (const probe of plainOf(pictures))
      for (const [other, own] of templates.entries())
        if (other !== index) for (const template of own) scores[at++] = score(probe, template);
  }
  return scores;
}

/** How many comparisons there are of everyone's probes with everyone else's templates, one for each picture. */
function comparisons(people: readonly (readonly PictureVersions[])[], probesOf: (pictures: readonly PictureVersions[]) => number): number {
  const templates = people.reduce((sum, pictures) => sum + pictures.length, 0);
  return people.reduce((sum, pictures) => sum + probesOf(pictures) * (templates - pictures.length), 0);
}

/** The embeddings of a cohort are in the order of the pictures, each followed by its degraded versions. */
export const picturesIn = ({ people }: Cohort): readonly (readonly PictureVersions[])[] =>
  people.map((embeddings) =>
    Array.from({ length: Math.min(mostScored, Math.floor(embeddings.length / versions)) }, (_, i) =>
      embeddings.slice(i * versions, (i + 1) * versions),
    ),
  );
