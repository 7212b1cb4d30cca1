/**
 * The results of the experiment as a page of Markdown with its plots: every figure next to the paper's, the leaky
 * split's and its interval.
 */

import type { Confusion, Share } from '../figures/confusion.ts';
import { type Plot, plotSvg } from '../figures/plots.ts';
import type { BaseFigures } from './base-figures.ts';
import type { CellResult, PartFigures } from './experiment.ts';
import { type DataName, paperTableOne, paperTableTwo, recomputedF1, type Tuned } from './paper.ts';

export const paperTitle = '# The paper’s experiment, repeated';

export interface PaperReport {
  readonly markdown: string;
  /** SVG by file name; the page refers to them in a folder `plots` beside it. */
  readonly plots: ReadonlyMap<string, string>;
}

export interface ReportFacts {
  /** Steps of a cell, as given with `--budget`. */
  readonly budget: number;
  readonly pairs: number;
  readonly seed: number;
  /** All cells of the experiment; fewer results mean that it is not done. */
  readonly cells: number;
  readonly tuned: Tuned;
  /** Where the tuned settings come from, in words. */
  readonly origin: string;
}

export type Bases = ReadonlyMap<DataName, BaseFigures>;

export const dataNames: Record<DataName, string> = {
  webcam: 'webcam person against strangers',
  pins: 'people of pins112, tested on people never seen',
  orl: 'people of ORL, tested on people never seen',
};

/** Writes the page. `bases`: the base networks on the same pairs, where they were measured. */
export function paperReport(results: readonly CellResult[], bases: Bases, facts: ReportFacts): PaperReport {
  const plots = new Map<string, string>();
  const sections = [
    introduction(results, facts),
    findings(results, bases),
    tableOne(results, bases),
    tableTwo(results, bases, plots),
    printedTableTwo(),
    verification(results, bases),
  ];
  return { markdown: `${sections.filter((section) => section !== '').join('\n\n')}\n`, plots };
}

function introduction(results: readonly CellResult[], { budget, pairs, seed, cells, tuned, origin }: ReportFacts): string {
  const hours = results.reduce((sum, { seconds }) => sum + seconds, 0) / 3600;
  const missing = cells - results.length;
  return [
    paperTitle,
    '',
    `Section IV of “Deep Learning Enabled Facial Recognition using Siamese Network”, run again by \`facelatch experiment paper --budget ${budget}\`: at most ` +
      `${budget} steps of ${pairs} pairs a cell (three times as many in the last stage of Table I), seed ${seed}, ${hours.toFixed(1)} hours in all on ${engines(results)}. ` +
      `The tutorial trains for 50 epochs of its data: the budget is what a machine without a GPU does in that time, and other budgets give other figures. ` +
      `Tuned settings: learning rate ${tuned.rate.toPrecision(3)}, L1 penalty ${tuned.l1.toPrecision(3)}, augmentation ${tuned.augment.toPrecision(2)} (${origin}).` +
      (missing > 0 ? ` **${missing} of ${cells} cells have not been run yet.**` : ''),
    '',
    'The paper gives no optimiser, rate, number of epochs or thresholds; the tutorial’s are Adam at 1e-4 and, in its app, 0.99 and 0.8. *Honest* figures are of people (for the webcam person: ' +
      'of pictures and strangers) that nothing was trained on. *Leaky* figures are of new pairs of pictures that were trained on, which is what the tutorial’s split of pairs measures. ' +
      'Shares have Clopper–Pearson intervals, F1 one by bootstrap over pairs, all 95 %; both take pairs as independent, which pairs of few people are not quite.',
  ].join('\n');
}

/**
 * The main results in sentences: the last stage of Table I, what the split hides, and the printed Table II beside a
 * guess.
 */
function findings(results: readonly CellResult[], bases: Bases): string {
  const last = paperTableOne.at(-1);
  const sentences = results
    .filter(({ cell }) => cell.table === 'I' && cell.what === last?.stage)
    .map(({ cell, honest, leaky }) => {
      const base = bases.get(cell.data);
      const beside = base ? `, where the shipped network reaches ${percent(at(base.honest, 0.5)?.accuracy)} %` : '';
      return (
        `- **${dataNames[cell.data]}.** After ${cell.steps} steps ${percent(at(honest, 0.5)?.accuracy)} % of honest pairs and ${percent(at(leaky, 0.5)?.accuracy)} % of leaky ones ` +
        `are told right (the paper: ${last?.accuracy} %)${beside}.`
      );
    });
  if (sentences.length === 0) return '';
  const below = paperTableTwo.filter(([, , f1]) => f1 < guessF1).length;
  return [
    '## What comes out',
    '',
    ...sentences,
    `- **The printed Table II.** On balanced pairs, saying "the same" of every pair has recall 100 %, precision 50 % and F1 ${guessF1.toFixed(1)} %: ${below} of its ${paperTableTwo.length} rows lie below that guess, and the last is perfect.`,
  ].join('\n');
}

/** Of the guess that every pair shows the same person, on balanced pairs: 2 · 50 · 100 / 150, percent. */
const guessF1 = recomputedF1([100, 50]);

const engines = (results: readonly CellResult[]) => [...new Set(results.map(({ engine }) => engine))].join(', ') || 'no engine yet';

function tableOne(results: readonly CellResult[], bases: Bases): string {
  const own = results.filter(({ cell }) => cell.table === 'I');
  const rows = own.map(({ cell, honest, leaky, lastLoss }) => {
    const paper = paperTableOne.find(({ stage }) => stage === cell.what);
    const [even, uneven] = [at(honest, 0.5), at(leaky, 0.5)];
    return [
      cell.what,
      dataNames[cell.data],
      String(cell.steps),
      `${paper?.accuracy} %`,
      percent(uneven?.accuracy),
      percent(even?.accuracy),
      guess(even),
      lastLoss.toFixed(3),
    ];
  });
  const base = [...bases]
    .filter(([data]) => own.some(({ cell }) => cell.data === data))
    .map(([data, figures]) => [
      `*base network* (${figures.label})`,
      dataNames[data],
      '–',
      '–',
      '–',
      percent(at(figures.honest, 0.5)?.accuracy),
      guess(at(figures.honest, 0.5)),
      '–',
    ]);
  return [
    '## Table I: accuracy of four stages',
    '',
    'What was adjusted the paper does not say. Our reading: the baseline sums the L1 distance to a scalar before Dense(1), as its text says; the second keeps the vector of 4,096, as its figure 3 ' +
      'shows; the third takes tuned settings; the fourth trains longer. Accuracy at threshold 0.5; beside the honest one what a guess without looking gets on the same pairs (half of them show one person, where there are as many: the webcam person’s test pictures make few such pairs). The last rows: the network that facelatch ships, on the same pairs, trained on none of these people; a picture in which it finds no face counts as no match' +
      `${withoutFace(bases)}.`,
    '',
    markdownTable(['stage', 'pictures', 'steps', 'paper', 'leaky', 'honest', 'guess', 'last loss'], [...rows, ...base]),
  ].join('\n');
}

function tableTwo(results: readonly CellResult[], bases: Bases, plots: Map<string, string>): string {
  const own = results.filter(({ cell }) => cell.table === 'II');
  const shares = (figures: Confusion | undefined) => [percent(figures?.recall), percent(figures?.precision), percent(figures?.f1)];
  const rows = own.map(({ cell, honest, leaky, people }) => [
    dataNames[cell.data],
    String(cell.images),
    cell.objective.loss,
    `${people.trained} / ${people.tested}`,
    ...shares(at(leaky, 0.5)),
    ...shares(at(honest, 0.5)),
    paperF1,
  ]);
  const base = [...bases]
    .filter(([data]) => own.some(({ cell }) => cell.data === data))
    .map(([data, { honest }]) => [dataNames[data], '', '*base*', 'none', '–', '–', '–', ...shares(at(honest, 0.5)), '–']);
  const pictures = (Object.keys(dataNames) as DataName[]).flatMap((data) => {
    const plot = growth(own, data);
    if (plot.series.every(({ points }) => points.length === 0)) return [];
    plots.set(`growing-${data}.svg`, plotSvg(plot));
    return [`![Recall, precision and F1 over growing data: ${dataNames[data]}](plots/growing-${data}.svg)`];
  });
  const names = [
    'pictures',
    'each',
    'loss',
    'people trained / tested',
    'leaky recall',
    'leaky precision',
    'leaky F1',
    'recall',
    'precision',
    'F1',
    'paper’s F1',
  ];
  return [
    '## Table II and figures 4–7: over growing data',
    '',
    'At threshold 0.5; recall, precision and F1 without a name before them are honest, the paper’s F1 is that of its ten rows below: it does not say which row is how many pictures of whom.',
    '',
    markdownTable(names, [...rows, ...base]),
    '',
    ...pictures,
  ].join('\n');
}

/** The F1 values of the paper's ten rows, in short. */
const paperF1 = (() => {
  const [all, rows] = [paperTableTwo.at(-1)?.[2], paperTableTwo.slice(0, -1).map(([, , f1]) => f1)];
  return `${Math.min(...rows).toFixed(1)} to ${Math.max(...rows).toFixed(1)}, then ${all}`;
})();

/** The share that the better of "always the same" and "never the same" gets right, percent. */
function guess(figures: Confusion | undefined): string {
  if (!figures) return '–';
  const { pairs, samePairs } = figures;
  return `${((100 * Math.max(samePairs, pairs - samePairs)) / pairs).toFixed(1)}`;
}

function withoutFace(bases: Bases): string {
  const missed = [...bases].filter(([, figures]) => figures.withoutFace > 0);
  return missed.length === 0
    ? ''
    : ` (${missed.map(([data, figures]) => `${figures.withoutFace} of ${figures.pictures} pictures of ${data}`).join(', ')})`;
}

function growth(results: readonly CellResult[], data: DataName): Plot {
  const own = results.filter(({ cell }) => cell.data === data && cell.objective.loss === 'bce');
  const series = (['recall', 'precision', 'f1'] as const).map((name) => ({
    name: name === 'f1' ? 'F1' : name,
    points: own.flatMap(({ cell, honest }) => {
      const share = at(honest, 0.5)?.[name];
      return share ? [{ x: cell.images, y: 100 * share.value, interval: [100 * share.interval[0], 100 * share.interval[1]] as const }] : [];
    }),
  }));
  return { title: `Honest figures, ${dataNames[data]}`, x: 'pictures a person', y: '%', range: [0, 100], series };
}

function printedTableTwo(): string {
  const rows = paperTableTwo.map((row, index) => {
    const again = recomputedF1(row);
    return [String(index + 1), ...row.map(String), again.toFixed(3), Math.abs(again - row[2]) > 0.05 ? 'differs' : ''];
  });
  const note = 'One row’s F1 does not follow from its own recall and precision: 39.003 is printed where 27.5643 and 62.67 give 38.288.';
  return [
    '### As the paper prints it',
    '',
    note,
    '',
    markdownTable(['row', 'recall %', 'precision %', 'F1 %', 'F1 recomputed', ''], rows),
  ].join('\n');
}

function verification(results: readonly CellResult[], bases: Bases): string {
  const measured = [
    ...results.map(({ cell, verification: found }) => ({ what: `Table ${cell.table}: ${cell.what}`, found })),
    ...[...bases.values()].map(({ label, verification: found }) => ({ what: `*base network* (${label})`, found })),
  ];
  const rows = measured.flatMap(({ what, found }) =>
    (found ?? []).map(({ detection, verification: needed, share, verified, strangersVerified, strangers }) => [
      what,
      `${detection} / ${needed}`,
      `${(100 * share).toFixed(0)} %`,
      verified ? 'yes' : 'no',
      `${strangersVerified} of ${strangers}`,
    ]),
  );
  if (rows.length === 0) return '';
  return [
    '## The paper’s verification',
    '',
    'One probe of the webcam person against the folder of verification images (those that were trained on among them, as in the tutorial): the share that scores above the detection threshold, verified when it exceeds the verification threshold; and how ' +
      'many strangers are verified as the webcam person by the same rule.',
    '',
    markdownTable(['cell', 'detection / verification', 'share', 'verified', 'strangers verified'], rows),
  ].join('\n');
}

const at = (figures: PartFigures, threshold: number) => figures.find((each) => each.threshold === threshold);

function percent(share: Share | undefined): string {
  if (!share) return '–';
  const [low, high] = share.interval;
  return `${(100 * share.value).toFixed(1)} (${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)})`;
}

export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');
}
