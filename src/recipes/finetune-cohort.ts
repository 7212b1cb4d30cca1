/** Whom `finetune` calibrates on: faces of people of whom the network learned nothing in; the cohort that stands for strangers, as the new network sees it, out. */
import type { Embedding, FaceStudio } from '../face/port.ts';
import type { Cohort, LabelledPerson, RecipeRun } from '../retrain/port.ts';
import { embedVersions, versions } from './cohort.ts';
import { cutAll } from './finetune-faces.ts';

/** People who calibrate, at most: the comparisons grow with the square. */
const mostCalibrating = 150;
/** Of each of the others, at most so many pictures stand in the cohort. */
const mostInCohort = 8;

/** People on whom nothing was learned, as the new network sees them: the others, or those of this door that were kept aside. */
export async function cohortOf(
  twin: FaceStudio,
  others: readonly (readonly Uint8Array[])[],
  aside: readonly LabelledPerson[],
  run: RecipeRun,
): Promise<Cohort> {
  const faces =
    others.length > 0 ? others.slice(0, mostCalibrating).map((own) => own.slice(0, mostInCohort)) : await cutAll(twin, aside, run.signal);
  const people: Embedding[][] = [];
  for (const own of faces) {
    const embeddings: Embedding[] = [];
    for (const [index, face] of own.entries()) {
      run.signal.throwIfAborted();
      embeddings.push(...(await embedVersions(twin, face, versions - 1, `${run.seed} ${people.length} ${index}`)));
    }
    people.push(embeddings);
    run.onProgress({ stage: 'calibrating', done: people.length, total: faces.length });
  }
  return { embedder: twin.network, dimension: twin.dimension, people };
}
