/**
 * The trials of a search as they end: a table with the best so far, a bar for the running trial, and a plot that is
 * drawn again after each.
 */
import { join } from 'node:path';
import { plotSvg } from '../../train/figures/plots.ts';
import type { TrainingProgress } from '../../train/recipe.ts';
import { bestTrial, type TuningTrial } from '../../train/tune/tune.ts';
import { write } from '../context.ts';
import { openTrainingBar } from './training-bar.ts';
import { writeInFolder } from './training-folder.ts';

export interface TrialsViewOptions {
  /** Folder of the plot. */
  readonly out: string;
  readonly trials: number;
  readonly json: boolean;
  /** Settings that are tuned. */
  readonly names: readonly string[];
  /** Trials of earlier runs. */
  readonly before: readonly TuningTrial[];
}

export interface TrialsView {
  /** All so far. */
  readonly trials: readonly TuningTrial[];
  readonly trial: (trial: TuningTrial) => void;
  readonly progress: (progress: TrainingProgress) => void;
  stop(): void;
}

/** Shows the table's head and the trials that are already there. */
export function openTrialsView({ out, trials, json, names, before }: TrialsViewOptions): TrialsView {
  const bar = openTrainingBar();
  const ended: TuningTrial[] = [];
  const show = (trial: TuningTrial) => {
    ended.push(trial);
    const remark = trial.stopped ? 'stopped early' : bestTrial(ended) === trial ? 'best so far' : '';
    const settings = names.map((name) => settingText(trial.setting[name] ?? Number.NaN));
    if (json) write(JSON.stringify({ kind: 'trial', ...trial }));
    else bar.say(row([String(trial.trial + 1), settingText(trial.value), ...settings, trial.seconds.toFixed(0), remark]));
  };
  if (!json) bar.say(row(['trial', 'loss', ...names, 'seconds', '']));
  before.forEach(show);
  return {
    trials: ended,
    trial: (trial) => {
      show(trial);
      writeInFolder(join(out, 'trials.svg'), trialsPlot(ended));
    },
    progress: (progress) => {
      if (progress.kind !== 'step' || json) return;
      bar.update({ label: `trial ${ended.length + 1} of ${trials}`, ...progress, done: progress.step, total: progress.steps });
    },
    stop: () => bar.stop(),
  };
}

const row = (cells: readonly string[]): string =>
  cells
    .map((cell) => cell.padEnd(10))
    .join('')
    .trimEnd();

/** Three digits are more than a search can tell apart. */
export const settingText = (value: number): string => (Number.isNaN(value) ? '–' : String(Number(value.toPrecision(3))));

/** Validation loss of each trial and the best so far; trials that are far worse than most stand at the upper edge. */
function trialsPlot(trials: readonly TuningTrial[]): string {
  const finite = trials.map(({ value }) => value).filter(Number.isFinite);
  const sorted = finite.toSorted((a, b) => a - b);
  const [least = 0, middle = 1] = [sorted[0], sorted[Math.floor(sorted.length / 2)]];
  const top = Math.min(sorted.at(-1) ?? 1, middle + 3 * (middle - least || 1));
  const points = trials.map(({ trial, value }) => ({ x: trial + 1, y: Number.isFinite(value) ? Math.min(value, top) : top }));
  const best = trials.flatMap(({ trial }, index) => {
    const found = bestTrial(trials.slice(0, index + 1));
    return found ? [{ x: trial + 1, y: Math.min(found.value, top) }] : [];
  });
  return plotSvg({
    title: 'Validation loss of each trial',
    x: 'trial',
    y: 'loss',
    series: [
      { name: 'trial', points },
      { name: 'best so far', points: best },
    ],
  });
}
