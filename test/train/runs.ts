/** A folder of invented people and a recipe that trains a small network on them in a moment. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { newRandom } from '../../src/base/random.ts';
import type { TrainingRecipe } from '../../src/train/recipe.ts';
import { adam, crossEntropy, evenNetwork } from './small-networks.ts';

/** Each person is a plain colour, each picture of it a little lighter or darker, with noise. */
export async function inventPeople(folder: string, people = 12, pictures = 4): Promise<string> {
  const random = newRandom(9);
  for (let person = 0; person < people; person++) {
    const place = join(folder, `person-${person}`);
    await mkdir(place, { recursive: true });
    const colour = [random(), random(), random()];
    for (let picture = 0; picture < pictures; picture++) {
      const light = 0.9 + 0.2 * random();
      const pixels = Uint8Array.from({ length: 16 * 16 * 3 }, (_, at) =>
        Math.min(255, 255 * light * ((colour[at % 3] ?? 0) * 0.9 + 0.1 * random())),
      );
      await sharp(pixels, { raw: { width: 16, height: 16, channels: 3 } })
        .png()
        .toFile(join(place, `${picture}.png`));
    }
  }
  return folder;
}

export function smallRecipe(data: string, out: string, changes: Partial<TrainingRecipe> = {}): TrainingRecipe {
  return {
    network: evenNetwork,
    engine: 'onnx',
    device: 'auto',
    threads: 1,
    data,
    split: { by: 'person', validation: 0.25, test: 0.25, seed: 1 },
    pairs: 8,
    batchesPerEpoch: 4,
    epochs: 3,
    objective: crossEntropy,
    optimiser: adam,
    augment: 0.3,
    seed: 7,
    validationPairs: 12,
    out,
    checkpointEvery: 2,
    resume: false,
    ...changes,
  };
}
