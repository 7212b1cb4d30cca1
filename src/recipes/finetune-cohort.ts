/**
 * Whom `finetune` calibrates on. Faces of people from whom the network learned nothing go in; a cohort, embedded by the
 * new network, comes out.
 */
import type { Embedding, FaceStudio } from '../face/port.ts';
import type { Cohort, LabelledPerson, RecipeRun } from '../retrain/port.ts';
import { versions } from './cohort.ts';
import { embedVersions } from './embed-versions.ts';
import { cutFaces } from './finetune-faces.ts';
import { mostScored, type PictureVersions } from './standing.ts';

/** At most this many people: the comparisons grow with the square. */
const mostCalibrating = 150;

type Faces = readonly (readonly Uint8Array[])[];

/** The faces to calibrate on, for each person: the others', or those of people of this door who were held out. */
export async function facesApart(studio: FaceStudio, others: Faces, aside: readonly LabelledPerson[], run: RecipeRun): Promise<Faces> {
  const faces = others.length > 0 ? others.slice(0, mostCalibrating) : await cutFaces(studio, aside, run.signal);
  return faces.map((own) => own.slice(0, mostScored));
}

/** Each face as it is and in degraded versions. */
export async function cohortOf(studio: FaceStudio, faces: Faces, run: RecipeRun): Promise<Cohort> {
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

/** Each face as it is, as the network before sees it. */
export async function plainly(studio: FaceStudio, faces: Faces, { signal }: RecipeRun): Promise<readonly (readonly PictureVersions[])[]> {
  const people: PictureVersions[][] = [];
  for (const own of faces) {
    const pictures: PictureVersions[] = [];
    for (const face of own) {
      signal.throwIfAborted();
      pictures.push([await studio.embed(face)]);
    }
    people.push(pictures);
  }
  return people;
}
