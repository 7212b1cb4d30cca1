/**
 * Where the face is in picture files: files and the face reader in; the crop of each, and the files without a face,
 * out.
 */
import { manyReaderOf } from '../adapters/basics.ts';
import type { FilePath } from '../base/path.ts';
import type { FaceReader } from '../face/port.ts';
import type { Config } from '../settings/load.ts';
import { type Crop, type FaceCrops, squareAbout } from '../train/data/face-crops.ts';
import { withPicture } from './pictures.ts';
import { openProgress } from './progress.ts';

/** The dominant face's square; undefined where none is found. @throws Fault `bad-picture`, `not-found`. */
export async function findFace(path: FilePath, reader: FaceReader): Promise<Crop | undefined> {
  const { faces, width, height } = await withPicture(path, (picture) => reader.read(picture, { embed: 'none' }));
  return faces[0] && squareAbout(faces[0].box, width, height);
}

export interface FacesFound {
  readonly faces: FaceCrops;
  readonly withoutFace: readonly string[];
}

/** Looks through all of them. @throws Fault `bad-picture` for one that cannot be read. */
export async function findFaces(files: readonly string[], config: Config, stop: AbortSignal): Promise<FacesFound> {
  await using reader = await manyReaderOf(config, files.length);
  const faces = new Map<string, Crop>();
  const progress = openProgress('looking for faces', files.length, 'pictures');
  try {
    for (let from = 0; from < files.length; from += reader.atOnce) {
      stop.throwIfAborted();
      const some = files.slice(from, from + reader.atOnce);
      for (const [file, crop] of await Promise.all(some.map(async (file) => [file, await findFace(file, reader)] as const)))
        if (crop) faces.set(file, crop);
      progress.update(from + some.length);
    }
  } finally {
    progress.stop();
  }
  return { faces, withoutFace: files.filter((file) => !faces.has(file)) };
}
