/**
 * How a run went, step by step. In: what its checkpoint keeps. Out: `history.csv`, and the loss curve as `loss.svg`,
 * written beside the checkpoint.
 */
import { join } from 'node:path';
import { writeWhole } from '../base/whole-file.ts';
import { type Plot, type PlotPoint, plotSvg } from './figures/plots.ts';
import { cannotWrite } from './network/checkpoint.ts';
import type { EpochResult } from './recipe.ts';

export interface TrainingHistory {
  /** One for each step, from the first. */
  readonly losses: readonly number[];
  /**
   * When each step ended: seconds of training, earlier runs included. Null for steps whose checkpoint did not record
   * it.
   */
  readonly seconds: readonly (number | null)[];
  readonly epochs: readonly EpochResult[];
  /** Steps of an epoch. */
  readonly batchesPerEpoch: number;
}

export const historyName = 'history.csv';
export const lossPlotName = 'loss.svg';

const columns = ['step', 'loss', 'validation_loss', 'validation_accuracy', 'seconds'] as const;

/** A row for each step; validation is measured after the last step of an epoch. Seconds to the millisecond. */
export function historyCsv({ losses, seconds, epochs, batchesPerEpoch }: TrainingHistory): string {
  const rows = losses.map((loss, index) => {
    const step = index + 1;
    const epoch = step % batchesPerEpoch === 0 ? epochs[step / batchesPerEpoch - 1] : undefined;
    return [step, loss, epoch?.validationLoss, epoch?.validationAccuracy, seconds[index]?.toFixed(3)].map((cell) => cell ?? '');
  });
  return [columns, ...rows].map((row) => `${row.join(',')}\n`).join('');
}

/** More than the plot has room for. */
const mostPoints = 300;

/** Training loss, as means over equal runs of steps where there are many, and the validation loss after each epoch. */
export function lossPlot({ losses, epochs, batchesPerEpoch }: TrainingHistory): Plot {
  const run = Math.ceil(losses.length / mostPoints);
  const training = Array.from({ length: Math.ceil(losses.length / run) || 0 }, (_, index): PlotPoint => {
    const some = losses.slice(index * run, (index + 1) * run);
    return { x: index * run + some.length, y: some.reduce((sum, loss) => sum + loss, 0) / some.length };
  });
  const validation = epochs.flatMap(({ validationLoss }, index): PlotPoint[] =>
    validationLoss === undefined ? [] : [{ x: (index + 1) * batchesPerEpoch, y: validationLoss }],
  );
  return {
    title: 'Loss of each step',
    x: run > 1 ? `step (training: means over ${run})` : 'step',
    y: 'loss',
    series: [{ name: 'training', points: training }, ...(validation.length > 0 ? [{ name: 'validation', points: validation }] : [])],
  };
}

/** Writes both files, each whole or not at all. Throws Fault `disk-full` or `bad-argument`. */
export function writeHistory(folder: string, history: TrainingHistory): void {
  const files = { [historyName]: historyCsv(history), [lossPlotName]: plotSvg(lossPlot(history)) };
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    try {
      writeWhole(path, content, { mode: 0o644 });
    } catch (error) {
      throw cannotWrite(path, error);
    }
  }
}
