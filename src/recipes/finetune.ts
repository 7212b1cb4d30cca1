/**
 * The recipe `finetune`: the twin's own layers learn to see through this door's bad light. Each clean picture of the door, and faces laid over each other that
 * nobody has, are made worse, and the network learns to give for the worse picture what it gave for the clean one (distillation of the network into
 * itself: G. Hinton, O. Vinyals, J. Dean 2015; for degraded faces: S. Ge et al., IEEE TIP 2019). Each picture that was learned from is then moved half-way to
 * what its person's pictures say together; a projection, as with `adapt`, is not learned: upon a network that sees better it gained nothing.
 *
 * Only the layers that still see the picture in detail learn: on the few pictures of a door the deep ones learn faces by heart (README has the figures).
 */
import { Fault } from '../base/errors.ts';
import { newRandom, shuffled } from '../base/random.ts';
import type { FaceStudio } from '../face/port.ts';
import type { LabelledPerson, Recipe, RecipeRun } from '../retrain/port.ts';
import type { Distiller, DistillerOptions } from '../train/port.ts';
import { fitHead, tableOf } from './calibrate.ts';
import { lackOf } from './data.ts';
import { embedDoor, refuseFaceless } from './door-embeddings.ts';
import { writeAdapted, writeTwin } from './embedder-folder.ts';
import { cohortOf } from './finetune-cohort.ts';
import { type DistilPlan, distil } from './finetune-distil.ts';
import { type Faces, facesOf } from './finetune-faces.ts';
import { openLessons } from './lessons.ts';
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
export interface FinetunePlan extends DistilPlan {
  /** Faces laid over each other for each face of the door; at most `mostMixed`. */
  readonly mixedPerFace: number;
  /** People that the door needs where there are no others, a quarter of whom is kept aside to calibrate on; and others, where there are any. */
  readonly people: number;
  readonly others: number;
}

const usual: FinetunePlan = { steps: 400, rows: 32, rate: 7e-4, checkpointEvery: 25, mixedPerFace: 20, people: 20, others: 100 };
const withOthers = { people: 2, pictures: 3 } as const;
/** Pictures of a person where some are kept aside: half of them stand for enrolment. */
const picturesAlone = 4;
const keptAside = 4;
/** Two of five of the others are not learned from: they calibrate. */
const calibrates = (other: number) => other % 5 < 2;

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
      const base = await openedBase(parts, run);
      const faces = await facesOf(base, run, parts.others());
      refuseFaceless(faces.door.slice(0, run.data.people.length), 'finetune', withOthers);
      const [own, aside] = faces.others.length > 0 ? [run.data.people, []] : parted(run);
      const { network, pictures, loss, seconds } = await taught({ ...parts, plan }, base, faces, aside, run);
      writeTwin(run, network);
      const twin = await parts.openStudio(run.out, run.threads);
      const { head, calibration, everyone } = await calibrated(twin, faces, own, aside, run);
      const keys = everyone.flatMap((pictures) => pictures.flatMap(([plain]) => plain ?? []));
      const values = everyone.flatMap(halfMoved);
      writeAdapted({ base: run.out, out: run.out }, { projection: unchanged(twin.dimension), keys, values, head, calibration }, 'finetune');
      return {
        folder: run.out,
        calibration,
        seconds: (performance.now() - startedAt) / 1000,
        figures: { faces: faces.door.flat().length, others: faces.others.length, pictures, loss, secondsPerStep: seconds },
      };
    },
  };
}

async function openedBase({ openStudio }: FinetuneParts, run: RecipeRun): Promise<FaceStudio> {
  const base = await openStudio(run.base, run.threads);
  if (base.layout !== 'NCHW')
    throw new Fault(
      'model-unfit',
      `finetune trains networks that take pictures channel by channel (NCHW); that of ${run.base} takes them ${base.layout}`,
    );
  return base;
}

/** The network after its lessons, and of how many pictures those were made. */
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
    embed: base.embed,
    seed: run.seed,
    mixedPerFace: parts.plan.mixedPerFace,
    onProgress: (done, total) => run.onProgress({ stage: 'teaching', done, total }),
    signal: run.signal,
  });
  return { ...(await distil(base, lessons, run, parts)), pictures: lessons.count };
}

/** The head and the calibration of the new network, and how it sees everyone of the door: `own`, who taught it, and then those kept `aside`. */
async function calibrated(
  twin: FaceStudio,
  { others }: Faces,
  own: readonly LabelledPerson[],
  aside: readonly LabelledPerson[],
  run: RecipeRun,
) {
  const unlearned = others.filter((_, index) => calibrates(index));
  const cohort = await cohortOf(twin, unlearned, aside, run);
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
    others.length > 0
      ? `${cohort.people.length} people who are nobody at this door, of whom the network learned nothing, against each other and this door's people`
      : `${aside.length} people of this door, kept aside, against each other and the others`,
  );
  if (calibration.table.length < 3)
    throw new Fault(
      'training-failed',
      'Too few pictures were kept aside to calibrate: give it more people, or pictures of others (retrain.others)',
    );
  return { head, calibration, everyone: [...door.people, ...rest.people] };
}

/** People to learn from, and those kept aside to calibrate on. */
function parted({ data, seed }: RecipeRun): readonly [learned: readonly LabelledPerson[], aside: readonly LabelledPerson[]] {
  const order = shuffled([...data.people], newRandom(seed));
  return [order.filter((_, index) => index % keptAside !== 0), order.filter((_, index) => index % keptAside === 0)];
}
