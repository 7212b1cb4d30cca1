/** The faces that `finetune` learns from and calibrates on: pictures of the door and of others in; each face cut out, aligned, interleaved RGB, out. */
import type { FaceStudio } from '../face/port.ts';
import type { LabelledPerson, RecipeRun } from '../retrain/port.ts';

/** Of each of the others, at most so many pictures are learned from. */
const mostOfOther = 20;

export interface Faces {
  /** In the order of the data's people and of the others; aligned, interleaved RGB. */
  readonly door: readonly (readonly Uint8Array[])[];
  readonly others: readonly (readonly Uint8Array[])[];
}

/** Cuts every face out once. */
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
  // Strangers of this door are seen by its camera: they are as good to learn light from as its people.
  return { door: found.slice(0, people + strangers), others: found.slice(people + strangers).filter((own) => own.length > 0) };
}

export async function cutAll(twin: FaceStudio, people: readonly LabelledPerson[], signal: AbortSignal): Promise<Uint8Array[][]> {
  const all: Uint8Array[][] = [];
  for (const { samples } of people) {
    const own: Uint8Array[] = [];
    for (const { picture } of samples) {
      signal.throwIfAborted();
      const face = await twin.cut(picture);
      if (face) own.push(face);
    }
    all.push(own);
  }
  return all;
}
