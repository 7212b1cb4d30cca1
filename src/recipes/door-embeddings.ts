/** Training data goes in; for each picture its embedding, and those of degraded copies, come out. */
import { Fault } from '../base/errors.ts';
import type { Embedding, FaceStudio } from '../face/port.ts';
import type { RecipeName, RecipeProgress, RecipeRun, Sample } from '../retrain/port.ts';
import { embedVersions } from './embed-versions.ts';
import type { People } from './embeddings.ts';

/** Limits, since embedding takes most of the time: embeddings in all, and degraded copies of one picture. */
const mostEmbeddings = 1300;
export const mostVersions = 4;

export interface DoorEmbeddings {
  /** For each person: the embeddings of each picture, the plain one first. */
  readonly people: readonly (readonly (readonly Embedding[])[])[];
  readonly strangers: People;
  readonly faces: number;
  /** Pictures without a face. */
  readonly without: number;
  readonly embeddings: number;
}

/** Only pictures of people are degraded. `versions`: at most so many copies of one picture. */
export async function embedDoor(
  studio: Pick<FaceStudio, 'cut' | 'embed' | 'width' | 'height'>,
  { data, signal, onProgress, seed }: Pick<RecipeRun, 'data' | 'signal' | 'onProgress' | 'seed'>,
  versions: number = mostVersions,
): Promise<DoorEmbeddings> {
  const samples = data.people.reduce((sum, person) => sum + person.samples.length, 0);
  const total = samples + data.strangers.reduce((sum, own) => sum + own.length, 0);
  let [faces, without, embeddings, done, worse] = [0, 0, 0, 0, 0];
  const rate = Math.min(versions, Math.max(0.3, (mostEmbeddings - samples) / samples));
  const embed = async ({ id, picture }: Sample, worsened: boolean): Promise<readonly Embedding[]> => {
    signal.throwIfAborted();
    const aligned = await studio.cut(picture);
    const progress: RecipeProgress = { stage: 'embedding', done: ++done, total };
    onProgress(progress);
    if (!aligned) {
      without++;
      return [];
    }
    // Spread evenly: a rate of 0.3 degrades every third picture.
    const count = worsened ? Math.floor(rate * (faces + 1)) - worse : 0;
    worse += count;
    faces++;
    const made = await embedVersions(studio, aligned, count, `${seed} ${id}`);
    embeddings += made.length;
    return made;
  };
  const people: (readonly (readonly Embedding[])[])[] = [];
  for (const person of data.people) people.push(await each(person.samples, (sample) => embed(sample, true)));
  const strangers: (readonly Embedding[])[] = [];
  for (const own of data.strangers) strangers.push((await each(own, (sample) => embed(sample, false))).flat());
  return { people, strangers, faces, without, embeddings };
}

async function each(
  samples: readonly Sample[],
  embed: (sample: Sample) => Promise<readonly Embedding[]>,
): Promise<(readonly Embedding[])[]> {
  const all: (readonly Embedding[])[] = [];
  for (const sample of samples) {
    const made = await embed(sample);
    if (made.length > 0) all.push(made);
  }
  return all;
}

/** Throws Fault `training-failed` if too few people have a face in two pictures. */
export function refuseFaceless(people: readonly (readonly unknown[])[], recipe: RecipeName, needed: { readonly people: number }): void {
  const left = people.filter((pictures) => pictures.length >= 2).length;
  if (left < needed.people)
    throw new Fault('training-failed', `Only ${left} people have two pictures with a face: ${recipe} needs ${needed.people}`);
}
