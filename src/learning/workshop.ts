/**
 * What learns and measures: the recipes and the comparison, with what they need from other rooms. The training
 * process imports it.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { demoPeopleFolder, modelFolder, root } from '../adapters/basics.ts';
import { Fault, messageOf } from '../base/errors.ts';
import type { NetworkPlace } from '../base/model/place.ts';
import { adapted } from '../face/embed.ts';
import { openEmbedderNetwork } from '../face/manifest/embedder.ts';
import type { EmbedderInfo, Embedding } from '../face/port.ts';
import { openFaceStudio } from '../face/studio.ts';
import { logitOf } from '../identity/siamese.ts';
import { calibrationCurve, fmrPerComparison } from '../identity/threshold.ts';
import { adaptRecipe } from '../recipes/adapt.ts';
import { comparedOn, openCohort } from '../recipes/cohort.ts';
import { type FinetunePlan, finetuneRecipe } from '../recipes/finetune.ts';
import { type PaperPlan, paperPlan, paperRecipe } from '../recipes/paper.ts';
import { halfMoved, picturesIn, plainOf } from '../recipes/standing.ts';
import { compareNetworks } from '../retrain/compare.ts';
import type { EnrolledCohort, Sample, Workshop } from '../retrain/port.ts';
import { follow } from '../train/course.ts';
import { unitHead } from '../train/network/head.ts';
import { paperNetwork } from '../train/network/network.ts';
import { openDistiller } from '../train/onnx/distiller.ts';
import { unitModel } from '../train/onnx/siamese-graph.ts';
import type { Network, OnnxDevice } from '../train/port.ts';

export interface WorkshopOptions {
  /** The detector's folder: the door's own. */
  readonly detector?: string;
  /** The cohort's folder: the shipped one. */
  readonly cohort?: string;
  /** The recipe `paper` with another network, or another plan in part. */
  readonly paper?: Partial<PaperPlan> & { readonly network?: Network };
  /** What `finetune` and `paper` train on (`trainer.device`). `adapt` takes less time than a GPU takes to start. */
  readonly device?: OnnxDevice;
  /** The recipe `finetune` with another plan in part. */
  readonly finetune?: Partial<FinetunePlan>;
  /**
   * Folder with a folder of pictures for each person who is not of this door (`retrain.others`); empty: there are
   * none.
   */
  readonly others?: string;
  /** Folder of people who do not exist (`p01-smiling.jpg`): those of the demo. */
  readonly nobodies?: string;
}

const shippedCohort = join(root, 'models', 'cohort');

/** Every recipe there is, and the comparison. */
export function workshopOf({
  detector = modelFolder('detector'),
  cohort = shippedCohort,
  paper: { network = paperNetwork, ...plan } = {},
  nobodies = demoPeopleFolder,
  others = '',
  device = 'cpu',
  finetune,
}: WorkshopOptions = {}): Workshop {
  return {
    recipes: {
      adapt: adaptRecipe({
        openStudio: (embedder, threads) => openFaceStudio({ detector, embedder, threads }),
        cohort: () => openCohort(cohort),
        logitOf,
      }),
      finetune: finetuneRecipe({
        openStudio: (embedder, threads) => openFaceStudio({ detector, embedder, threads }),
        openDistiller: (options) => openDistiller({ ...options, device }),
        others: () => (others === '' ? [] : picturesOfPeople(others)),
        logitOf,
        ...(finetune && { plan: finetune }),
      }),
      paper: paperRecipe({
        network,
        plan: { ...paperPlan, ...plan },
        openStudio: (embedder, threads) => openFaceStudio({ detector, embedder, threads }),
        follow: (course) => follow({ ...course, device }),
        encode: (of, weights) => ({ onnx: unitModel(of, weights), head: { kind: 'l1-logistic', ...unitHead(of, weights) } }),
        logitOf,
        others: (here) => (others === '' ? strangersUnless(here, peopleIn(nobodies)) : fewOf(picturesOfPeople(others), here)),
      }),
    },
    compare: (run) => compareNetworks(run, { fmrPerComparison, logitAt, logitOf, cohortOf: (place) => cohortFor(place, cohort) }),
  };
}

/**
 * The logit that an embedder's calibration gives for a rate per comparison. Throws Fault `model-unfit` where it has
 * none.
 */
function logitAt({ name, calibration }: EmbedderInfo, fmr: number): number {
  if (!calibration)
    throw new Fault(
      'model-unfit',
      `The embedder ${name} has no calibration: networks cannot be compared at a false-match rate without one`,
    );
  return calibrationCurve(calibration).logitAt(fmr).logit;
}

/**
 * The people of the cohort from whom nothing was learned, as a network sees them (through its adapter,
 * if it has one) and as its recipe would enrol them; undefined where another ONNX file made the cohort.
 */
function cohortFor(place: NetworkPlace, shipped: string): EnrolledCohort | undefined {
  const { onnxSha256, adapter } = openEmbedderNetwork(place);
  const cohort = comparedOn(openCohort(shipped));
  if (cohort.embedder !== onnxSha256) return undefined;
  const seen = (embeddings: readonly Embedding[]) => (adapter ? embeddings.map((each) => adapted(adapter, each)) : embeddings);
  return picturesIn(cohort).map((pictures) => {
    const half = Math.floor(pictures.length / 2);
    const enrolled = pictures.slice(0, half);
    return {
      templates: seen(adapter ? halfMoved(enrolled) : plainOf(enrolled)),
      probes: half > 0 ? seen(pictures.slice(half).flat()) : [],
      all: seen(pictures.flat()),
    };
  });
}

const sampleOf = (picture: Uint8Array): Sample => ({
  id: createHash('sha256').update(picture).digest('hex'),
  picture,
  origin: 'enrolment',
  takenAt: '',
});

/** A demo door has its people among the strangers too, under other pictures: then none of them are used. */
const strangersUnless = (here: ReadonlySet<string>, people: readonly (readonly Sample[])[]) =>
  people.flat().some(({ id }) => here.has(id)) ? [] : people;

/** More of them teach the paper's network nothing on a door's processor: it takes 2,500 steps of 16 pairs. */
const [mostOthers, mostOfEach] = [200, 6];

/** The people who are not of this door, and have at least two pictures. */
function fewOf(people: readonly (readonly (() => Uint8Array)[])[], here: ReadonlySet<string>): readonly (readonly Sample[])[] {
  return people
    .filter((own) => own.length >= 2)
    .slice(0, mostOthers)
    .map((own) => own.slice(0, mostOfEach).map((read) => sampleOf(read())))
    .filter((own) => !own.some(({ id }) => here.has(id)));
}

/** Person by person, by the beginning of the file names; empty where there is no such folder. */
function peopleIn(folder: string): readonly (readonly Sample[])[] {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.jpg')) : [];
  return [...Map.groupBy(names.toSorted(), (name) => name.split('-')[0]).values()].map((own) =>
    own.map((name) => sampleOf(readFileSync(join(folder, name)))),
  );
}

/**
 * Each person's pictures, read when they are needed; links are followed. Throws Fault `not-found`, and `bad-argument`
 * for a folder without people.
 */
function picturesOfPeople(folder: string): readonly (readonly (() => Uint8Array)[])[] {
  const pictures = (person: string) => readdirSync(person).filter((file) => /\.(jpe?g|png|webp|pgm)$/i.test(file));
  try {
    const people = readdirSync(folder)
      .filter((name) => !name.startsWith('.') && statSync(join(folder, name)).isDirectory())
      .map((name) =>
        pictures(join(folder, name))
          .toSorted()
          .map((file) => join(folder, name, file)),
      )
      .filter((files) => files.length > 0);
    if (people.length > 0) return people.map((files) => files.map((file) => () => readFileSync(file)));
  } catch (error) {
    throw new Fault(
      'not-found',
      `The folder ${folder} (retrain.others) cannot be read: ${messageOf(error)}`,
      error,
      'The folder of retrain.others cannot be read',
    );
  }
  throw new Fault(
    'bad-argument',
    `The folder ${folder} (retrain.others) has no folders of pictures, one for each person`,
    undefined,
    'The folder of retrain.others has no folders of pictures',
  );
}
