/**
 * The recipe `adapt`. The twin stays as it is. Each picture that it learns from then stands for all pictures of its
 * person, degraded copies among them: its template is moved half-way to their centre. Head and calibration are learned
 * on a cohort of strangers.
 */

import { Fault } from '../base/errors.ts';
import type { NetworkPlace } from '../base/model/place.ts';
import type { Calibration, Embedding, FaceStudio, Head } from '../face/port.ts';
import type { Cohort, Recipe, RecipeRun } from '../retrain/port.ts';
import { fitHead } from './calibrate.ts';
import { carriedOver } from './carry-over.ts';
import { learnedFrom } from './cohort.ts';
import { lackOf } from './data.ts';
import { type DoorEmbeddings, embedDoor, refuseFaceless } from './door-embeddings.ts';
import { writeAdapted } from './embedder-folder.ts';
import { cosinesWith, scoresOf, unchanged } from './embeddings.ts';
import { halfMoved, picturesIn, plainImpostors, plainOf, scoresOn } from './standing.ts';

export interface AdaptParts {
  /** Opens the door's detector with the embedder of a folder. */
  readonly openStudio: (embedder: NetworkPlace, threads: number) => Promise<FaceStudio>;
  readonly cohort: () => Cohort;
  readonly logitOf: (head: Head, a: Embedding, b: Embedding) => number;
}

const needed = { people: 2, pictures: 3 } as const;

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
          `The cohort of strangers, on which adapt calibrates, was made with another embedder than that of ${run.base}: choose the recipe finetune (retrain.recipe), which needs none, or the shipped embedder (face.embedder)`,
        );
      const door = await embedDoor(studio, run);
      refuseFaceless(door.people, 'adapt', needed);
      const { head, calibration } = await calibrated(studio, cohort, door, parts, run);
      if (calibration.table.length < 3)
        throw new Fault('training-failed', 'The cohort is too small to calibrate: it needs at least 300 embeddings');
      const [keys, values] = [door.people.flatMap(plainOf), door.people.flatMap(halfMoved)];
      writeAdapted(run, { projection: unchanged(studio.dimension), keys, values, twin: studio.twin, head, calibration }, 'adapt');
      const seconds = (performance.now() - startedAt) / 1000;
      const { faces, without, embeddings } = door;
      return { folder: run.out.folder, calibration, seconds, figures: { faces, without, embeddings } };
    },
  };
}

async function calibrated(
  studio: FaceStudio,
  cohort: Cohort,
  door: DoorEmbeddings,
  { logitOf }: AdaptParts,
  run: RecipeRun,
): Promise<{ readonly head: Head; readonly calibration: Calibration }> {
  const { twin } = studio;
  const cosines = await scoresOn(cohort, door, run);
  if (cosines.genuine.length === 0)
    throw new Fault('model-unfit', 'Nobody in the cohort has two pictures: make another with facelatch models cohort');
  const head = fitHead(cosines);
  const people = picturesIn(cohort);
  const before = {
    ...twin,
    impostors: await plainImpostors(
      people,
      plainOf,
      scoresOf((a, b) => logitOf(twin.head, a, b)),
      run,
    ),
  };
  const after = { head, impostors: await plainImpostors(people, halfMoved, cosinesWith, run) };
  const population = `${cohort.people.length} people of the cohort, against each other and this door's people`;
  return { head, calibration: carriedOver(before, after, cosines, population) };
}
