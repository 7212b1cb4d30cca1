/** Hard pairs: chosen among candidates by what the network gets wrong now, and the same in a run that was stopped. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newRandom } from '../../src/base/random.ts';
import { drawPairs, readDataset } from '../../src/train/data/dataset.ts';
import { openPictures } from '../../src/train/data/pictures.ts';
import { mineHardPairs } from '../../src/train/hard-pairs.ts';
import { openOnnxEngine } from '../../src/train/onnx/engine-onnx.ts';
import type { TrainingRecipe } from '../../src/train/recipe.ts';
import { train } from '../../src/train/trainer.ts';
import { embedAll, teller } from '../../src/train/validation.ts';
import { inventPeople, smallRecipe } from './runs.ts';
import { adam, chanceWeights, crossEntropy, evenNetwork } from './small-networks.ts';

let folder = '';
let people = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facelatch-hard-pairs-'));
  people = await inventPeople(join(folder, 'people'), 12, 6);
});
afterAll(() => rm(folder, { recursive: true }));

const hard = { candidates: 4, every: 5, pictures: 36 };

it.each(['bce', 'contrastive'] as const)('are harder than those of chance, half of one person and half of two: %s', async (loss) => {
  const objective = { ...crossEntropy, loss };
  const weights = chanceWeights(evenNetwork, 3);
  await using engine = await openOnnxEngine({ network: evenNetwork, pairs: 8, objective, optimiser: adam, weights, threads: 1 });
  const measured = { engine, network: evenNetwork, objective, part: await readDataset(people), pictures: openPictures(evenNetwork.side) };
  const at = { seed: 1, step: 5 };
  const chosen = await mineHardPairs(measured, hard, 8, at);
  expect(chosen.map((pairs) => pairs.map(({ same }) => same))).toEqual(
    Array.from({ length: 5 }, () => [true, true, true, true, false, false, false, false]),
  );
  const drawn = drawPairs(measured.part, 40, newRandom(1));
  const embeddings = await embedAll(measured, [...new Set([...drawn, ...chosen.flat()].flatMap(({ first, second }) => [first, second]))]);
  const tell = await teller(measured);
  for (const same of [true, false]) {
    const meanOf = (pairs: typeof drawn) => {
      const own = pairs.filter((pair) => pair.same === same);
      const losses = own.map(({ first, second }) => tell(embeddings.get(first)!, embeddings.get(second)!));
      return losses.reduce((sum, { lossIfSame, lossIfOther }) => sum + (same ? lossIfSame : lossIfOther), 0) / own.length;
    };
    expect(meanOf(chosen.flat())).toBeGreaterThan(meanOf(drawn));
  }
  expect(await mineHardPairs(measured, hard, 8, at)).toEqual(chosen);
  expect(await mineHardPairs(measured, hard, 8, { seed: 1, step: 10 })).not.toEqual(chosen);
});

it('are the same in a run that was stopped at any step, and others than those of chance', async () => {
  const place = () => mkdtemp(join(folder, 'run-'));
  const recipe = (out: string, resume = false): TrainingRecipe => smallRecipe(people, out, { hard, resume });
  const control = { signal: new AbortController().signal, onProgress: () => undefined };
  const whole = await train(recipe(await place()), control);
  for (const at of [3, 5, 7]) {
    const stop = new AbortController();
    const onProgress: typeof control.onProgress = (progress?: { kind: string; step?: number }) => {
      if (progress?.kind === 'step' && progress.step === at) stop.abort();
    };
    const out = await place();
    await train(recipe(out), { signal: stop.signal, onProgress });
    const { losses } = await train(recipe(out, true), control);
    expect(losses).toEqual(whole.losses);
  }
  const { hard: _, ...byChance } = recipe(await place());
  expect((await train(byChance, control)).losses).not.toEqual(whole.losses);
});
