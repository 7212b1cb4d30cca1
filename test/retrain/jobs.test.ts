/** How a job is told while it runs. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { JobStatus } from '../../src/retrain/port.ts';
import type { TrainingProcess } from '../../src/retrain/process.ts';
import { temporaryFolder } from '../cli/facelatch.ts';
import { hasty, openBenchDoor, stepsRecipe } from './bench-door.ts';
import { shelfOfPeople } from './faults.ts';

it('shows how far the step at hand is, and nothing of the one before it', async () => {
  using folder = temporaryFolder();
  let ms = 0;
  // Every look at the clock is two seconds later: all progress is old enough to be stored.
  const clock = { ...hasty, now: () => (ms += 2000) };
  const seen: (JobStatus | undefined)[] = [];
  const steps = stepsRecipe(3);
  const run = (async (task: Parameters<TrainingProcess['run']>[0], hooks: Parameters<TrainingProcess['run']>[1]) => {
    const result = await steps(task, hooks);
    seen.push(door.jobs.status());
    return result;
  }) as TrainingProcess['run'];
  using door = await openBenchDoor({ state: join(folder.path, 'state'), shelf: shelfOfPeople(), clock, run });
  door.jobs.start({ recipe: 'adapt', where: 'door', by: 'test' });
  await door.runner.runOne(new AbortController().signal);
  const [checking, training, comparing] = seen;
  expect(checking?.progress).toBeUndefined();
  expect(training).toMatchObject({ state: 'training', progress: { stage: 'steps', done: 3, total: 3 } });
  expect(comparing).toMatchObject({ state: 'comparing' });
  expect(comparing?.progress).toBeUndefined();
});
