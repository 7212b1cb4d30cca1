/**
 * The recipe `finetune`: the twin's own layers learn to see through this door's bad light. Each clean picture of the door, and faces laid over each other that
 * nobody has, are made worse, and the network learns to give for the worse picture what it gave for the clean one (distillation of the network into
 * itself: G. Hinton, O. Vinyals, J. Dean 2015; for degraded faces: S. Ge et al., IEEE TIP 2019). Each picture that was learned from is then moved half-way to
 * what its person's pictures say together; a projection, as with `adapt`, is not learned: upon a network that sees better it gained nothing.
 *
 * Only the layers that still see the picture in detail learn: on the few pictures of a door the deep ones learn faces by heart (README has the figures).
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Fault } from '../errors.ts';
import type { Embedding, FaceStudio } from '../face/port.ts';
import { newRandom, shuffled } from '../random.ts';
import type { Distiller, DistillerOptions } from '../train/port.ts';
import { fitHead, tableOf } from './calibrate.ts';
import { embedVersions, versions } from './cohort.ts';
import { lackOf } from './data.ts';
import { embedDoor, refuseFaceless } from './door.ts';
import { writeAdapted, writeTwin, writing } from './folder.ts';
import { type Lessons, openLessons } from './lessons.ts';
import type { Cohort, LabelledPerson, Recipe, RecipeRun } from './port.ts';
import { unchanged } from './projection.ts';
import { halfMoved, scoresOn } from './standing.ts';

export interface FinetuneParts {
  /** The detector of the door and the embedder of a folder. */
  readonly openStudio: (embedder: string, threads: number) => Promise<FaceStudio>;
  readonly openDistiller: (options: DistillerOptions) => Promise<Distiller>;
  /** Pictures (encoded) of people who are nobody at this door, one list a person, where the owner has any. */
  readonly others: () => readonly (readonly (() => Uint8Array)[])[];
  readonly plan?: Partial<FinetunePlan>;
}

/** How it learns. */
export interface FinetunePlan {
  /** Steps, pictures in each, and the highest rate of Adam. */
  readonly steps: number;
  readonly rows: number;
  readonly rate: number;
  /** Steps after which the state is put on the disk. */
  readonly checkpointEvery: number;
  /** Faces laid over each other for each face of the door; at most `mostMixed`. */
  readonly mixedPerFace: number;
  /** People that the door needs where there are no others, a quarter of whom is kept aside to calibrate on; and others, where there are any. */
  readonly people: number;
  readonly others: number;
}

const usual: FinetunePlan = { steps: 400, rows: 32, rate: 7e-4, checkpointEvery: 25, mixedPerFace: 20, people: 20, others: 100 };
/** Steps in which the rate rises from nothing. */
const warmUp = 20;
/** A layer learns that still gives at least this share of the picture's side. */
const detail = 0.25;
const withOthers = { people: 2, pictures: 3 } as const;
/** Pictures of a person where some are kept aside: half of them stand for enrolment. */
const picturesAlone = 4;
const keptAside = 4;
/** Two of five of the others are not learned from: they calibrate. */
const calibrates = (other: number) => other % 5 < 2;
/** Of each of the others, at most so many pictures are learned from, and so many stand in the cohort. */
const [mostOfOther, mostInCohort] = [20, 8];
/** People who calibrate, at most: the comparisons grow with the square. */
const mostCalibrating = 150;

export function finetuneRecipe(parts: FinetuneParts): Recipe {
  const plan = { ...usual, ...parts.plan };
  const lacks = (data: RecipeRun['data']) => {
    const others = parts.others();
    if (others.length > 0 && others.length < plan.others)
      return `finetune needs pictures of at least ${plan.others} people who are nobody at this door, retrain.others has ${others.length}: add people, or leave it empty`;
    const lack = lackOf(data, 'finetune', others.length > 0 ? withOthers : { people: plan.people, pictures: picturesAlone });
    if (lack === undefined || others.length > 0) return lack;
    return `${lack}. With fewer, give it pictures of people who are nobody at this door (retrain.others), or let it adapt`;
  };
  return {
    name: 'finetune',
    lacks,
    run: async (run) => {
      const startedAt = performance.now();
      const lack = lacks(run.data);
      if (lack) throw new Fault('training-failed', lack);
      const base = await parts.openStudio(run.base, run.threads);
      if (base.layout !== 'NCHW')
        throw new Fault(
          'model-unfit',
          `finetune trains networks that take pictures channel by channel (NCHW); that of ${run.base} takes them ${base.layout}`,
        );
      const faces = await facesOf(base, run, parts.others());
      refuseFaceless(faces.door.slice(0, run.data.people.length), 'finetune', withOthers);
      const [own, aside] = faces.others.length > 0 ? [run.data.people, []] : parted(run);
      const kept = new Set(aside.map(({ personId }) => personId));
      const pace = paced(run);
      const lessons = await openLessons({
        width: base.width,
        height: base.height,
        door: faces.door.filter((own, index) => own.length > 0 && !kept.has(run.data.people[index]?.personId ?? '')),
        others: faces.others.filter((_, index) => !calibrates(index)),
        embed: base.embed,
        seed: run.seed,
        mixedPerFace: plan.mixedPerFace,
        onProgress: (done, total) => run.onProgress({ stage: 'teaching', done, total }),
        breathe: pace,
      });
      const { network, loss, seconds } = await distil(base, lessons, run, { ...parts, plan }, pace);
      writeTwin(run, network);
      const twin = await parts.openStudio(run.out, run.threads);
      const cohort = await cohortOf(
        twin,
        faces.others.filter((_, index) => calibrates(index)),
        aside,
        run,
        pace,
      );
      const door = await embedDoor(twin, { ...run, data: { ...run.data, people: own } });
      const rest = await embedDoor(twin, { ...run, data: { people: aside, strangers: [] } });
      const cosines = await scoresOn(cohort, door, run);
      if (cosines.genuine.length === 0)
        throw new Fault(
          'training-failed',
          'Nobody who was kept aside has two pictures with a face: give it more, or pictures of others (retrain.others)',
        );
      const head = fitHead(cosines);
      const calibration = tableOf(
        cosines,
        head,
        faces.others.length > 0
          ? `${cohort.people.length} people who are nobody at this door, of whom the network learned nothing, against each other and this door's people`
          : `${aside.length} people of this door, kept aside, against each other and the others`,
      );
      if (calibration.table.length < 3)
        throw new Fault(
          'training-failed',
          'Too few pictures were kept aside to calibrate: give it more people, or pictures of others (retrain.others)',
        );
      const everyone = [...door.people, ...rest.people];
      const keys = everyone.flatMap((pictures) => pictures.flatMap(([plain]) => plain ?? []));
      const values = everyone.flatMap(halfMoved);
      writeAdapted({ base: run.out, out: run.out }, { projection: unchanged(twin.dimension), keys, values, head, calibration }, 'finetune');
      return {
        folder: run.out,
        calibration,
        seconds: (performance.now() - startedAt) / 1000,
        figures: { faces: faces.door.flat().length, others: faces.others.length, pictures: lessons.count, loss, secondsPerStep: seconds },
      };
    },
  };
}

interface Faces {
  /** In the order of the data's people and of the others; aligned, interleaved RGB. */
  readonly door: readonly (readonly Uint8Array[])[];
  readonly others: readonly (readonly Uint8Array[])[];
}

/** Cuts every face out once. */
async function facesOf(studio: FaceStudio, run: RecipeRun, others: readonly (readonly (() => Uint8Array)[])[]): Promise<Faces> {
  const pictures = [
    ...run.data.people.map(({ samples }) =>
      samples.map(
        ({ picture }) =>
          () =>
            picture,
      ),
    ),
    ...run.data.strangers.map((own) =>
      own.map(
        ({ picture }) =>
          () =>
            picture,
      ),
    ),
    ...others.map((own) => own.slice(0, mostOfOther)),
  ];
  const total = pictures.flat().length;
  let done = 0;
  const found: Uint8Array[][] = [];
  for (const own of pictures) {
    const faces: Uint8Array[] = [];
    for (const read of own) {
      run.signal.throwIfAborted();
      await run.breathe?.();
      const face = await studio.cut(read());
      if (face) faces.push(face);
      run.onProgress({ stage: 'finding faces', done: ++done, total });
    }
    found.push(faces);
  }
  const [people, strangers] = [run.data.people.length, run.data.strangers.length];
  // Strangers of this door are seen by its camera: they are as good to learn light from as its people.
  return { door: found.slice(0, people + strangers), others: found.slice(people + strangers).filter((own) => own.length > 0) };
}

/** People to learn from, and those kept aside to calibrate on. */
function parted({ data, seed }: RecipeRun): readonly [learned: readonly LabelledPerson[], aside: readonly LabelledPerson[]] {
  const order = shuffled([...data.people], newRandom(seed));
  return [order.filter((_, index) => index % keptAside !== 0), order.filter((_, index) => index % keptAside === 0)];
}

const paced = (run: RecipeRun) => async () => {
  run.signal.throwIfAborted();
  await run.breathe?.();
};

/** Teaches; goes on from the checkpoint where there is one. */
async function distil(
  studio: FaceStudio,
  lessons: Lessons,
  run: RecipeRun,
  parts: FinetuneParts & { plan: FinetunePlan },
  pace: () => Promise<void>,
) {
  const { steps, rows, rate, checkpointEvery } = parts.plan;
  const { width, height } = studio;
  const least = detail * Math.min(width, height);
  await using distiller = await parts.openDistiller({
    ...{ network: studio.bytes, rows, channels: 3, height, width, threads: run.threads },
    learns: ({ side }) => side >= least,
  });
  const file = join(run.checkpoint, `finetune-${steps}-${lessons.count}.f32`);
  const begun = restored(distiller, file);
  const lesson = async (step: number) => {
    const pictures = new Float32Array(rows * 3 * width * height);
    return { targets: await lessons.batch(step, rows, (face, row) => studio.feed(face, pictures, row)), pictures };
  };
  const startedAt = performance.now();
  let loss = Number.NaN;
  // The next batch is made while this one is learned from.
  let next = lesson(begun + 1);
  for (let step = begun + 1; step <= steps; step++) {
    await pace();
    const { pictures, targets } = await next;
    if (step < steps) next = lesson(step + 1);
    const now = await distiller.step(pictures, targets, rateAt(step, steps, rate));
    if (Number.isNaN(now))
      throw new Fault('training-failed', `The loss broke in step ${step} of ${steps}: the network cannot be trained on as it is`);
    loss = Number.isNaN(loss) ? now : 0.95 * loss + 0.05 * now;
    const seconds = (performance.now() - startedAt) / 1000 / (step - begun);
    run.onProgress({ stage: 'training', done: step, total: steps, figures: { loss, secondsPerStep: seconds } });
    if (step % checkpointEvery === 0) keep(file, distiller.state());
  }
  const seconds = (performance.now() - startedAt) / 1000 / Math.max(1, steps - begun);
  return { network: distiller.network(), loss, seconds };
}

/** Throws Fault `disk-full`. */
function keep(file: string, state: Float32Array): void {
  writing(dirname(file), () => {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.writing`, new Uint8Array(state.buffer));
    renameSync(`${file}.writing`, file);
  });
}

/** Rises at first, then falls to nothing along half a cosine (I. Loshchilov, F. Hutter, ICLR 2017). */
const rateAt = (step: number, steps: number, rate: number) =>
  rate * Math.min(1, step / Math.min(warmUp, steps)) * 0.5 * (1 + Math.cos((Math.PI * (step - 1)) / steps));

/** The step that the checkpoint was written after; 0 where there is none that fits. */
function restored(distiller: Distiller, file: string): number {
  if (!existsSync(file)) return 0;
  try {
    const state = new Float32Array(Uint8Array.from(readFileSync(file)).buffer);
    distiller.restore(state);
    return state[0] as number;
  } catch (error) {
    // Of another network: it begins anew.
    if (error instanceof RangeError) return 0;
    throw error;
  }
}

/** People on whom nothing was learned, as the new network sees them: the others, or those of this door that were kept aside. */
async function cohortOf(
  twin: FaceStudio,
  others: readonly (readonly Uint8Array[])[],
  aside: readonly LabelledPerson[],
  run: RecipeRun,
  pace: () => Promise<void>,
): Promise<Cohort> {
  const faces =
    others.length > 0 ? others.slice(0, mostCalibrating).map((own) => own.slice(0, mostInCohort)) : await cutAll(twin, aside, pace);
  const people: Embedding[][] = [];
  for (const own of faces) {
    const embeddings: Embedding[] = [];
    for (const [index, face] of own.entries()) {
      await pace();
      embeddings.push(...(await embedVersions(twin, face, versions - 1, `${run.seed} ${people.length} ${index}`)));
    }
    people.push(embeddings);
    run.onProgress({ stage: 'calibrating', done: people.length, total: faces.length });
  }
  return { embedder: twin.network, dimension: twin.dimension, people };
}

async function cutAll(twin: FaceStudio, people: readonly LabelledPerson[], pace: () => Promise<void>): Promise<Uint8Array[][]> {
  const all: Uint8Array[][] = [];
  for (const { samples } of people) {
    const own: Uint8Array[] = [];
    for (const { picture } of samples) {
      await pace();
      const face = await twin.cut(picture);
      if (face) own.push(face);
    }
    all.push(own);
  }
  return all;
}
