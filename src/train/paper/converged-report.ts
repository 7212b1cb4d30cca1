/**
 * The section of the page about the cells that were trained to convergence: figures beside those of the shipped
 * network on the same pairs, what each change brings, and the loss curves. In: results. Out: Markdown and plots.
 */
import type { Interval } from '../figures/binomial.ts';
import { type Plot, plotSvg, type Series } from '../figures/plots.ts';
import type { Converged } from './converge.ts';
import { chanceLoss, hasLearned } from './convergence.ts';
import type { CellResult } from './experiment.ts';
import type { Cell, DataName } from './paper.ts';
import { type Bases, dataNames, markdownTable, type PaperReport } from './paper-report.ts';
import { type Figure, type FigureName, gain, type PairFigures, pairFigures } from './scored-pairs.ts';

export interface ConvergedFacts {
  /** All cells, in their order: those without a result are named as missing. */
  readonly cells: readonly Cell[];
  readonly unfinished: ReadonlyMap<string, Converged>;
  readonly pairs: number;
  readonly seed: number;
  /** Where the tuned settings come from, in words. */
  readonly origin: string;
}

const title = '## To convergence';

/** A cell that has run, with the figures of its pairs. */
interface Finished {
  readonly cell: Cell;
  readonly converged: NonNullable<CellResult['converged']>;
  readonly people: CellResult['people'];
  readonly honest: PairFigures;
  readonly leaky: PairFigures;
}

/** Writes the section. `bases`: the shipped network on the same pairs, where it was measured. */
export function convergedReport(results: readonly CellResult[], bases: Bases, facts: ConvergedFacts): PaperReport {
  const byPlace = results.toSorted((a, b) => placeOf(facts.cells, a.cell) - placeOf(facts.cells, b.cell));
  const finished = byPlace.flatMap(({ cell, converged, people, pairs }): Finished[] =>
    converged && pairs ? [{ cell, converged, people, honest: pairFigures(pairs.honest), leaky: pairFigures(pairs.leaky) }] : [],
  );
  const shipped = new Map(
    [...bases].flatMap(([data, { label, pairs }]) => (pairs ? [[data, { label, honest: pairFigures(pairs) }] as const] : [])),
  );
  const plots = new Map<string, string>();
  const sections = [
    introduction(finished, facts),
    findings(finished, shipped),
    cellTable(finished, shipped),
    changes(finished),
    curves(finished, plots),
    missing(finished, facts),
  ];
  return { markdown: `${[title, ...sections.filter((section) => section !== '')].join('\n\n')}\n`, plots };
}

const placeOf = (cells: readonly Cell[], { id }: Cell) => cells.findIndex((cell) => cell.id === id);

type Shipped = ReadonlyMap<DataName, { readonly label: string; readonly honest: PairFigures }>;

/** Puts the section into a page, in the place of the one that is there, or at its end. */
export function withConverged(page: string, section: string): string {
  const from = page.indexOf(`${title}\n`);
  if (from < 0) return `${page.trimEnd()}\n\n${section}`;
  const next = page.indexOf('\n## ', from);
  return `${page.slice(0, from)}${section}${next < 0 ? '' : page.slice(next)}`;
}

/** The section that a page has; empty where it has none. */
export function convergedIn(page: string): string {
  const from = page.indexOf(`${title}\n`);
  if (from < 0) return '';
  const next = page.indexOf('\n## ', from);
  return `${page.slice(from, next < 0 ? undefined : next).trimEnd()}\n`;
}

function introduction(finished: readonly Finished[], { cells, pairs, seed, origin }: ConvergedFacts): string {
  const { rule, steps, rate, objective, augment } = cells[0] as Cell;
  const total = finished.reduce((sum, { converged }) => sum + converged.steps, 0);
  return (
    `\`facelatch experiment paper --to-convergence\`. The cells above end after a budget. These train until the loss on people of validation (nothing is trained or tested on them; ${rule?.pairs} pairs, after every ${rule?.every} steps) ` +
    `has had no clearly new minimum (lower by half a percent of the loss of a guess) for ${rule?.flatSteps} steps, or to step ${steps}; a loss that is still that of a guess does not count as flat. Measured are the weights of the lowest validation loss. ` +
    `Batches of ${pairs} pairs, seed ${seed}, learning rate ${rate.toPrecision(3)}, L1 penalty ${objective.l1.toPrecision(3)}, augmentation ${augment.toPrecision(2)} (${origin}), where the cell does not say otherwise; ${total} steps in all. ` +
    'The last two stages of Table I on pins112 are one training here: the cell of 25 pictures with binary cross-entropy.'
  );
}

/** How far the network gets, and how much of that is lost on strangers. */
function findings(finished: readonly Finished[], shipped: Shipped): string {
  const sentences = (Object.keys(dataNames) as DataName[]).flatMap((data) => {
    const best = finished.filter(({ cell }) => cell.data === data).toSorted((a, b) => auc(b) - auc(a))[0];
    if (!best) return [];
    const { cell, converged, honest, leaky } = best;
    const base = shipped.get(data)?.honest.figures;
    const beside = base ? ` The network that facelatch ships reaches ${shown(base.accuracy)} % and ${shown(base.auc)} %.` : '';
    return [
      `- **${dataNames[data]}.** From scratch the paper’s network tells at best ${shown(honest.figures.accuracy)} % of the pairs right (a guess: 50 %), with an area under the ROC of ${shown(honest.figures.auc)} % ` +
        `(${nameOf(cell)}${converged.why === 'unfinished' ? `, so far: step ${converged.bestStep}` : ''}); on people it was trained on ${shown(leaky.figures.accuracy)} % and ${shown(leaky.figures.auc)} %.${beside}`,
    ];
  });
  return sentences.join('\n');
}

const auc = ({ honest }: Finished) => honest.figures.auc.value;

function cellTable(finished: readonly Finished[], shipped: Shipped): string {
  if (finished.length === 0) return '';
  const rows = finished.map(({ cell, converged, people, honest, leaky }) => [
    nameOf(cell),
    `${people.trained} / ${people.tested}`,
    `${converged.bestStep} / ${converged.steps}`,
    reason(cell, converged),
    lowest(cell, converged).toFixed(2),
    ...figureOrder.map((name) => shown(honest.figures[name])),
    shown(leaky.figures.accuracy),
    shown(leaky.figures.auc),
  ]);
  const bases = [...shipped].filter(([data]) => finished.some(({ cell }) => cell.data === data));
  const base = bases.map(([data, { label, honest }]) => [
    `*shipped* (${label}), ${shortNames[data]}`,
    'none',
    ...['–', '–', '–'],
    ...figureOrder.map((name) => shown(honest.figures[name])),
    ...['–', '–'],
  ]);
  const heads = ['cell', 'people trained / tested', 'best step / all', 'ended', 'loss'];
  return [
    'Percent, at threshold 0.5; *AUC* is the area under the ROC: how often a pair of one person scores above a pair of two. All cells of one set, and the shipped network, are tested on the same pairs of the same people, whatever they were trained on. ' +
      'Intervals are 95 %, by drawing the people with replacement (1,000 times). *loss*: the lowest validation loss, as a share of that of a guess. *Leaky*: new pairs of pictures that were trained on.',
    '',
    markdownTable([...heads, 'accuracy', 'recall', 'precision', 'F1', 'AUC', 'leaky accuracy', 'leaky AUC'], [...rows, ...base]),
  ].join('\n');
}

const figureOrder: readonly FigureName[] = ['accuracy', 'recall', 'precision', 'f1', 'auc'];
const shortNames: Record<DataName, string> = { webcam: 'webcam', pins: 'pins112', orl: 'ORL' };
/** A cell whose pictures and loss are those of another, with one setting changed. */
const isVariant = ({ id, against }: Cell) => against !== undefined && id.startsWith(`${against}-`);
const nameOf = ({ data, images, what }: Cell) => `${shortNames[data]}, ${images} pictures, ${what}`;

function reason(cell: Cell, { why, curve }: Finished['converged']): string {
  if (why !== 'limit') return why === 'flat' ? 'flat' : 'not yet';
  const losses = curve.map(({ validation }) => validation);
  return hasLearned(losses, cell.objective) ? 'all steps' : 'all steps, at chance';
}

const lowest = ({ objective }: Cell, { curve }: Finished['converged']) =>
  Math.min(...curve.map(({ validation }) => validation)) / chanceLoss(objective);

/** What each changed setting brings, the most first. */
function changes(finished: readonly Finished[]): string {
  const compared = finished
    .flatMap((one) => {
      const over = finished.find(({ cell }) => cell.id === one.cell.against);
      const ended = over && [one, over].every(({ converged }) => converged.why !== 'unfinished');
      return over ? [{ one, over, ended, brings: gain(one.honest, over.honest, 'auc') }] : [];
    })
    .toSorted((a, b) => b.brings.value - a.brings.value);
  if (compared.length === 0) return '';
  const rows = compared.map(({ one, over, ended, brings }) => [
    changeOf(one),
    nameOf(over.cell),
    signed(brings),
    signed(gain(one.honest, over.honest, 'accuracy')),
    atCommonStep(one, over),
    !ended ? 'not yet' : isClear(brings.interval) ? (brings.value > 0 ? 'better' : 'worse') : 'not certain',
  ]);
  const settled = compared.filter(({ ended }) => ended);
  const [most] = settled.filter(({ brings }) => brings.value > 0 && isClear(brings.interval));
  const sentence = most
    ? `**What brings most: ${changeOf(most.one)}**, ${signed(most.brings)} points of AUC.`
    : settled.length > 0
      ? `**No change whose training has ended brings a certain gain** (${settled.length} of ${compared.length} that were begun).`
      : '**What brings most is open:** no training with a change has ended yet.';
  return [
    `${sentence} In points on the same pairs; the interval is of the difference. *Better* and *worse* where it leaves out 0 and both trainings have ended. ` +
      'The loss is that of validation, over that of a guess, at the last step that both have reached: AUC and accuracy of a cell that has not ended are those so far.',
    '',
    markdownTable(['change', 'of the cell', 'AUC', 'accuracy', 'loss, with and without it', ''], rows),
  ].join('\n');
}

const changeOf = ({ cell }: Finished) => (isVariant(cell) ? cell.what : nameOf(cell));

function atCommonStep(one: Finished, over: Finished): string {
  const [a, b] = [one, over].map(({ converged }) => converged.curve) as [Converged['curve'], Converged['curve']];
  const last = Math.min(a.length, b.length) - 1;
  const [changed, unchanged] = [one, over].map(
    ({ cell, converged }) => (converged.curve[last]?.validation ?? Number.NaN) / chanceLoss(cell.objective),
  );
  return last < 0 ? '–' : `${changed?.toFixed(2)} and ${unchanged?.toFixed(2)} (step ${a[last]?.step})`;
}

const isClear = (interval: Interval | undefined) => interval !== undefined && interval[0] * interval[1] > 0;

/** Validation loss as a share of that of a guess: cells of different losses and margins can stand in one plot. */
function curves(finished: readonly Finished[], plots: Map<string, string>): string {
  const lines = (Object.keys(dataNames) as DataName[]).flatMap((data) => {
    const own = finished.filter(({ cell }) => cell.data === data);
    const groups = [
      { name: `converged-${data}`, title: `Validation loss, ${shortNames[data]}`, some: own.filter(({ cell }) => !isVariant(cell)) },
      {
        name: `converged-${data}-changes`,
        title: `Validation loss, ${shortNames[data]}, one change`,
        some: own.filter(({ cell }) => isVariant(cell)),
      },
    ];
    return groups.flatMap(({ name, title: heading, some }) => {
      if (some.length === 0) return [];
      plots.set(`${name}.svg`, plotSvg(lossCurves(heading, some)));
      return [`![${heading}](plots/${name}.svg)`];
    });
  });
  return lines.length === 0 ? '' : ['Loss on the people of validation; 1 is that of a guess.', '', ...lines].join('\n');
}

function lossCurves(heading: string, some: readonly Finished[]): Plot {
  const series = some.map(({ cell, converged }): Series => {
    const guess = chanceLoss(cell.objective);
    const name = isVariant(cell) ? cell.what : `${cell.images} ${cell.objective.loss}`;
    return { name, points: converged.curve.map(({ step, validation }) => ({ x: step, y: validation / guess })) };
  });
  return { title: heading, x: 'step', y: 'loss over that of a guess', series };
}

function missing(finished: readonly Finished[], { cells, unfinished }: ConvergedFacts): string {
  const left = cells.filter(({ id }) => !finished.some(({ cell, converged }) => cell.id === id && converged.why !== 'unfinished'));
  if (left.length === 0) return '';
  const lines = left.map((cell) => `- ${nameOf(cell)}: ${state(cell, unfinished.get(cell.id))}`);
  return [`**${left.length} of ${cells.length} cells have not ended yet**; the same command goes on with them:`, '', ...lines].join('\n');
}

function state(cell: Cell, underway: Converged | undefined): string {
  if (!underway) return 'not begun';
  const { steps, bestStep, curve } = underway;
  if (curve.length === 0) return `at step ${steps}`;
  const losses = curve.map(({ validation }) => validation);
  const chance = hasLearned(losses, cell.objective) ? '' : ', not clearly below it yet';
  return `at step ${steps}, the lowest validation loss so far ${lowest(cell, underway).toFixed(2)} of that of a guess (step ${bestStep})${chance}`;
}

function shown({ value, interval }: Figure): string {
  if (!Number.isFinite(value)) return '–';
  const percent = (share: number) => (100 * share).toFixed(1);
  return interval ? `${percent(value)} (${percent(interval[0])} to ${percent(interval[1])})` : percent(value);
}

function signed({ value, interval }: Figure): string {
  const points = (share: number) => `${share < 0 ? '−' : '+'}${Math.abs(100 * share).toFixed(1)}`;
  return interval ? `${points(value)} (${points(interval[0])} to ${points(interval[1])})` : points(value);
}
