/** An aligned face in, embeddings of it and of copies as worse cameras would see it out. */
import { createHash } from 'node:crypto';
import { newRandom } from '../base/random.ts';
import type { Embedding, FaceStudio } from '../face/port.ts';
import { degrade, drawDegradation } from './degrade.ts';

/** The embedding of a face as it is, and of `count` degraded copies. The same `seed` degrades in the same way. */
export async function embedVersions(
  studio: Pick<FaceStudio, 'embed' | 'width' | 'height'>,
  aligned: Uint8Array,
  count: number,
  seed: string,
): Promise<readonly Embedding[]> {
  const { width, height } = studio;
  const embeddings = [await studio.embed(aligned)];
  for (let version = 0; version < count; version++) {
    const random = newRandom(seedOf(`${seed} ${version}`));
    embeddings.push(await studio.embed(await degrade({ width, height, rgb: aligned }, drawDegradation(random), random)));
  }
  return embeddings;
}

export const seedOf = (text: string): number => createHash('sha256').update(text).digest().readUIntBE(0, 6);
