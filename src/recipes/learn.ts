/**
 * What is learned from embeddings: a cohort of strangers and a door's people in; out comes what is laid upon an embedder (the projection under which
 * pictures of one person differ least, and whom each picture that was learned from stands for), with the scores of people on whom nothing was learned.
 */
import { Fault } from '../base/errors.ts';
import { newRandom, shuffled } from '../base/random.ts';
import type { Embedding, Head } from '../face/port.ts';
import type { Cohort, RecipeRun } from '../retrain/port.ts';
import { type Cosines, fitHead } from './calibrate.ts';
import { versions } from './cohort.ts';
import type { Door } from './door-embeddings.ts';
import { awayFromStrangers, centreOf, cosine, learnProjection, type People, type Projection, project } from './projection.ts';

/** Parts of the cohort that are kept aside in turn. */
const folds = 3;

export interface Learned {
  readonly projection: Projection;
  readonly keys: readonly Embedding[];
  readonly values: readonly Embedding[];
  readonly head: Extract<Head, { kind: 'cosine' }>;
  readonly cosines: Cosines;
}

export async function learn(
  cohort: Cohort,
  { people, strangers }: Pick<Door, 'people' | 'strangers'>,
  size: number,
  run: Pick<RecipeRun, 'onProgress' | 'signal' | 'seed'>,
): Promise<Learned> {
  const { onProgress, signal, seed } = run;
  const door: People = people.map((pictures) => pictures.flat());
  const order = shuffled([...cohort.people.keys()], newRandom(seed));
  const genuine: number[] = [];
  const amongCohort: number[] = [];
  const atDoor: number[] = [];
  const step = (done: number) => {
    signal.throwIfAborted();
    onProgress({ stage: 'learning', done, total: folds + 1 });
  };
  for (let fold = 0; fold < folds; fold++) {
    step(fold);
    const aside = new Set(order.filter((_, index) => index % folds === fold));
    const known = cohort.people.filter((_, index) => !aside.has(index));
    const projection = learned(known, door, size);
    const z = (embeddings: readonly Embedding[]) => embeddings.map((embedding) => project(projection, embedding));
    // Half of a person's embeddings stand for enrolment, the other half comes to the door; against others' all of them count, enrolled three
    // ways: a strict door asks for rates that only a million comparisons can show.
    const unknown = cohort.people.flatMap((own, index) => (aside.has(index) && own.length >= 2 * versions ? [z(own)] : []));
    const nobody = z(known.flat());
    const enrolledAs = (own: readonly Embedding[]) => awayFromStrangers(centreOf([own]), nobody);
    const enrolled = unknown.map((own) => [own.slice(0, halfOf(own)), own.slice(halfOf(own)), own].map(enrolledAs));
    const residents = people.map((pictures) => prototypeOf(pictures, projection, nobody));
    for (const [index, own] of unknown.entries()) {
      for (const probe of own.slice(halfOf(own))) genuine.push(cosine(probe, enrolled[index]?.[0] as Embedding));
      for (const probe of own) {
        for (const [other, templates] of enrolled.entries())
          if (other !== index) for (const template of templates) amongCohort.push(cosine(probe, template));
        for (const template of residents) atDoor.push(cosine(probe, template));
      }
    }
    for (const probe of z(strangers.flat())) for (const template of residents) atDoor.push(cosine(probe, template));
  }
  step(folds);
  if (genuine.length === 0)
    throw new Fault('model-unfit', 'The cohort has nobody with two pictures: make another with facelatch models cohort');
  const projection = learned(cohort.people, door, size);
  const cosines = { genuine: Float64Array.from(genuine), impostors: [Float64Array.from(amongCohort), Float64Array.from(atDoor)] };
  return { projection, ...standFor(people, projection, cohort), head: fitHead(cosines), cosines };
}

/** For each person's pictures (each picture's embeddings, the plain one first) what stands for them: keys, and as values the person's prototype. */
function standFor(people: Door['people'], projection: Projection, cohort: Cohort): Pick<Learned, 'keys' | 'values'> {
  const nobody = cohort.people.flatMap((own) => own.map((embedding) => project(projection, embedding)));
  const values = people.map((pictures) => prototypeOf(pictures, projection, nobody));
  return {
    keys: people.flatMap((pictures) => pictures.map(([plain]) => project(projection, plain as Embedding))),
    values: people.flatMap((pictures, person) => pictures.map(() => values[person] as Embedding)),
  };
}

function learned(cohort: People, door: People, size: number): Projection {
  const projection = learnProjection(cohort, door, size);
  if (projection) return projection;
  throw new Fault('training-failed', 'The pictures of every person are all alike: nothing can be learned from copies of one picture');
}

/** Half of the pictures, each with all its versions. */
const halfOf = (own: readonly Embedding[]) => versions * Math.floor(own.length / versions / 2);

/** What a person's pictures say together, and no stranger's: those as they are and those made worse count alike. */
function prototypeOf(pictures: readonly (readonly Embedding[])[], projection: Projection, nobody: readonly Embedding[]): Embedding {
  const z = (embeddings: readonly Embedding[]) => embeddings.map((embedding) => project(projection, embedding));
  const centre = centreOf([z(pictures.flatMap(([plain]) => plain ?? [])), z(pictures.flatMap(([, ...worse]) => worse))]);
  return awayFromStrangers(centre, nobody);
}
