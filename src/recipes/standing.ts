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
import { centreOf, cosine, cosinesWith, type Rows, rowsOf, type ScoreRows, toUnit } from './embeddings.ts';

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
  const residentRows = rowsOf(residents);
  const nobodies = picturesIn(cohort);
  const templates = laidOut(nobodies.map(halfMoved));
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
      amongAt = withOthers(cosinesWith, probe, templates, index, among, amongAt);
      cosinesWith(probe, residentRows, 0, residents.length, atDoor, doorAt);
      doorAt += residents.length;
    }
    onProgress({ stage: 'comparing', done: index + 1, total: nobodies.length });
  }
  for (const probe of strangers.flat()) {
    cosinesWith(probe, residentRows, 0, residents.length, atDoor, doorAt);
    doorAt += residents.length;
  }
  return { genuine: Float64Array.from(genuine), impostors: [among, atDoor] };
}

/**
 * Scores of strangers' plain pictures, each against the templates of everyone else: made with two networks, they tell
 * how far a threshold moves from one to the other.
 */
export async function plainImpostors(
  people: readonly (readonly PictureVersions[])[],
  templatesOf: (pictures: readonly PictureVersions[]) => readonly Embedding[],
  score: ScoreRows,
  { signal }: Pick<RecipeRun, 'signal'>,
): Promise<Float64Array> {
  const templates = laidOut(people.map(templatesOf));
  const scores = new Float64Array(comparisons(people, (pictures) => pictures.length));
  let at = 0;
  for (const [index, pictures] of people.entries()) {
    await nextTurn();
    signal.throwIfAborted();
    for (const probe of plainOf(pictures)) at = withOthers(score, probe, templates, index, scores, at);
  }
  return scores;
}

/** Everybody's templates, and where those of each person begin. */
interface Templates {
  readonly rows: Rows;
  readonly starts: readonly number[];
}

function laidOut(people: readonly (readonly Embedding[])[]): Templates {
  const starts = [0];
  for (const own of people) starts.push((starts.at(-1) as number) + own.length);
  return { rows: rowsOf(people.flat()), starts };
}

/** Scores a probe of person `index` against the templates of everyone else; where the next score goes. */
function withOthers(score: ScoreRows, probe: Embedding, { rows, starts }: Templates, index: number, out: Float64Array, at: number): number {
  const [from, until, count] = [starts[index] as number, starts[index + 1] as number, starts.at(-1) as number];
  score(probe, rows, 0, from, out, at);
  score(probe, rows, until, count, out, at + from);
  return at + from + count - until;
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
