/**
 * The recipe `finetune`: layers of the twin learn to see through this door's bad light. The door's pictures, and blends
 * of several faces, are degraded, and the network learns to give for a degraded picture the embedding it gave for the
 * clean one: distillation of the network into itself (G. Hinton, O. Vinyals, J. Dean 2015; for degraded faces S. Ge et
 * al., IEEE TIP 2019). The templates are then moved half-way to the centre of their person. A projection as in `adapt`
 * is not learned: on such a network it gained nothing.
 *
 * Only layers that still see the picture in detail are trained: on the few pictures of a door the deep layers memorise
 * faces (docs/research/log.md).
 */

import { Fault } from '../base/errors.ts';
import type { NetworkPlace } from '../base/model/place.ts';
import { shelved } from '../base/model/shelf.ts';
import { newRandom, shuffled } from '../base/random.ts';
import type { Embedding, FaceStudio, Head } from '../face/port.ts';
import type { LabelledPerson, Recipe, RecipeRun } from '../retrain/port.ts';
import type { Distiller, DistillerOptions } from '../train/port.ts';
import { fitHead } from './calibrate.ts';
import { carriedOver } from './carry-over.ts';
import { lackOf } from './data.ts';
import { embedDoor, mostVersions, refuseFaceless } from './door-embeddings.ts';
import { writeAdapted, writeTwin } from './embedder-folder.ts';
import { cosinesWith, scoresOf, unchanged } from './embeddings.ts';
import { cohortOf, facesApart, plainly } from './finetune-cohort.ts';
import { type DistilPlan, distil } from './finetune-distil.ts';
import { cuttingOnce, type Faces, facesOf } from './finetune-faces.ts';
import { requireFitness } from './finetune-fitness.ts';
import { openLessons } from './lessons.ts';
import { halfMoved, picturesIn, plainImpostors, plainOf, scoresOn } from './standing.ts';

interface FinetuneParts {
  /** Opens the door's detector with the embedder of a folder. */
  readonly openStudio: (embedder: NetworkPlace, threads: number) => Promise<FaceStudio>;
  readonly openDistiller: (options: DistillerOptions) => Promise<Distiller>;
  /** Encoded pictures of people who are strangers to this door, a list for each person; empty if there are none. */
  readonly others: () => readonly (readonly (() => Uint8Array)[])[];
  readonly logitOf: (head: Head, a: Embedding, b: Embedding) => number;
  readonly plan?: Partial<FinetunePlan>;
}

export interface FinetunePlan extends DistilPlan {
  /** Blends for each face of the door (lessons.ts limits their number). */
  readonly mixedPerFace: number;
  /** Degraded copies of each picture that the new network is calibrated on. */
  readonly versions: number;
  /**
   * People needed if there are no others: a quarter of them is held out to calibrate on. And others needed if there are
   * any.
   */
  readonly people: number;
  readonly others: number;
}

const usual: FinetunePlan = {
  ...{ steps: 400, rows: 32, rate: 5e-4, checkpointEvery: 25, mixedPerFace: 20 },
  ...{ versions: mostVersions, people: 20, others: 100 },
};
const withOthers = { people: 2, pictures: 3 } as const;
/** Pictures needed of each person if some people are held out: half of the pictures are enrolled. */
const picturesAlone = 4;
/** Every fourth person is held out. */
const heldOutEvery = 4;
/** Two of five of the others are held out to calibrate on. */
const calibrates = (other: number) => other % 5 < 2;

export function finetuneRecipe(parts: FinetuneParts): Recipe {
  const plan = { ...usual, ...parts.plan };
  const lacks = (data: RecipeRun['data']) => {
    const others = parts.others();
    if (others.length > 0 && others.length < plan.others)
      return `finetune needs pictures of at least ${plan.others} people who are strangers to this door, and retrain.others has ${others.length}: add people, or leave it empty`;
    const lack = lackOf(data, 'finetune', others.length > 0 ? withOthers : { people: plan.people, pictures: picturesAlone });
    if (lack === undefined || others.length > 0) return lack;
    return `${lack}. With fewer, give it pictures of people who are strangers to this door (retrain.others), or use adapt`;
  };
  return {
    name: 'finetune',
    lacks,
    run: async (run) => {
      const startedAt = performance.now();
      const lack = lacks(run.data);
      if (lack) throw new Fault('training-failed', lack);
      const base = cuttingOnce(await openedBase(parts, run));
      const faces = await facesOf(base, run, parts.others());
      refuseFaceless(faces.door.slice(0, run.data.people.length), 'finetune', withOthers);
      const [own, aside] = faces.others.length > 0 ? [run.data.people, []] : parted(run);
      const { network, pictures, loss, seconds } = await taught({ ...parts, plan }, base, faces, aside, run);
      writeTwin(run, network);
      const studio = { ...(await parts.openStudio(shelved(run.out), run.threads)), cut: base.cut };
      const fitnessOff = await requireFitness(base, studio, faces.door, run.signal);
      const { head, calibration, everyone } = await calibrated({ base, studio, faces, own, aside, versions: plan.versions }, parts, run);
      const [keys, values] = [everyone.flatMap(plainOf), everyone.flatMap(halfMoved)];
      const learned = { projection: unchanged(studio.dimension), keys, values, twin: { head, calibration }, head, calibration };
      writeAdapted({ out: run.out }, learned, 'finetune');
      return {
        folder: run.out.folder,
        calibration,
        seconds: (performance.now() - startedAt) / 1000,
        figures: {
          faces: faces.door.flat().length,
          others: faces.others.length,
          pictures,
          loss,
          secondsPerStep: seconds,
          ...(fitnessOff !== undefined && { fitnessOff }),
        },
      };
    },
  };
}

async function openedBase({ openStudio }: FinetuneParts, run: RecipeRun): Promise<FaceStudio> {
  const base = await openStudio(run.base, run.threads);
  if (base.layout !== 'NCHW')
    throw new Fault('model-unfit', `finetune trains networks that take pictures as NCHW; that of ${run.base} takes ${base.layout}`);
  return base;
}

/** The trained network, and the number of pictures its lessons were made of. */
async function taught(
  parts: FinetuneParts & { readonly plan: FinetunePlan },
  base: FaceStudio,
  faces: Faces,
  aside: readonly LabelledPerson[],
  run: RecipeRun,
) {
  const kept = new Set(aside.map(({ personId }) => personId));
  const lessons = await openLessons({
    width: base.width,
    height: base.height,
    door: faces.door.filter((own, index) => own.length > 0 && !kept.has(run.data.people[index]?.personId ?? '')),
    others: faces.others.filter((_, index) => !calibrates(index)),
    judge: base.judge,
    seed: run.seed,
    mixedPerFace: parts.plan.mixedPerFace,
    onProgress: (done, total) => run.onProgress({ stage: 'teaching', done, total }),
    signal: run.signal,
  });
  return { ...(await distil(base, lessons, run, parts)), pictures: lessons.count };
}

interface Taught {
  /** The network before, and the one that was trained. */
  readonly base: FaceStudio;
  readonly studio: FaceStudio;
  readonly faces: Faces;
  readonly own: readonly LabelledPerson[];
  readonly aside: readonly LabelledPerson[];
  readonly versions: number;
}

/**
 * The head and the calibration of the new network, and its embeddings of the door's people: `own`, then those held out.
 */
async function calibrated({ base, studio, faces: { others }, own, aside, versions }: Taught, { logitOf }: FinetuneParts, run: RecipeRun) {
  const unlearned = others.filter((_, index) => calibrates(index));
  const apart = await facesApart(studio, unlearned, aside, run);
  const cohort = await cohortOf(studio, apart, run);
  const door = await embedDoor(studio, { ...run, data: { ...run.data, people: own } }, versions);
  const rest = await embedDoor(studio, { ...run, data: { people: aside, strangers: [] } }, versions);
  const cosines = await scoresOn(cohort, door, run);
  if (cosines.genuine.length === 0)
    throw new Fault(
      'training-failed',
      'Nobody who was held out has two pictures with a face: give it more pictures, or pictures of others (retrain.others)',
    );
  const head = fitHead(cosines);
  const { twin } = base;
  const plain = await plainly(base, apart, run);
  const before = {
    ...twin,
    impostors: await plainImpostors(
      plain,
      plainOf,
      scoresOf((a, b) => logitOf(twin.head, a, b)),
      run,
    ),
  };
  const after = { head, impostors: await plainImpostors(picturesIn(cohort), halfMoved, cosinesWith, run) };
  const calibration = carriedOver(
    before,
    after,
    cosines,
    others.length > 0
      ? `${cohort.people.length} strangers from whom the network learned nothing, against each other and this door's people`
      : `${aside.length} people of this door, held out, against each other and the others`,
  );
  if (calibration.table.length < 3)
    throw new Fault(
      'training-failed',
      'Too few pictures were held out to calibrate: give it more people, or pictures of others (retrain.others)',
    );
  return { head, calibration, everyone: [...door.people, ...rest.people] };
}

/** People to learn from, and people held out to calibrate on. */
function parted({ data, seed }: RecipeRun): readonly [learned: readonly LabelledPerson[], aside: readonly LabelledPerson[]] {
  const order = shuffled([...data.people], newRandom(seed));
  return [order.filter((_, index) => index % heldOutEvery !== 0), order.filter((_, index) => index % heldOutEvery === 0)];
}
