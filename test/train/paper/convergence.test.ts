/** When a training has converged, and what is measured then. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDataset, splitDataset } from '../../../src/train/data/dataset.ts';
import { readWeights } from '../../../src/train/network/checkpoint.ts';
import { convergedCells } from '../../../src/train/paper/converged-cells.ts';
import { convergedIn, convergedReport, withConverged } from '../../../src/train/paper/converged-report.ts';
import { chanceLoss, convergenceRule, isFlat } from '../../../src/train/paper/convergence.ts';
import { type ExperimentOptions, measureSoFar, readSoFar, readUnfinished, runExperiment } from '../../../src/train/paper/experiment.ts';
import { gain, pairFigures, type ScoredPair } from '../../../src/train/paper/scored-pairs.ts';
import { inventPeople } from '../runs.ts';
import { evenNetwork } from '../small-networks.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facelatch-convergence-'));
});
afterAll(() => rm(folder, { recursive: true }));

const tuned = { rate: 3e-3, augment: 0, l1: 0 };

describe('a validation loss', () => {
  const bce = { loss: 'bce', margin: 1 } as const;
  const flat = (losses: readonly number[], objective: Parameters<typeof isFlat>[1] = bce) => isFlat(losses, objective, convergenceRule);

  it('is flat when 500 steps bring no new minimum', () => {
    expect(flat([0.6, 0.5, 0.52, 0.51, 0.55, 0.53])).toBe(false);
    expect(flat([0.6, 0.5, 0.52, 0.51, 0.55, 0.53, 0.5])).toBe(true);
  });

  it('has no new minimum where it falls by a hair', () => {
    expect(flat([0.6, 0.5, 0.4999, 0.4998, 0.4997, 0.4996, 0.4995])).toBe(true);
    expect(flat([0.6, 0.5, 0.499, 0.498, 0.497, 0.496, 0.495])).toBe(false);
  });

  it('is not flat while it is that of a guess, under either loss and any margin', () => {
    const guesses = (loss: number) => new Array<number>(30).fill(loss);
    expect(flat(guesses(Math.LN2))).toBe(false);
    for (const margin of [1, 2]) expect(flat(guesses(margin ** 2 / 8), { loss: 'contrastive', margin })).toBe(false);
    expect(chanceLoss({ loss: 'contrastive', margin: 2 })).toBe(0.5);
    expect(flat([...guesses(Math.LN2), ...new Array<number>(6).fill(0.6)])).toBe(true);
  });
});

describe('figures of compared pairs', () => {
  /** Twelve people; the pairs of each score alike. */
  const pairs = (own: number, shift = 0): ScoredPair[] =>
    Array.from({ length: 12 }, (_, one) => one).flatMap((one): ScoredPair[] => [
      [0.5 + shift + own * (one - 3), 1, one, one],
      [0.4 + shift, 0, one, (one + 1) % 12],
    ]);

  it('are those that counting gives', () => {
    const { figures } = pairFigures(pairs(0.1));
    // People 4 to 11 score above 0.5; people 2 to 11 above 0.4, and person 2 as high as the others' pairs.
    expect(figures.recall.value).toBeCloseTo(8 / 12, 9);
    expect(figures.precision.value).toBe(1);
    expect(figures.accuracy.value).toBeCloseTo(20 / 24, 9);
    expect(figures.f1.value).toBeCloseTo(16 / 20, 9);
    expect(figures.auc.value).toBeCloseTo(9.5 / 12, 9);
    expect(figures.auc.interval?.[0]).toBeLessThan(figures.auc.value);
  });

  it('have no interval with too few people', () => {
    expect(pairFigures(pairs(0.1).filter(([, , one, other]) => one < 6 && other < 6)).figures.auc.interval).toBeUndefined();
  });

  it('differ by nothing, with certainty, where all scores are higher by the same, although each varies much', () => {
    const [one, other] = [pairFigures(pairs(0.1)), pairFigures(pairs(0.1, 0.01))];
    expect(gain(other, one, 'auc').value).toBeCloseTo(0, 9);
    expect(Math.max(...gain(other, one, 'auc').interval!.map(Math.abs))).toBeLessThan(1e-9);
    expect(gain(pairFigures(pairs(0.01)), pairFigures(pairs(-0.1)), 'auc').interval![0]).toBeGreaterThan(0);
  });
});

describe('a cell that is trained to convergence', () => {
  const optionsAt = async (place: string, signal = new AbortController().signal): Promise<ExperimentOptions> => {
    const people = await readDataset(await inventPeople(join(folder, 'people'), 16, 4));
    const split = splitDataset(people, { by: 'person', validation: 0.25, test: 0.25, seed: 1 });
    const rule = { every: 4, pairs: 20, flatSteps: 8 };
    const cells = convergedCells(40, tuned, evenNetwork).map((cell) => ({ ...cell, rule }));
    const chosen = cells.filter(({ id }) => /orl-10|100-contrastive(-plain)?$/.test(id));
    const run = { engine: 'onnx', pairs: 8, measuredPairs: 40, seed: 1, threads: 1 } as const;
    return { ...run, cells: chosen, supply: async () => ({ split }), out: join(folder, place), signal };
  };

  it('ends where its loss is flat, and leaves the best weights with their figures and its curve', async () => {
    const options = await optionsAt('ended');
    const results = await runExperiment(options);
    expect(results.map(({ cell }) => cell.id)).toEqual(options.cells.map(({ id }) => id));
    for (const { cell, converged, pairs, honest } of results) {
      const { bestStep, steps, why, curve } = converged!;
      const losses = curve.map(({ validation }) => validation);
      expect(curve.map(({ step }) => step)).toEqual(curve.map((_, index) => 4 * (index + 1)));
      expect(bestStep).toBe(4 * (1 + losses.indexOf(Math.min(...losses))));
      expect(why === 'flat' ? isFlat(losses, cell.objective, cell.rule!) : steps).toBe(why === 'flat' ? true : 40);
      expect(pairs?.honest.length).toBe(honest[0]?.pairs);
      const kept = await readWeights(join(options.out, 'weights', `${cell.id}.facelatch`));
      expect(kept.step).toBe(bestStep);
      const csv = await readFile(join(options.out, 'curves', `${cell.id}.csv`), 'utf8');
      expect(csv.trim().split('\n').length).toBe(1 + steps);
    }
    expect(results.some(({ converged }) => converged?.why === 'flat')).toBe(true);
    expect((await readdir(options.out)).filter((name) => name.endsWith('.running'))).toEqual([]);
  });

  it('that was stopped at any step goes on to the same figures', async () => {
    const whole = await runExperiment(await optionsAt('ended'));
    const stops = [3, 4, 9];
    for (const at of stops) {
      const stop = new AbortController();
      const { out, ...options } = await optionsAt('stopped', stop.signal);
      await runExperiment({
        ...{ ...options, out },
        onProgress: ({ training }) => {
          if (training?.kind === 'step' && training.step === at) stop.abort();
        },
      });
      const unfinished = await readUnfinished(out, options.cells);
      expect([...unfinished.values()].map(({ steps }) => steps)).toEqual([at]);
    }
    const results = await runExperiment(await optionsAt('stopped'));
    expect(results.map(({ converged }) => converged)).toEqual(whole.map(({ converged }) => converged));
    expect(results.map(({ honest }) => honest)).toEqual(whole.map(({ honest }) => honest));
    expect(existsSync(join(folder, 'stopped', `${results[0]?.cell.id}.running`))).toBe(false);
  });

  it('that has not ended can be measured with its best weights so far, which are in the section as such', async () => {
    const stop = new AbortController();
    const { out, ...options } = await optionsAt('so-far', stop.signal);
    const onProgress: ExperimentOptions['onProgress'] = ({ training }) => {
      if (training?.kind === 'step' && training.step === 6) stop.abort();
    };
    await runExperiment({ ...options, out, onProgress });
    const again = { ...options, out, signal: new AbortController().signal };
    await measureSoFar(again);
    const [found, ...others] = await readSoFar(out, options.cells);
    expect(others).toEqual([]);
    await measureSoFar(again);
    expect(await readSoFar(out, options.cells)).toEqual([found]);
    expect(found?.cell).toEqual(options.cells[0]);
    expect(found?.converged).toMatchObject({ bestStep: 4, steps: 6, why: 'unfinished', curve: [{ step: 4 }] });
    const facts = { cells: options.cells, unfinished: await readUnfinished(out, options.cells), pairs: 8, seed: 1, origin: 'by hand' };
    const { markdown } = convergedReport([found!], new Map(), facts);
    expect(markdown).toContain('| pins112, 100 pictures, contrastive loss | 8 / 4 | 4 / 6 | not yet |');
    expect(markdown).toContain('- pins112, 100 pictures, contrastive loss: at step 6, the lowest validation loss so far');
    const [ended] = await runExperiment(again);
    expect(ended?.converged?.curve[0]).toEqual({
      ...found?.converged?.curve[0],
      training: expect.closeTo(ended!.converged!.curve[0]!.training, 9),
    });
    expect(await readSoFar(out, options.cells)).toEqual([]);
    // What is under way is not compared with what has ended.
    const { id } = found!.cell;
    const changed = { ...found!, cell: { ...found!.cell, id: `${id}-rate`, what: 'another rate', against: id } };
    const section = convergedReport([ended!, changed], new Map(), facts).markdown;
    expect(section).toContain('**What brings most is open:** no training with a change has ended yet.');
    expect(section).toMatch(/^\| another rate .*\| not yet +\|$/m);
  });

  it('has a section of the page, in which what is missing is named', async () => {
    const options = await optionsAt('ended');
    const results = await runExperiment(options);
    const cells = convergedCells(40, tuned, evenNetwork);
    const unfinished = new Map([
      [
        'converged-pins-25-bce',
        { bestStep: 100, steps: 120, why: 'unfinished', curve: [{ step: 100, training: 0.7, validation: 0.9 * Math.LN2 }] } as const,
      ],
    ]);
    const facts = { cells, unfinished, pairs: 8, seed: 1, origin: 'by hand' };
    const pairs: ScoredPair[] = Array.from({ length: 12 }, (_, one): ScoredPair[] => [
      [0.9, 1, one, one],
      [0.1, 0, one, (one + 1) % 12],
    ]).flat();
    const base = { label: 'oracle 1', pictures: 24, withoutFace: 0, honest: [], pairs };
    const { markdown, plots } = convergedReport(results, new Map([['pins', base]]), facts);
    expect(markdown).toContain('| pins112, 100 pictures, contrastive loss | 8 / 4 |');
    expect(markdown).toContain('| *shipped* (oracle 1), pins112 | none | – | – | – | 100.0 (75.0 to 100.0) |');
    expect(markdown).toContain('| no augmentation | pins112, 100 pictures, contrastive loss |');
    expect(markdown).toContain(`**${cells.length - 4} of ${cells.length} cells have not ended yet**`);
    expect(markdown).toContain(
      '- pins112, 25 pictures, binary cross-entropy: at step 120, the lowest validation loss so far 0.90 of that of a guess (step 100)',
    );
    expect(markdown).toContain('- pins112, 100 pictures, margin 2: not begun');
    expect([...plots.keys()]).toEqual(['converged-pins.svg', 'converged-pins-changes.svg', 'converged-orl.svg']);
  });
});

describe('the section in a page', () => {
  it('takes the place of the one before, or comes last, and the rest of the page stays', () => {
    const section = '## To convergence\n\nnew\n';
    expect(withConverged('# Page\n\n## First\n\none\n', section)).toBe('# Page\n\n## First\n\none\n\n## To convergence\n\nnew\n');
    const page = '# Page\n\n## To convergence\n\nold\n\n### Part\n\nold\n\n## Last\n\ntwo\n';
    expect(withConverged(page, section)).toBe('# Page\n\n## To convergence\n\nnew\n\n## Last\n\ntwo\n');
    expect(convergedIn(page)).toBe('## To convergence\n\nold\n\n### Part\n\nold\n');
    expect(convergedIn('# Page\n')).toBe('');
  });
});
