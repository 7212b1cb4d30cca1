/**
 * Whom `finetune` calibrates on. Faces of people from whom the network learned nothing go in; a cohort, embedded by the
 * new network, comes out.
 */
import type { Embedding, FaceStudio } from '../face/port.ts';
import type { Cohort, LabelledPerson, RecipeRun } from '../retrain/port.ts';
import { embedVersions, versions } from './cohort.ts';
import { cutFaces } from './finetune-faces.ts';

/** At most this many people: the comparisons grow with the square. */
const mostCalibrating = 150;
/** At most this many pictures of each of the others. */
const mostInCohort = 8;

/** The others, or people of this door who were held out. */
export async function cohortOf(
  studio: FaceStudio,
  others: readonly (readonly Uint8Array[])[],
  aside: readonly LabelledPerson[],
  run: RecipeRun,
): Promise<Cohort> {
  const faces =
    others.length > 0
      ? others.slice(0, mostCalibrating).map((own) => own.slice(0, mostInCohort))
      : await cutFaces(studio, aside, run.signal);
  const people: Embedding[][] = [];
  for (const own of faces) {
    const embeddings: Embedding[] = [];
    for (const [index, face] of own.entries()) {
      run.signal.throwIfAborted();
      embeddings.push(...(await embedVersions(studio, face, versions - 1, `${run.seed} ${people.length} ${index}`)));
    }
    people.push(embeddings);
    run.onProgress({ stage: 'calibrating', done: people.length, total: faces.length });
  }
  return { embedder: studio.network, dimension: studio.dimension, people };
}
