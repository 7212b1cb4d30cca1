/** Tuning: it beats random search at equal budget, goes on where it was cut off, and ends hopeless trials early. */
import { appendFile, mkdtemp, readdir, readFile, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newRandom } from '../../../src/base/random.ts';
import { expectedImprovement, fitProcess } from '../../../src/train/tune/gaussian-process.ts';
import {
  bestTrial,
  fallsBehind,
  type Measure,
  type Setting,
  type Space,
  settingAt,
  type TuningTrial,
  tune,
} from '../../../src/train/tune/tune.ts';
import { recipeWith, tuneTraining } from '../../../src/train/tune/tune-training.ts';
import { inventPeople, smallRecipe } from '../runs.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facelatch-tune-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Branin's function: three equal minima of 0.397887. */
const branin: Measure = async ({ x = 0, y = 0 }) => {
  const bend = y - (5.1 / (4 * Math.PI ** 2)) * x * x + (5 / Math.PI) * x - 6;
  return bend * bend + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) + 10;
};
const square: Space = { x: { from: -5, to: 10 }, y: { from: 0, to: 15 } };
const least = 0.397887;

/** A valley over a log scale and whole numbers, as rates and batch sizes are. */
const valley: Measure = async ({ rate = 1, batch = 1, momentum = 0 }) =>
  (Math.log10(rate) + 3.5) ** 2 + ((batch - 24) / 16) ** 2 + 4 * (momentum - 0.85) ** 2;
const mixed: Space = { rate: { from: 1e-6, to: 1, log: true }, batch: { from: 4, to: 64, whole: true }, momentum: { from: 0, to: 0.99 } };

describe('Bayesian optimisation', () => {
  const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
  const regrets = async (measure: Measure, space: Space, search: 'bayes' | 'random', trials: number) =>
    Promise.all([1, 2, 3, 4, 5, 6, 7].map(async (seed) => bestTrial(await tune({ space, measure, trials, seed, search }))!.value));

  it('beats random search on Branin’s function at 30 trials, over seven seeds', async () => {
    const [bayes, random] = [await regrets(branin, square, 'bayes', 30), await regrets(branin, square, 'random', 30)];
    expect(median(bayes) - least).toBeLessThan(0.1);
    expect(median(bayes) - least).toBeLessThan(0.25 * (median(random) - least));
    expect(bayes.filter((value, seed) => value < random[seed]!).length).toBeGreaterThanOrEqual(6);
  });

  it('beats random search over a log scale and whole numbers at 25 trials', async () => {
    const [bayes, random] = [await regrets(valley, mixed, 'bayes', 25), await regrets(valley, mixed, 'random', 25)];
    expect(median(bayes)).toBeLessThan(0.3 * median(random));
  });

  it('is the same for the same seed', async () => {
    const settings = async () =>
      (await tune({ space: mixed, measure: valley, trials: 9, seed: 3, search: 'bayes' })).map(({ setting }) => setting);
    expect(await settings()).toEqual(await settings());
  });

  it('survives settings whose value is no number', async () => {
    const broken: Measure = async (setting, report) => (setting.x! > 2 ? Number.NaN : branin(setting, report));
    const trials = await tune({ space: square, measure: broken, trials: 15, seed: 2, search: 'bayes' });
    expect(trials.length).toBe(15);
    expect(bestTrial(trials)?.value).toBeGreaterThan(0);
  });
});

describe('trials', () => {
  const run = (file: string, trials: number, signal?: AbortSignal, onTrial?: (trial: TuningTrial) => void) =>
    tune({ space: mixed, measure: valley, trials, seed: 5, search: 'bayes', file, ...(signal && { signal }), ...(onTrial && { onTrial }) });
  const settings = (trials: TuningTrial[]): Setting[] => trials.map(({ setting }) => setting);

  it('are kept, and a search that was cut off goes on to the same settings', async () => {
    const whole = await run(join(folder, 'whole.jsonl'), 10);
    const stop = new AbortController();
    const file = join(folder, 'cut.jsonl');
    const first = await run(file, 10, stop.signal, ({ trial }) => trial === 5 && stop.abort());
    expect(first.length).toBe(6);
    expect(settings(await run(file, 10))).toEqual(settings(whole));
  });

  it('lose only the one that a kill cut short in the writing', async () => {
    const file = join(folder, 'short.jsonl');
    await run(file, 4);
    await truncate(file, (await readFile(file)).length - 10);
    const again = await run(file, 5);
    expect(again.map(({ trial }) => trial)).toEqual([0, 1, 2, 3, 4]);
    expect((await run(file, 5)).length).toBe(5);
  });

  it('of other parameters are not mixed in', async () => {
    const file = join(folder, 'other.jsonl');
    await appendFile(file, JSON.stringify({ trial: 0, setting: { other: 1 }, value: 1, reports: [], stopped: false, seconds: 0 }));
    await expect(run(file, 2)).rejects.toMatchObject({
      code: 'bad-argument',
      message: expect.stringContaining('other parameters (other)'),
    });
  });

  it('that fall behind the median of the others at their age are stopped, and cannot win', async () => {
    // Values fall as epochs go by, towards the setting's own level.
    const slow: Measure = async ({ x = 0 }, report) => {
      for (let epoch = 1; epoch <= 6; epoch++) if (report(x + 10 / epoch) === 'stop') return x + 10 / epoch;
      return x;
    };
    const trials = await tune({ space: { x: { from: 0, to: 100 } }, measure: slow, trials: 20, seed: 1, search: 'random' });
    const stopped = trials.filter((trial) => trial.stopped);
    expect(stopped.length).toBeGreaterThan(3);
    expect(stopped.every(({ reports }) => reports.length < 6)).toBe(true);
    expect(bestTrial(trials)?.setting.x).toBe(Math.min(...trials.map(({ setting }) => setting.x!)));
  });

  it('are not judged before four others are as old', () => {
    const trial = (value: number): TuningTrial => ({ trial: 0, setting: {}, value, reports: [value, value], stopped: false, seconds: 0 });
    expect(fallsBehind([1, 1, 1].map(trial), [9])).toBe(false);
    expect(fallsBehind([1, 1, 1, 1].map(trial), [9])).toBe(true);
    expect(fallsBehind([1, 1, 1, 1].map(trial), [9, 0.5])).toBe(false);
    expect(fallsBehind([1, 1, 1, 1].map(trial), [Number.NaN])).toBe(true);
  });
});

describe('ranges', () => {
  it('are kept to, whole numbers are whole, log scales have equal factors', () => {
    expect(settingAt(mixed, [0.5, 0.5, 1])).toEqual({ rate: expect.closeTo(1e-3, 9), batch: 34, momentum: 0.99 });
    const random = newRandom(1);
    for (let round = 0; round < 50; round++) {
      const { rate, batch } = settingAt(mixed, [random(), random(), random()]) as { rate: number; batch: number };
      expect(rate >= 1e-6 && rate <= 1 && Number.isInteger(batch) && batch >= 4 && batch <= 64).toBe(true);
    }
  });

  it('that cannot be are refused', async () => {
    const search = (space: Space) => tune({ space, measure: branin, trials: 1, seed: 1, search: 'random' });
    await expect(search({ x: { from: 2, to: 1 } })).rejects.toThrow('must go up');
    await expect(search({ x: { from: 0, to: 1, log: true } })).rejects.toThrow('above 0');
  });
});

describe('the process', () => {
  it('passes through what it was told, is unsure far from it, and predicts a smooth function between', () => {
    const points = Array.from({ length: 12 }, (_, index) => [index / 11]);
    const process = fitProcess(
      points,
      points.map(([x = 0]) => Math.sin(6 * x)),
      1,
    );
    expect(process.predict([5 / 11]).mean).toBeCloseTo(Math.sin(30 / 11), 1);
    expect(process.predict([0.41]).mean).toBeCloseTo(Math.sin(2.46), 1);
    expect(process.predict([3]).deviation).toBeGreaterThan(5 * process.predict([0.5]).deviation);
  });

  it('expects no improvement where it is sure of a worse value, and more where it is less sure', () => {
    expect(expectedImprovement({ mean: 5, deviation: 1e-6 }, 1)).toBe(0);
    expect(expectedImprovement({ mean: 0, deviation: 1e-6 }, 1)).toBeCloseTo(1, 5);
    expect(expectedImprovement({ mean: 1, deviation: 2 }, 1)).toBeGreaterThan(expectedImprovement({ mean: 1, deviation: 1 }, 1));
    expect(expectedImprovement({ mean: 1, deviation: 1 }, 1)).toBeCloseTo(1 / Math.sqrt(2 * Math.PI), 6);
  });
});

describe('tuning a recipe', () => {
  const recipe = async (name: string) =>
    smallRecipe(await inventPeople(join(folder, 'people')), join(folder, name), { batchesPerEpoch: 3, epochs: 2 });
  const space: Space = { rate: { from: 1e-4, to: 1e-2, log: true }, augment: { from: 0, to: 1 } };

  it('measures the validation loss of each setting and keeps nothing but the trials', async () => {
    const out = join(folder, 'tuned');
    const options = { recipe: await recipe('tuned'), space, seed: 1, search: 'bayes', out, signal: new AbortController().signal } as const;
    const trials = await tuneTraining({ ...options, trials: 6 });
    expect(trials.length).toBe(6);
    for (const { value, reports, stopped } of trials) {
      expect(value).toBe(reports.at(-1));
      expect(stopped || reports.length === 2).toBe(true);
    }
    expect(await readdir(out)).toEqual(['trials.jsonl']);
  });

  it('lays a setting over the recipe', async () => {
    const changed = recipeWith(await recipe('laid'), { rate: 0.01, momentum: 0.7, l1: 1e-5, pairs: 6, epochs: 9, augment: 0.1 });
    expect(changed).toMatchObject({
      pairs: 6,
      epochs: 9,
      augment: 0.1,
      objective: { l1: 1e-5 },
      optimiser: { kind: 'adam', rate: 0.01, beta1: 0.7 },
    });
  });

  it('ended from outside keeps no half trial', async () => {
    const out = join(folder, 'ended');
    const stop = new AbortController();
    const options = { recipe: await recipe('ended'), space, seed: 1, search: 'random', out, signal: stop.signal, trials: 3 } as const;
    await expect(tuneTraining({ ...options, onProgress: ({ kind }) => kind === 'step' && stop.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect(await readdir(out)).toEqual([]);
  });

  it('refuses parameters that training has not', async () => {
    const options = {
      recipe: await recipe('refused'),
      seed: 1,
      search: 'bayes',
      out: folder,
      signal: new AbortController().signal,
      trials: 1,
    } as const;
    await expect(tuneTraining({ ...options, space: { depth: { from: 1, to: 2 } } })).rejects.toThrow(
      'depth cannot be tuned: choose from rate',
    );
  });
});
