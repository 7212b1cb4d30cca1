/**
 * `facelatch experiment paper`: folders of pictures in; section IV of the paper repeated cell by cell, a page with
 * plots out.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { Command, Option } from 'commander';
import { readerOf } from '../../adapters/basics.ts';
import { Fault } from '../../base/errors.ts';
import { paperNetwork } from '../../train/network/network.ts';
import { smallNetwork } from '../../train/network/small-network.ts';
import { type BaseOf, readBases, runBase } from '../../train/paper/base-figures.ts';
import { convergedCells } from '../../train/paper/converged-cells.ts';
import { convergedIn, convergedReport, withConverged } from '../../train/paper/converged-report.ts';
import {
  type CellResult,
  type ExperimentOptions,
  type ExperimentProgress,
  readResults,
  readSoFar,
  readUnfinished,
  stepsLeft,
} from '../../train/paper/experiment.ts';
import { startExperiment } from '../../train/paper/job.ts';
import { type Cell, paperCells, type Tuned } from '../../train/paper/paper.ts';
import { openPaperData } from '../../train/paper/paper-data.ts';
import { type PaperReport, paperReport, paperTitle, type ReportFacts } from '../../train/paper/paper-report.ts';
import { resultOf } from '../../train/thread.ts';
import { bestTrial, readTrials } from '../../train/tune/tune.ts';
import { configOf, exitCodes, isStopped, tell, wholeNumber, withHelp, write } from '../context.ts';
import { openProgress } from '../progress.ts';
import { counted } from '../words.ts';
import { baseComparer } from './base-comparer.ts';
import { openTrainingBar } from './training-bar.ts';
import { makeOutFolder, requireWritable, writeInFolder } from './training-folder.ts';
import { decimal, sizes } from './training-options.ts';

interface PaperOptions extends Partial<Tuned> {
  readonly data: string;
  readonly out: string;
  readonly cells?: string;
  readonly budget: number;
  readonly toConvergence?: number | true;
  readonly soFar?: boolean;
  readonly only?: string;
  readonly tuned?: string;
  readonly base: boolean;
  readonly engine: ExperimentOptions['engine'];
  readonly size: (typeof sizes)[number];
  readonly batch: number;
  readonly measuredPairs: number;
  readonly seed: number;
  readonly threads: number;
  readonly json?: boolean;
}

/** What `--data` must hold. */
const layout = {
  'tutorial-webcam/input_image': 'one probe of the webcam person',
  'tutorial-webcam/verification_images': 'pictures of the webcam person',
  'faces-train/pins112': 'a folder of pictures for each person',
  'faces-train/held-out-people.txt': 'people who are only tested on, one a line',
  orl: 'the ORL faces, a folder for each person',
} as const;

/** Settings of the tuned stages where nothing was tuned. */
const untuned: Tuned = { rate: 1e-4, l1: 1e-7, augment: 0.3 };

/** Where a cell ends whose loss is not flat before. */
const defaultSteps = 4000;

const smallWarning = '> A quick try with a small network (`--size small`): these are not the figures of the paper’s network.';

const defaultFolder = 'experiment-paper';

export function experimentCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const paper = new Command('paper')
    .description(
      'Train and measure the cells of section IV of the paper, and write a page that shows their figures beside the printed ones. It can be stopped at any time; the same command again goes on.',
    )
    .option('--data <folder>', `pictures: ${Object.keys(layout).join(', ')}`, '../shared/data')
    .option('--budget <steps>', 'steps of a cell (three times as many in the last stage of Table I)', wholeNumber('--budget', 1, 1e6), 200)
    .option(
      '--to-convergence [steps]',
      'instead, train the cells that matter most until their validation loss is flat over 500 steps, or to this many steps (default: 4000)',
      wholeNumber('--to-convergence', 1, 1e6),
    )
    .option('--so-far', 'with --to-convergence: train nothing, and measure the best weights so far of cells that have not ended')
    .option('-o, --out <folder|page.md>', 'the page, with its plots in plots/ beside it', defaultFolder)
    .option('--cells <folder>', `figures and checkpoints of the cells (default: cells/ in --out, or in ${defaultFolder} for a page)`)
    .option('--only <text>', 'run only cells whose name contains this, such as table-2-orl; the page still says what is missing')
    .option(
      '--tuned <folder>',
      'take rate, L1 penalty and augmentation of the tuned stages from the best trial that facelatch tune left there',
    )
    .option('--rate <rate>', `learning rate of the tuned stages (default: ${untuned.rate})`, decimal('--rate', 1e-12, 1e6))
    .option('--l1 <weight>', `L1 penalty of the tuned stages (default: ${untuned.l1})`, decimal('--l1', 0, 1))
    .option('--augment <strength>', `augmentation of the tuned stages, 0 to 1 (default: ${untuned.augment})`, decimal('--augment', 0, 1))
    .option('--no-base', 'leave out the base networks, which are measured on the same pairs for comparison')
    .option('--batch <pairs>', 'pairs in a batch', wholeNumber('--batch', 1, 4096), 16)
    .option('--measured-pairs <n>', 'pairs that each part is measured on', wholeNumber('--measured-pairs', 2, 1e5), 1000)
    .addOption(new Option('--engine <engine>', 'what computes').choices(['onnx', 'tfjs']).default('onnx'))
    .addOption(new Option('--size <size>', "the paper's network, or a small one for quick tries").choices(sizes).default('paper'))
    .option('--threads <n>', 'threads; 0 leaves it to the engine', wholeNumber('--threads', 0, 256), 0)
    .option('--seed <n>', 'decides splits, weights and pairs', wholeNumber('--seed', 0, 2 ** 31), 1)
    .option('--json', 'JSON lines on standard output: each step, then the page');
  withHelp(
    paper,
    [
      'facelatch experiment paper --data ../shared/data --budget 200 --out docs/research/paper.md',
      'facelatch experiment paper --data ../shared/data --to-convergence --only orl --out docs/research/paper.md',
      'facelatch experiment paper --size small --budget 20 --only orl',
    ],
    'all cells that were asked for have run',
  );
  paper.action(async (options: PaperOptions) => exit(await repeat(options, stop)));
  const command = new Command('experiment').description('repeat a published experiment');
  withHelp(command, ['facelatch experiment paper --data ../shared/data --budget 200 --out paper.md'], 'done');
  return command.addCommand(paper);
}

async function repeat(options: PaperOptions, stop: AbortSignal): Promise<number> {
  const { data, budget, toConvergence, soFar = false, engine, batch, measuredPairs, seed, threads, only = '', json = false } = options;
  requireLayout(data);
  if (soFar && !toConvergence) throw new Fault('bad-argument', '--so-far measures the cells of --to-convergence: give both.');
  const { tuned, origin } = await tunedOf(options);
  const network = options.size === 'small' ? smallNetwork : paperNetwork;
  const all = toConvergence
    ? convergedCells(toConvergence === true ? defaultSteps : toConvergence, tuned, network)
    : paperCells(budget, tuned, network);
  const cells = all.filter(({ id }) => id.includes(only));
  if (cells.length === 0)
    throw new Fault('bad-argument', `No cell is named like "${only}" (--only); there are ${all.map(({ id }) => id).join(', ')}`);
  const places = placesOf(options);
  makeOutFolder(places.cells);
  requireWritable(places.page);
  const supply = openPaperData(data, seed);
  const of = toConvergence ? 'converged' : 'paper';
  if (options.base) await measureBases(supply, { out: places.cells, of, measuredPairs, seed }, stop);
  if (!json && !soFar)
    tell(
      `${counted(await stepsLeft({ out: places.cells, cells }), 'step')} of ${batch} pairs to train; stopped and started again, it goes on`,
    );
  const view = openView(cells, json);
  try {
    const experiment = { cells, data, soFar, out: places.cells, engine, pairs: batch, measuredPairs, seed, threads };
    await resultOf(startExperiment(experiment, view.progress), stop);
  } finally {
    view.stop();
  }
  const results = await readResults(places.cells, all);
  const facts = { budget, pairs: batch, seed, cells: all, tuned, origin };
  writePage(places.page, await reportOf(results, places, facts, options), options);
  if (json) write(JSON.stringify({ kind: stop.aborted ? 'stopped' : 'done', cells: all.length, ran: results.length, page: places.page }));
  else write(`${results.length} of ${counted(all.length, 'cell')} have run; the page is ${places.page}`);
  if (stop.aborted && !json) tell('stopped, and saved: the same command again goes on from there');
  return stop.aborted ? exitCodes.stopped : exitCodes.yes;
}

interface Facts extends Omit<ReportFacts, 'cells'> {
  readonly cells: readonly Cell[];
}

async function reportOf(
  results: readonly CellResult[],
  { page, cells: folder }: { readonly page: string; readonly cells: string },
  facts: Facts,
  { toConvergence }: PaperOptions,
): Promise<PaperReport> {
  const before = existsSync(page) ? await readFile(page, 'utf8') : '';
  if (!toConvergence) {
    const report = paperReport(results, await readBases(folder), { ...facts, cells: facts.cells.length });
    const section = convergedIn(before);
    return section === '' ? report : { ...report, markdown: withConverged(report.markdown, section) };
  }
  const unfinished = await readUnfinished(folder, facts.cells);
  const all = [...results, ...(await readSoFar(folder, facts.cells))];
  const { markdown, plots } = convergedReport(all, await readBases(folder, 'converged'), { ...facts, unfinished });
  return { markdown: withConverged(before === '' ? `${paperTitle}\n` : before, markdown), plots };
}

function writePage(page: string, { markdown, plots }: PaperReport, { size }: PaperOptions): void {
  const isNew = size === 'small' && !markdown.startsWith(smallWarning);
  writeInFolder(page, isNew ? `${smallWarning}\n\n${markdown}` : markdown);
  for (const [name, svg] of plots) writeInFolder(join(dirname(page), 'plots', name), svg);
}

/** The tuned stages' settings: given, else of the best trial of a search, else ours. @throws Fault `not-found`. */
async function tunedOf({ tuned: folder, rate, l1, augment }: PaperOptions): Promise<{ tuned: Tuned; origin: string }> {
  const given = Object.fromEntries(Object.entries({ rate, l1, augment }).filter(([, value]) => value !== undefined));
  const byHand = Object.keys(given).length > 0 ? `${Object.keys(given).join(', ')} given by hand` : '';
  if (folder === undefined) return { tuned: { ...untuned, ...given }, origin: byHand || 'our defaults, not tuned' };
  const trials = await readTrials(join(folder, 'trials.jsonl'));
  const best = bestTrial(trials);
  if (!best)
    throw new Fault(
      'not-found',
      `There is no finished trial in ${folder} (--tuned): name the folder that was given to facelatch tune as --out.`,
    );
  const found = `the best of ${counted(trials.length, 'trial')} of \`facelatch tune\`, validation loss ${best.value.toPrecision(4)}`;
  return { tuned: { ...untuned, ...best.setting, ...given }, origin: [found, byHand].filter((text) => text !== '').join('; ') };
}

async function measureBases(
  supply: ReturnType<typeof openPaperData>,
  settings: { readonly out: string; readonly of: BaseOf; readonly measuredPairs: number; readonly seed: number },
  stop: AbortSignal,
): Promise<void> {
  const { config } = configOf({});
  await using reader = await readerOf(config);
  let progress: ReturnType<typeof openProgress> | undefined;
  let shown = '';
  const onProgress = (data: string, done: number, total: number) => {
    if (shown !== data) {
      progress?.stop();
      progress = openProgress(`base networks, ${data}`, total, 'pictures');
      shown = data;
    }
    progress?.update(done);
  };
  try {
    await runBase(baseComparer(reader, config), supply, { ...settings, signal: stop, onProgress });
  } catch (error) {
    if (!isStopped(error, stop)) throw error; // stopped: no cell is trained either, and the page says what is missing
  } finally {
    progress?.stop();
  }
}

function placesOf({ out, cells }: PaperOptions): { page: string; cells: string } {
  const isPage = extname(out).toLowerCase() === '.md';
  return { page: isPage ? out : join(out, 'paper.md'), cells: cells ?? join(isPage ? defaultFolder : out, 'cells') };
}

/** @throws Fault `not-found` that names all that is missing. */
function requireLayout(folder: string): void {
  const missing = Object.entries(layout).filter(([name]) => !existsSync(join(folder, name)));
  if (missing.length === 0) return;
  const lines = missing.map(([name, what]) => `  ${name}: ${what}`);
  throw new Fault('not-found', `The experiment needs pictures that are not in ${folder} (--data):\n${lines.join('\n')}`);
}

/** One bar over the steps of all cells; a line for each cell that begins. */
function openView(cells: readonly Cell[], json: boolean) {
  const bar = openTrainingBar();
  const total = cells.reduce((sum, { steps }) => sum + steps, 0);
  const progress = ({ cell, index, training }: ExperimentProgress) => {
    if (json && training) write(JSON.stringify({ cell: cell.id, ...training }));
    if (json || !training) return;
    const name = `cell ${index + 1} of ${cells.length}`;
    if (training.kind === 'started') bar.say(`${name}: ${cell.id}${training.step > 0 ? `, goes on after step ${training.step}` : ''}`);
    if (training.kind !== 'step') return;
    const before = cells.slice(0, index).reduce((sum, { steps }) => sum + steps, 0);
    bar.update({ label: name, done: before + Math.min(training.step, cell.steps), total, loss: training.loss, tookMs: training.tookMs });
  };
  return { progress, stop: () => bar.stop() };
}
