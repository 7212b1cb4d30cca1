/** The paper's experiment: its cells, its figures, and an experiment that may be ended and started at any time. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { picturesOf, readDataset, splitDataset } from '../../../src/train/data/dataset.ts';
import { confusionAt } from '../../../src/train/figures/confusion.ts';
import { readBases, runBase } from '../../../src/train/paper/base-figures.ts';
import { type ExperimentOptions, runExperiment, stepsLeft } from '../../../src/train/paper/experiment.ts';
import { paperCells, paperTableTwo, recomputedF1 } from '../../../src/train/paper/paper.ts';
import { openPaperData, type Supply } from '../../../src/train/paper/paper-data.ts';
import { paperReport } from '../../../src/train/paper/paper-report.ts';
import { inventPeople } from '../runs.ts';
import { evenNetwork } from '../small-networks.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facelatch-experiment-'));
});
afterAll(() => rm(folder, { recursive: true }));

const tuned = { rate: 3e-3, augment: 0.2, l1: 1e-6 };

describe('the paper’s cells', () => {
  it('are four stages of Table I and both losses over growing data, each with a name of its own', () => {
    const cells = paperCells(100, tuned);
    expect(cells.filter(({ table }) => table === 'I').length).toBe(8);
    expect(cells.filter(({ objective }) => objective.loss === 'contrastive').length).toBe(7);
    expect(new Set(cells.map(({ id }) => id)).size).toBe(cells.length);
    const webcam = cells.filter(({ id }) => id.startsWith('table-1-webcam'));
    expect(webcam.map(({ network, rate, steps }) => [network.distance, rate, steps])).toEqual([
      ['sum', 1e-4, 100],
      ['vector', 1e-4, 100],
      ['vector', 3e-3, 100],
      ['vector', 3e-3, 300],
    ]);
  });

  it('stand beside a table whose F1 does not always follow from its own recall and precision', () => {
    const wrong = paperTableTwo.filter((row) => Math.abs(recomputedF1(row) - row[2]) > 0.05);
    expect(wrong).toEqual([[27.5643, 62.67, 39.003]]);
    expect(recomputedF1(wrong[0]!)).toBeCloseTo(38.288, 2);
  });
});

describe('figures at a threshold', () => {
  const told = [
    { score: 0.9, same: true },
    { score: 0.8, same: true },
    { score: 0.2, same: true },
    { score: 0.7, same: false },
    { score: 0.1, same: false },
  ];

  it('count what was told right', () => {
    const { accuracy, precision, recall, f1 } = confusionAt(told, 0.5);
    expect([accuracy, precision, recall, f1].map((share) => share?.value)).toEqual([3 / 5, 2 / 3, 2 / 3, 2 / 3]);
    expect(recall?.interval[0]).toBeGreaterThan(0.05);
    expect(recall?.interval[1]).toBeLessThan(1);
  });

  it('have no precision where nothing was accepted, and an F1 of 0', () => {
    const { precision, recall, f1 } = confusionAt(told, 0.95);
    expect([precision, recall?.value, f1?.value]).toEqual([null, 0, 0]);
  });
});

describe('an experiment', () => {
  const options = async (signal: AbortSignal): Promise<ExperimentOptions> => {
    const people = await readDataset(await inventPeople(join(folder, 'people'), 16, 4));
    const split = splitDataset(people, { by: 'person', validation: 0.25, test: 0.25, seed: 1 });
    const [probe, ...gallery] = split.train.subjects[0]!.first as [string, ...string[]];
    const verification = { probe, gallery, strangers: split.test.subjects.map(({ first }) => first[0]!) };
    const supply: Supply = async (data) => (data === 'webcam' ? { split, verification } : { split });
    const cells = paperCells(12, tuned, evenNetwork).filter(({ id }) => /webcam-1|webcam-2$|orl-5/.test(id));
    return { cells, supply, out: join(folder, 'out'), engine: 'onnx', pairs: 8, measuredPairs: 40, seed: 1, threads: 1, signal };
  };

  it('ended in the middle goes on where it was, and runs nothing twice', async () => {
    const stop = new AbortController();
    const first = await options(stop.signal);
    const started: string[] = [];
    const results = await runExperiment({
      ...first,
      onProgress: ({ cell, index, training }) => {
        if (!training) started.push(cell.id);
        if (index === 1 && training?.kind === 'step' && training.step === 5) stop.abort();
      },
    });
    expect(results.map(({ cell }) => cell.id)).toEqual([first.cells[0]!.id]);
    const steps: number[] = [];
    const all = await runExperiment({
      ...(await options(new AbortController().signal)),
      onProgress: ({ index, training }) => {
        if (training?.kind === 'step') steps.push(index);
      },
    });
    expect(all.map(({ cell }) => cell.id)).toEqual(first.cells.map(({ id }) => id));
    expect(steps.filter((index) => index === 0).length).toBe(0);
    expect(steps.filter((index) => index === 1).length).toBe(12 - 5);
    expect((await readdir(first.out)).filter((name) => !name.endsWith('.json'))).toEqual([]);
  });

  it('trains once what several cells share: the last stage goes on from the third, and the same training is not run again', async () => {
    const common = await options(new AbortController().signal);
    const cells = paperCells(4, tuned, evenNetwork).filter(({ id }) => /webcam-[34]$|webcam-50-bce/.test(id));
    const all = { ...common, cells, out: join(folder, 'shared-training') };
    expect(await stepsLeft(all)).toBe(12);
    const steps: number[] = [];
    const results = await runExperiment({
      ...all,
      onProgress: ({ training }) => {
        if (training?.kind === 'step') steps.push(training.step);
      },
    });
    expect(steps).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(results.map(({ cell }) => cell.id)).toEqual(['table-1-webcam-3', 'table-1-webcam-4', 'table-2-webcam-50-bce']);
    expect(results[2]?.honest).toEqual(results[0]?.honest);
    expect(results[1]?.lastLoss).not.toBe(results[0]?.lastLoss);
    const alone = await runExperiment({ ...all, cells: cells.slice(1, 2), out: join(folder, 'alone') });
    expect(alone[0]?.honest).toEqual(results[1]?.honest);
    expect(await stepsLeft(all)).toBe(0);
    expect((await readdir(all.out)).filter((name) => !name.endsWith('.json'))).toEqual([]);
  });

  it('gives honest and leaky figures, and the paper’s verification for the webcam person', async () => {
    const results = await runExperiment(await options(new AbortController().signal));
    for (const { honest, leaky, people, lastLoss } of results) {
      expect(honest.map(({ threshold }) => threshold)).toEqual([0.5, 0.9, 0.99]);
      expect(leaky[0]?.pairs).toBe(40);
      expect(people.tested).toBe(4);
      expect(lastLoss).toBeGreaterThan(0);
    }
    expect(results[0]?.verification?.map(({ strangers }) => strangers)).toEqual([4, 4, 4]);
    expect(results.at(-1)?.verification).toBeUndefined();
  });
});

describe('the report', () => {
  it('puts the paper’s figures beside the honest and the leaky ones, and says what is not done', async () => {
    const people = await readDataset(await inventPeople(join(folder, 'report-people'), 16, 4));
    const split = splitDataset(people, { by: 'person', validation: 0.25, test: 0.25, seed: 1 });
    const cells = paperCells(6, tuned, evenNetwork).filter(({ id }) => /pins-[14]$|orl-\d+-bce/.test(id));
    const run = { engine: 'onnx', pairs: 8, measuredPairs: 40, seed: 1, threads: 1, signal: new AbortController().signal } as const;
    const results = await runExperiment({ ...run, cells, supply: async () => ({ split }), out: join(folder, 'report') });
    const [unreadable] = picturesOf(split.test) as [string];
    const comparer = {
      label: 'oracle 1',
      // Tells people by their folder, as no network can, and finds no face in one picture.
      embed: async (path: string) => (path === unreadable ? undefined : new Float32Array([Number(/(\d+)\/[^/]+$/.exec(path)?.[1])])),
      score: (a: Float32Array, b: Float32Array) => (a[0] === b[0] ? 1 : 0),
    };
    await runBase(comparer, async () => ({ split }), { ...run, out: join(folder, 'report') });
    const bases = await readBases(join(folder, 'report'));
    expect(bases.get('orl')).toMatchObject({ withoutFace: 1, pictures: picturesOf(split.test).length });
    expect(bases.get('orl')?.honest[0]?.precision?.value).toBe(1);
    expect(bases.get('orl')?.honest[0]?.recall?.value).toBeLessThan(1);
    const { markdown, plots } = paperReport(results, bases, {
      budget: 6,
      pairs: 8,
      seed: 1,
      cells: 22,
      tuned,
      origin: 'the best of 7 trials',
    });
    expect(markdown).toContain('**18 of 22 cells have not been run yet.**');
    expect(markdown).toContain('| Baseline configuration | people of pins112, tested on people never seen | 6 | 30 % |');
    expect(markdown).toMatch(
      /\| \*base network\* \(oracle 1\) \| people of pins112, tested on people never seen \| – \| – \| – \| 9\d\.\d/,
    );
    expect(markdown).toContain('learning rate 0.00300, L1 penalty 0.00000100, augmentation 0.20 (the best of 7 trials)');
    expect(markdown).toMatch(
      /\*\*people of pins112.*\*\* After 18 steps [\d.]+ \([\d.]+ to [\d.]+\) % of honest pairs .* \(the paper: 100 %\), where the shipped network reaches 9\d\.\d/,
    );
    expect(markdown).toMatch(/\| 6 \| 30 % \|.* \| 50\.0 \| 0\./);
    expect(markdown).toContain('F1 66.7 %: 9 of its 10 rows lie below that guess');
    expect(markdown).toContain('14.3 to 39.0, then 100');
    expect(markdown).toContain('39.003 is printed where 27.5643 and 62.67 give 38.288');
    expect(markdown).toContain('| 9 | 27.5643 | 62.67 | 39.003 | 38.288 | differs |');
    expect([...plots.keys()]).toEqual(['growing-orl.svg']);
    expect(plots.get('growing-orl.svg')).toMatch(/^<svg [\s\S]*polyline[\s\S]*<\/svg>\n$/);
    expect(plots.get('growing-orl.svg')).not.toMatch(/NaN|undefined/);
    expect(markdown).not.toMatch(/NaN|undefined/);
  });
});

const shared = join(import.meta.dirname, '../../../../shared/data');

describe.skipIf(!existsSync(shared))(
  `the pictures in ../shared/data${existsSync(shared) ? '' : ' (skipped: the folder is absent)'}`,
  () => {
    it.each([
      ['webcam', 25],
      ['pins', 25],
      ['orl', 5],
    ] as const)('%s with %i pictures a person: nothing that is tested on is trained on', async (data, images) => {
      const { split } = await openPaperData(shared, 1)(data, images);
      const trained = new Set([...picturesOf(split.train), ...picturesOf(split.validation)]);
      const tested = picturesOf(split.test);
      expect(tested.length).toBeGreaterThan(5);
      expect(tested.filter((path) => trained.has(path))).toEqual([]);
      const names = new Set(split.train.subjects.map(({ name }) => name));
      expect(split.test.subjects.filter(({ name }) => names.has(name)).map(({ name }) => name)).toEqual(
        data === 'webcam' ? ['webcam'] : [],
      );
    });
  },
);
