/** The recipe `paper` on a farm: one trainer stops in the middle, another goes on. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openEmbedderNetwork } from '../../src/face/manifest/embedder.ts';
import type { RecipeProgress } from '../../src/retrain/port.ts';
import { openFarmSet } from '../farm/set.ts';
import { demoPeople, paperRun, paperWorkshop } from './paper-set.ts';

test('a trainer that stops hands its checkpoint on, and the door gets the network that it would have got', async () => {
  await using set = await openFarmSet();
  const recipe = paperWorkshop({}, { epochs: 5, patience: 5 }).recipes.paper!;
  const data = { people: demoPeople().slice(0, 8), strangers: [] };
  const run = paperRun(join(set.folder, 'door'), data);
  const first = set.near(set.trainers[0], {}, { recipes: [recipe] });
  const training = set.farm().train({ id: 'job-1', recipe: 'paper', seed: run.seed }, run);
  await first.told(({ kind }) => kind === 'checkpoint');
  await first.stop();
  expect(first.events.at(-1)).toMatchObject({ kind: 'gave-back', recipe: 'paper' });
  const second = set.near(set.trainers[1], {}, { recipes: [recipe] });
  expect(await second.told(({ kind }) => kind === 'taken')).toMatchObject({ from: { token: 1 } });
  const { folder, figures } = await training;
  expect(figures.steps).toBe(50);
  const steps = second.events.flatMap((event) =>
    event.kind === 'progress' && event.progress.stage === 'training' ? event.progress.done : [],
  );
  expect(steps[0]).toBeGreaterThan(5);
  // The network is there before it is calibrated.
  const end = new AbortController();
  const onProgress = ({ stage }: RecipeProgress) => stage === 'calibrating' && end.abort(new Error('trained'));
  const alone = paperRun(join(set.folder, 'alone'), data, { signal: end.signal, onProgress });
  await expect(recipe.run(alone)).rejects.toThrow('trained');
  expect(openEmbedderNetwork(folder).info.sha256).toBe(openEmbedderNetwork(alone.out.folder).info.sha256);
}, 180_000);
