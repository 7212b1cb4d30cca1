/** How a job is told while it runs. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Fault } from '../../src/base/errors.ts';
import type { Farm, JobStatus } from '../../src/retrain/port.ts';
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

/** A job that is stopped after its third step; the bytes of every file that it left, and the steps that follow. */
async function stoppedJob(state: string) {
  const end = new AbortController();
  const shelf = shelfOfPeople();
  const run = stepsRecipe(5, (step) => step === 3 && end.abort(new Error('stopped')));
  using door = await openBenchDoor({ state, shelf, run });
  const { id } = door.jobs.start({ recipe: 'adapt', where: 'door', by: 'test' });
  await door.runner.runOne(end.signal);
  const at = join(state, 'jobs', id);
  const files = readdirSync(at, { recursive: true, encoding: 'utf8' }).map((name) => join(at, name));
  const people = door.gallery.list().map((person) => ({ person, pictures: door.gallery.pictures(person.id) }));
  const goOn = async () => {
    const steps: number[] = [];
    using again = await openBenchDoor({ state, shelf, run: stepsRecipe(5, (step) => steps.push(step)) });
    const ended = await again.runner.runOne(new AbortController().signal);
    return { steps, ended: ended?.state, holdsKey: again.store.vault.holds({ model: id }), left: readdirSync(join(state, 'jobs')) };
  };
  return { at, files: files.filter((file) => statSync(file).isFile()), people, goOn, holdsKey: door.store.vault.holds({ model: id }) };
}

it('what a job keeps on the disk is sealed; it goes on with it after a stop, and its key ends with the job', async () => {
  using folder = temporaryFolder();
  const { files, people, holdsKey, goOn } = await stoppedJob(join(folder.path, 'state'));
  const plain = people.flatMap(({ person, pictures }) => [
    Buffer.from(person.id),
    ...pictures.flatMap(({ picture }) => (picture ? Buffer.from(picture) : [])),
  ]);
  expect(files.length).toBeGreaterThan(plain.length / 2);
  expect(files.filter((file) => plain.some((bytes) => readFileSync(file).includes(bytes)))).toEqual([]);
  expect(holdsKey).toBe(true);
  expect(await goOn()).toEqual({ steps: [4, 5], ended: 'promoted', holdsKey: false, left: [] });
});

it('a job of a version that did not seal its files begins again', async () => {
  using folder = temporaryFolder();
  const { at, goOn } = await stoppedJob(join(folder.path, 'state'));
  writeFileSync(join(at, 'pictures', 'index.json'), '{}');
  expect(await goOn()).toMatchObject({ steps: [1, 2, 3, 4, 5], ended: 'promoted', left: [] });
});

it('a job that is cancelled while the farm cannot be reached is taken back once it can, after a restart too', async () => {
  using folder = temporaryFolder();
  const asked: string[] = [];
  let reachable = false;
  const farm: Farm = {
    train: async (_, { signal }) => {
      signal.throwIfAborted();
      return await new Promise((_done, fail) => signal.addEventListener('abort', () => fail(signal.reason)));
    },
    cancel: async ({ id }) => {
      asked.push(id);
      if (!reachable) throw new Fault('farm-unreachable', 'Redis at farm cannot be reached');
    },
  };
  let ms = 0;
  const clock = { ...hasty, now: () => (ms += 5000) };
  const open = () => openBenchDoor({ state: join(folder.path, 'state'), shelf: shelfOfPeople(), farm, clock });
  const running = async (until: () => boolean) => {
    using door = await open();
    const end = new AbortController();
    const run = door.runner.run(end.signal);
    await expect.poll(until).toBe(true);
    end.abort(new Error('closed'));
    await run;
  };
  {
    using door = await open();
    door.jobs.start({ recipe: 'adapt', where: 'farm', by: 'test' });
    door.jobs.cancel('test');
    expect(await door.runner.runOne(new AbortController().signal)).toMatchObject({ state: 'cancelled' });
    expect(asked).toHaveLength(1);
  }
  await running(() => asked.length >= 3);
  reachable = true;
  const before = asked.length;
  await running(() => asked.length > before);
  using door = await open();
  expect([new Set(asked).size, door.store.db.prepare("SELECT count(*) AS n FROM notes WHERE name LIKE 'cancel%'").get()]).toEqual([
    1,
    { n: 0 },
  ]);
});
