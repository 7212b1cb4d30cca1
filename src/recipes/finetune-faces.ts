/**
 * The faces that `finetune` learns from and calibrates on. Pictures of the door and of others go in; aligned faces,
 * interleaved RGB, come out.
 */
import type { FaceStudio } from '../face/port.ts';
import type { LabelledPerson, RecipeRun } from '../retrain/port.ts';

/** At most this many pictures of each of the others. */
const mostOfOther = 20;

export interface Faces {
  /** In the order of the data: people, then strangers. */
  readonly door: readonly (readonly Uint8Array[])[];
  /** Those in whose pictures a face was found. */
  readonly others: readonly (readonly Uint8Array[])[];
}

export async function facesOf(studio: FaceStudio, run: RecipeRun, others: readonly (readonly (() => Uint8Array)[])[]): Promise<Faces> {
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
      const face = await studio.cut(read());
      if (face) faces.push(face);
      run.onProgress({ stage: 'finding faces', done: ++done, total });
    }
    found.push(faces);
  }
  const [people, strangers] = [run.data.people.length, run.data.strangers.length];
  // The door's camera has seen its strangers too: they show its light as well as its people do.
  return { door: found.slice(0, people + strangers), others: found.slice(people + strangers).filter((own) => own.length > 0) };
}

/**
 * The same studio, which looks for the face of a picture once: lessons, templates and calibration want the same faces.
 */
export function cuttingOnce(studio: FaceStudio): FaceStudio {
  const faces = new WeakMap<Uint8Array, Promise<Uint8Array | undefined>>();
  return {
    ...studio,
    cut: (picture) => {
      const face = faces.get(picture) ?? studio.cut(picture);
      faces.set(picture, face);
      return face;
    },
  };
}

export async function cutFaces(studio: FaceStudio, people: readonly LabelledPerson[], signal: AbortSignal): Promise<Uint8Array[][]> {
  const all: Uint8Array[][] = [];
  for (const { samples } of people) {
    const own: Uint8Array[] = [];
    for (const { picture } of samples) {
      signal.throwIfAborted();
      const face = await studio.cut(picture);
      if (face) own.push(face);
    }
    all.push(own);
  }
  return all;
}
