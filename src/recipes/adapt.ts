/**
 * The recipe `adapt`. The twin stays as it is. From this door's pictures, degraded copies of them and a cohort of
 * strangers it learns what makes pictures of one person differ (light, blur, noise) and projects that away. Each
 * picture it learned from then stands for all pictures of its person.
 */
import { Fault } from '../base/errors.ts';
import type { FaceStudio } from '../face/port.ts';
import type { Cohort, Recipe } from '../retrain/port.ts';
import { calibrationTable } from './calibrate.ts';
import { learnedFrom } from './cohort.ts';
import { lackOf } from './data.ts';
import { embedDoor, refuseFaceless } from './door-embeddings.ts';
import { writeAdapted } from './embedder-folder.ts';
import { learn } from './learn.ts';

export interface AdaptParts {
  /** Opens the door's detector with the embedder of a folder. */
  readonly openStudio: (embedder: string, threads: number) => Promise<FaceStudio>;
  readonly cohort: () => Cohort;
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
          `The cohort was made with another embedder than that of ${run.base}: make one with facelatch models cohort DATA --embedder ${run.base}`,
        );
      const door = await embedDoor(studio, run);
      refuseFaceless(door.people, 'adapt', needed);
      const learned = await learn(cohort, door, studio.dimension, run);
      const calibration = calibrationTable(
        learned.cosines,
        learned.head,
        `${cohort.people.length} people of the cohort, held out in turn, against each other and this door's people`,
      );
      if (calibration.table.length < 3)
        throw new Fault('training-failed', 'The cohort is too small to calibrate: it needs at least 300 embeddings');
      writeAdapted(run, { ...learned, calibration }, 'adapt');
      const seconds = (performance.now() - startedAt) / 1000;
      const { faces, without, embeddings } = door;
      return { folder: run.out, calibration, seconds, figures: { faces, without, embeddings } };
    },
  };
}
