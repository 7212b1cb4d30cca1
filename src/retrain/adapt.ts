/**
 * The recipe `adapt`: the twin stays. What makes pictures of one person differ (light, blur, noise) is learned from this door's pictures, worsened
 * ones among them, and a cohort of strangers, and projected away; each picture that was learned from then stands for all of its person's.
 */
import { Fault } from '../errors.ts';
import type { Embedding, FaceStudio, Head } from '../face/port.ts';
import { newRandom, shuffled } from '../random.ts';
import { type Cosines, fitHead, tableOf } from './calibrate.ts';
import { embedVersions, learnedFrom, versions } from './cohort.ts';
import { lackOf } from './data.ts';
import { writeAdapted } from './folder.ts';
import type { Cohort, Recipe, RecipeProgress, RecipeRun, Sample } from './port.ts';
import { awayFromStrangers, centreOf, cosine, learnProjection, type People, type Projection, project } from './projection.ts';

export interface AdaptParts {
  /** The detector of the door and the embedder of a folder. */
  readonly openStudio: (embedder: string, threads: number) => Promise<FaceStudio>;
  readonly cohort: () => Cohort;
}

const needed = { people: 2, pictures: 3 } as const;
/** Embeddings are what costs time: no more of them than these, and no more worsened versions of one picture. */
const [mostEmbeddings, mostVersions] = [1300, 4];
/** Parts of the cohort that are kept aside in turn. */
const folds = 3;

export function adaptRecipe(parts: AdaptParts): Recipe {
  return {
    name: 'adapt',
    lacks: (data) => lackOf(data, 'adapt', needed),
    run: async (run) => {
      const startedAt = performance.now();
      const lack = lackOf(run.data, 'adapt', needed);
      if (lack) throw new Fault('training-failed', lack);
      const studio = await parts.openStudio(run.base, run.threads);
      const cohort = learnedFrom(parts.cohort());
      if (cohort.embedder !== studio.network)
        throw new Fault(
          'model-unfit',
          `The cohort was made by another embedder than that of ${run.base}: make one for it with facelatch models cohort DATA --embedder ${run.base}`,
        );
      const door = await embedDoor(studio, run);
      refuseFaceless(door);
      const learned = await learn(cohort, door, studio.dimension, run);
      const calibration = tableOf(
        learned.cosines,
        learned.head,
        `${cohort.people.length} people of the cohort, kept aside in turn, against each other and this door's people`,
      );
      if (calibration.table.length < 3)
        throw new Fault('training-failed', 'The cohort is too small to calibrate: 300 embeddings are needed at least');
      writeAdapted(run, { ...learned, calibration });
      const seconds = (performance.now() - startedAt) / 1000;
      const { faces, without, embeddings } = door;
      return { folder: run.out, calibration, seconds, figures: { faces, without, embeddings } };
    },
  };
}

interface Door {
  /** For each person: each picture's embeddings, the plain one first. */
  readonly people: readonly (readonly (readonly Embedding[])[])[];
  readonly strangers: People;
  readonly faces: number;
  readonly without: number;
  readonly embeddings: number;
}

async function embedDoor(studio: FaceStudio, { data, signal, breathe, onProgress, seed }: RecipeRun): Promise<Door> {
  const samples = data.people.reduce((sum, person) => sum + person.samples.length, 0);
  const total = samples + data.strangers.reduce((sum, own) => sum + own.length, 0);
  let [faces, without, embeddings, done, worse] = [0, 0, 0, 0, 0];
  const rate = Math.min(mostVersions, Math.max(0.3, (mostEmbeddings - samples) / samples));
  const embed = async ({ id, picture }: Sample, worsened: boolean): Promise<readonly Embedding[]> => {
    signal.throwIfAborted();
    await breathe?.();
    const aligned = await studio.cut(picture);
    const progress: RecipeProgress = { stage: 'embedding', done: ++done, total };
    onProgress(progress);
    if (!aligned) {
      without++;
      return [];
    }
    // Shared out evenly: a rate of 0.3 worsens every third picture.
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

function refuseFaceless({ people }: Door): void {
  const left = people.filter((pictures) => pictures.length >= 2).length;
  if (left < needed.people)
    throw new Fault(
      'training-failed',
      `A face is found in the pictures of only ${left} people, two pictures each: adapt needs ${needed.people}`,
    );
}

interface Learned {
  readonly projection: Projection;
  readonly keys: readonly Embedding[];
  readonly values: readonly Embedding[];
  readonly head: Extract<Head, { kind: 'cosine' }>;
  readonly cosines: Cosines;
}

async function learn(cohort: Cohort, { people, strangers }: Door, size: number, run: RecipeRun): Promise<Learned> {
  const { onProgress, signal, breathe, seed } = run;
  const door: People = people.map((pictures) => pictures.flat());
  const order = shuffled([...cohort.people.keys()], newRandom(seed));
  const genuine: number[] = [];
  const amongCohort: number[] = [];
  const atDoor: number[] = [];
  const step = async (done: number) => {
    signal.throwIfAborted();
    onProgress({ stage: 'learning', done, total: folds + 1 });
    await breathe?.();
  };
  for (let fold = 0; fold < folds; fold++) {
    await step(fold);
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
  await step(folds);
  if (genuine.length === 0)
    throw new Fault('model-unfit', 'The cohort has nobody with two pictures: make another with facelatch models cohort');
  const projection = learned(cohort.people, door, size);
  const nobody = cohort.people.flatMap((own) => own.map((embedding) => project(projection, embedding)));
  const values = people.map((pictures) => prototypeOf(pictures, projection, nobody));
  const cosines = { genuine: Float64Array.from(genuine), impostors: [Float64Array.from(amongCohort), Float64Array.from(atDoor)] };
  return {
    projection,
    keys: people.flatMap((pictures) => pictures.map(([plain]) => project(projection, plain as Embedding))),
    values: people.flatMap((pictures, person) => pictures.map(() => values[person] as Embedding)),
    head: fitHead(cosines),
    cosines,
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
