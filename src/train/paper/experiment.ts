/**
 * Repeats the paper's section IV. In: cells. Out: a file of figures for each. A cell that is done does not run again,
 * and one that was interrupted continues from its checkpoint, so the experiment can be stopped and started at any
 * time.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { jsonText, writeWhole } from '../../base/whole-file.ts';
import type { Part } from '../data/dataset.ts';
import { openPictures } from '../data/pictures.ts';
import { type Confusion, confusionAt } from '../figures/confusion.ts';
import { type VerificationFigures, verificationFigures, verificationThresholds } from '../figures/verification.ts';
import { historyName, lossPlotName } from '../history.ts';
import { readWeights } from '../network/checkpoint.ts';
import type { Optimiser, Weights } from '../port.ts';
import type { TrainingProgress, TrainingRecipe } from '../recipe.ts';
import { checkpointName, openEngine, type RunControl, type Trained, train } from '../trainer.ts';
import { embedAll, type Scored, teller, validate } from '../validation.ts';
import { bestName, type Converged, readUnderway, untilConverged } from './converge.ts';
import { mostImages } from './converged-cells.ts';
import type { Cell } from './paper.ts';
import type { CellData, Supply } from './paper-data.ts';
import { numbered, type ScoredPair } from './scored-pairs.ts';

/** Figures of one part at each detection threshold. */
export type PartFigures = readonly Confusion[];

export interface CellResult {
  readonly cell: Cell;
  /** Training and measuring, without what another cell contributed. */
  readonly seconds: number;
  readonly engine: string;
  /** Mean over the last tenth of the steps. */
  readonly lastLoss: number;
  /** On people or pictures that were never trained on. */
  readonly honest: PartFigures;
  /** On new pairs of pictures that were trained on: what a split of pairs, as the tutorial's, measures. */
  readonly leaky: PartFigures;
  readonly people: { readonly trained: number; readonly tested: number };
  readonly verification?: readonly VerificationFigures[];
  /** Of a cell that was trained to convergence; its pairs have scores that are not cut at 0. */
  readonly converged?: Converged;
  readonly pairs?: { readonly honest: readonly ScoredPair[]; readonly leaky: readonly ScoredPair[] };
}

export interface ExperimentOptions {
  readonly cells: readonly Cell[];
  readonly supply: Supply;
  readonly out: string;
  readonly engine: TrainingRecipe['engine'];
  readonly pairs: number;
  /** Pairs that each part is measured on. */
  readonly measuredPairs: number;
  readonly seed: number;
  readonly threads: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: ExperimentProgress) => void;
}

export interface ExperimentProgress {
  readonly cell: Cell;
  readonly index: number;
  readonly cells: number;
  readonly training?: TrainingProgress;
}

/** Runs the cells that are not done yet. Returns the results of all that are. */
export async function runExperiment(options: ExperimentOptions): Promise<CellResult[]> {
  await mkdir(options.out, { recursive: true });
  for (const [index, cell] of options.cells.entries()) {
    if (options.signal.aborted) break;
    options.onProgress?.({ cell, index, cells: options.cells.length });
    if (await readResult(options.out, cell)) continue;
    if (!(await takeOver(options, cell))) await runCell(options, cell, index);
  }
  return readResults(options.out, options.cells);
}

/** Steps that are left to train: without cells that are done, and without what another cell contributes. */
export async function stepsLeft({ out, cells }: Pick<ExperimentOptions, 'out' | 'cells'>): Promise<number> {
  let left = 0;
  for (const cell of cells) {
    if (await readResult(out, cell)) continue;
    left += cell.steps - (cells.find(({ id }) => id === cell.after)?.steps ?? 0);
  }
  return left;
}

/** Takes the figures of a cell with the same training to the same step. */
async function takeOver({ out, cells }: ExperimentOptions, cell: Cell): Promise<boolean> {
  const before = cells.find(({ id, steps }) => id === cell.after && steps === cell.steps);
  const result = before && (await readResult(out, before));
  if (!result) return false;
  writeWhole(join(out, `${cell.id}.json`), jsonText({ ...result, cell, seconds: 0 }), { mode: 0o644 });
  return true;
}

/** How far the cells are that have begun and not ended, by id. */
export async function readUnfinished(out: string, cells: readonly Cell[]): Promise<Map<string, Converged>> {
  const found = await Promise.all(
    cells.map(async (cell) => [cell.id, cell.rule && (await readUnderway(running({ out }, cell), cell.rule))] as const),
  );
  return new Map(found.filter((entry): entry is [string, Converged] => entry[1] !== undefined));
}

/**
 * Measures the best weights so far of the cells that have begun and not ended; nothing is trained. `readSoFar` gives
 * the results.
 */
export async function measureSoFar(options: ExperimentOptions): Promise<void> {
  const unfinished = await readUnfinished(options.out, options.cells);
  for (const [index, cell] of options.cells.entries()) {
    const converged = unfinished.get(cell.id);
    if (options.signal.aborted || !converged || converged.curve.length === 0) continue;
    options.onProgress?.({ cell, index, cells: options.cells.length });
    const { weights, step: bestStep } = await readWeights(join(running(options, cell), bestName));
    const before = await readStored(soFarFile(options, cell), cell);
    const figures = before?.converged?.bestStep === bestStep ? before : await measureWeights(options, cell, weights);
    const found: CellResult = { seconds: 0, lastLoss: 0, ...figures, cell, converged: { ...converged, bestStep } };
    writeWhole(soFarFile(options, cell), jsonText(found), { mode: 0o644 });
  }
}

async function measureWeights(options: ExperimentOptions, cell: Cell, weights: Weights): Promise<Measured> {
  const data = await dataOf(options, cell);
  const recipe = recipeOf(options, cell, options.out, false);
  await using engine = await openEngine(recipe, { ...recipe, weights });
  return await measure(options, cell, data, { engine, pictures: openPictures(cell.network.side), split: data.split });
}

const soFarFile = ({ out }: Pick<ExperimentOptions, 'out'>, { id }: Cell) => join(out, `${id}.so-far.json`);

/** What `measureSoFar` found of cells that have not ended since. */
export async function readSoFar(out: string, cells: readonly Cell[]): Promise<CellResult[]> {
  const found = await Promise.all(
    cells.map(async (cell) => ((await readResult(out, cell)) ? undefined : await readStored(soFarFile({ out }, cell), cell))),
  );
  return found.filter((result) => result !== undefined);
}

/** The results on disk, in the order of the cells. */
export async function readResults(out: string, cells: readonly Cell[]): Promise<CellResult[]> {
  const found = await Promise.all(cells.map((cell) => readResult(out, cell)));
  return found.filter((result) => result !== undefined);
}

const readResult = (out: string, cell: Cell) => readStored(join(out, `${cell.id}.json`), cell);

async function readStored(file: string, cell: Cell): Promise<CellResult | undefined> {
  try {
    const result = JSON.parse(await readFile(file, 'utf8')) as CellResult;
    // The file may be of the same cell under another budget or other settings.
    return JSON.stringify(result.cell) === JSON.stringify(cell) ? result : undefined;
  } catch {
    return undefined;
  }
}

type Measured = Omit<CellResult, 'cell' | 'seconds' | 'lastLoss' | 'converged'>;

async function runCell(options: ExperimentOptions, cell: Cell, index: number): Promise<void> {
  const folder = running(options, cell);
  await mkdir(folder, { recursive: true });
  const data = await dataOf(options, cell);
  const resume = (await readdir(folder)).some((name) => name.startsWith(checkpointName));
  const startedAt = performance.now();
  let figures: Measured | undefined;
  const control: RunControl = {
    signal: options.signal,
    onProgress: (training) => options.onProgress?.({ cell, index, cells: options.cells.length, training }),
    finish: async (trained) => {
      figures = await measure(options, cell, data, trained);
    },
  };
  const convergence = cell.rule && (await untilConverged(cell, cell.rule, folder, control));
  const result = await train(recipeOf(options, cell, folder, resume), convergence?.control ?? control, { split: data.split });
  if (!result.finished || !figures) return;
  const last = result.losses.slice(-Math.ceil(result.losses.length / 10));
  const lastLoss = last.reduce((sum, loss) => sum + loss, 0) / last.length;
  const seconds = convergence?.seconds() ?? (performance.now() - startedAt) / 1000;
  const converged = convergence && { converged: convergence.converged(result) };
  writeWhole(join(options.out, `${cell.id}.json`), jsonText({ cell, seconds, lastLoss, ...figures, ...converged }), { mode: 0o644 });
  await rm(soFarFile(options, cell), { force: true });
  if (convergence) await keep(options, cell, folder);
  else await leave(options, cell, folder);
}

/** Cells that are trained to convergence are all validated and tested on the same pairs. */
async function dataOf({ supply }: ExperimentOptions, { data, images, rule }: Cell): Promise<CellData> {
  const own = await supply(data, images);
  if (!rule || images === mostImages[data]) return own;
  const { validation, test } = (await supply(data, mostImages[data])).split;
  return { ...own, split: { train: own.split.train, validation, test } };
}

const running = ({ out }: Pick<ExperimentOptions, 'out'>, { id }: Pick<Cell, 'id'>) => join(out, `${id}.running`);

/** Passes the checkpoint on to the cell that continues it, or removes it. */
async function leave(options: ExperimentOptions, cell: Cell, folder: string): Promise<void> {
  const next = options.cells.find(({ after, steps }) => after === cell.id && steps > cell.steps);
  const goesOn = next !== undefined && !(await readResult(options.out, next)) && !existsSync(running(options, next));
  if (goesOn) await rename(folder, running(options, next));
  else await rm(folder, { recursive: true });
}

/** Best weights and loss curve stay beside the figures; the checkpoint, of half a gigabyte, does not. */
async function keep({ out }: ExperimentOptions, { id }: Cell, folder: string): Promise<void> {
  const [curves, weights] = [join(out, 'curves'), join(out, 'weights')];
  for (const place of [curves, weights]) await mkdir(place, { recursive: true });
  for (const [name, place] of [
    [bestName, join(weights, `${id}.facelatch`)],
    [historyName, join(curves, `${id}.csv`)],
    [lossPlotName, join(curves, `${id}.svg`)],
  ] as const)
    await rename(join(folder, name), place);
  await rm(folder, { recursive: true });
}

function recipeOf(options: ExperimentOptions, cell: Cell, out: string, resume: boolean): TrainingRecipe {
  const optimiser: Optimiser = { kind: 'adam', rate: cell.rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 };
  const every = cell.rule?.every ?? 1;
  return {
    ...{ network: cell.network, engine: options.engine, device: 'auto', threads: options.threads, objective: cell.objective, optimiser },
    ...{ data: `${cell.data} ${cell.images}`, split: { by: 'person', validation: 0, test: 0, seed: options.seed } },
    ...{ pairs: options.pairs, batchesPerEpoch: every, epochs: Math.ceil(cell.steps / every), augment: cell.augment },
    ...(cell.hard && { hard: cell.hard }),
    ...{ seed: options.seed, validationPairs: cell.rule?.pairs ?? 0, out, checkpointEvery: 100, resume },
  };
}

async function measure(options: ExperimentOptions, cell: Cell, data: CellData, trained: Trained): Promise<Measured> {
  const { network, objective } = cell;
  const { engine, pictures, split } = trained;
  const scoresOf = async (part: Part) =>
    (await validate({ engine, network, objective, part, pictures }, options.measuredPairs, options.seed)).scored;
  const [honest, leaky] = [await scoresOf(split.test), await scoresOf(split.train)];
  const verification = data.verification && (await verify(cell, data.verification, trained));
  return {
    engine: engine.label,
    honest: figuresOf(honest),
    leaky: figuresOf(leaky),
    ...(cell.rule && { pairs: { honest: numbered(uncut(honest), split.test), leaky: numbered(uncut(leaky), split.train) } }),
    people: { trained: split.train.subjects.length, tested: split.test.subjects.length },
    ...(verification && { verification }),
  };
}

const uncut = (scored: readonly Scored[]) => scored.map((each) => ({ pair: each.pair, score: each.uncut }));

function figuresOf(scored: readonly Scored[]): PartFigures {
  const told = scored.map(({ score, pair }) => ({ score, same: pair.same }));
  return verificationThresholds.map(({ detection }) => confusionAt(told, detection)).sort((a, b) => a.threshold - b.threshold);
}

/** One probe against the folder of verification images, as in the tutorial's app; then every stranger the same way. */
async function verify(cell: Cell, data: NonNullable<CellData['verification']>, trained: Trained): Promise<VerificationFigures[]> {
  const { network, objective } = cell;
  const measured = { engine: trained.engine, network, objective, part: trained.split.test, pictures: trained.pictures };
  const embeddings = await embedAll(measured, [data.probe, ...data.gallery, ...data.strangers]);
  const tell = await teller(measured);
  const at = (path: string) => embeddings.get(path) as Float32Array;
  const scoresOf = (probe: string) => data.gallery.map((picture) => tell(at(probe), at(picture)).score);
  return verificationFigures(scoresOf(data.probe), data.strangers.map(scoresOf));
}
