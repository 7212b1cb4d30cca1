/**
 * Training to convergence. In: the control of a run whose epochs are the steps between two validations. Out: one that
 * ends the run where the validation loss is flat, writes its curve beside the checkpoint, and measures the best
 * weights. What it keeps is on disk, so a run that was killed goes on.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openBestWeights } from '../best-weights.ts';
import { historyName, type TrainingHistory, writeHistory } from '../history.ts';
import { readWeights } from '../network/checkpoint.ts';
import type { EpochResult } from '../recipe.ts';
import type { RunControl, RunResult } from '../trainer.ts';
import { type ConvergenceRule, isFlat, type StopReason } from './convergence.ts';
import type { Cell } from './paper.ts';

/** How a cell converged. */
export interface Converged {
  /** Of the weights that were measured. */
  readonly bestStep: number;
  readonly steps: number;
  readonly why: StopReason;
  /** After every `rule.every` steps: the mean training loss since the last, and the loss on the validation people. */
  readonly curve: readonly { readonly step: number; readonly training: number; readonly validation: number }[];
}

/** What the last checkpoint in the folder says of a cell that has not ended; undefined where there is none. */
export async function readUnderway(folder: string, { every }: ConvergenceRule): Promise<Converged | undefined> {
  const csv = await readFile(join(folder, historyName), 'utf8').catch(() => undefined);
  if (csv === undefined) return undefined;
  const rows = csv.trim().split('\n').slice(1);
  const losses = rows.map((row) => row.split(',').map(Number));
  const curve = losses.flatMap(([step = 0, , validation = 0], index) => {
    const since = losses.slice(index + 1 - every, index + 1);
    return step % every === 0 ? [{ step, validation, training: since.reduce((sum, [, loss = 0]) => sum + loss, 0) / since.length }] : [];
  });
  const best = curve.toSorted((a, b) => a.validation - b.validation)[0];
  return { bestStep: best?.step ?? 0, steps: rows.length, why: 'unfinished', curve };
}

export const bestName = 'best.facelatch';

interface Convergence {
  readonly control: RunControl;
  /** Of a run that has finished. */
  readonly converged: (result: RunResult) => Converged;
  /** Seconds of training up to the last checkpoint, those of earlier runs included. */
  readonly seconds: () => number;
}

/** Throws what `openBestWeights` throws. */
export async function untilConverged(cell: Cell, rule: ConvergenceRule, folder: string, control: RunControl): Promise<Convergence> {
  const place = join(folder, bestName);
  const best = await openBestWeights<{ step: number; loss: number }>(place, cell.network, ({ loss }) => loss);
  const saved: { history?: TrainingHistory } = {};
  return {
    control: {
      ...control,
      onSaved: (history) => {
        saved.history = history;
        writeHistory(folder, history);
      },
      afterEpoch: async (epoch, { engine }, results) => {
        const losses = validationLosses(results);
        const step = epoch * rule.every;
        await best.offer({ step, loss: losses.at(-1) as number }, engine, step);
        return !isFlat(losses, cell.objective, rule);
      },
      finish: async (trained) => {
        const { step, weights } = await readWeights(place);
        await trained.engine.restore({ step, weights, first: new Map(), second: new Map() });
        await control.finish?.(trained);
      },
    },
    converged: ({ steps, epochs }) => ({
      bestStep: best.found()?.step ?? steps,
      steps,
      why: isFlat(validationLosses(epochs), cell.objective, rule) ? 'flat' : 'limit',
      curve: epochs.map(({ loss, validationLoss }, index) => ({
        step: (index + 1) * rule.every,
        training: loss,
        validation: validationLoss as number,
      })),
    }),
    seconds: () => saved.history?.seconds.at(-1) ?? 0,
  };
}

const validationLosses = (results: readonly EpochResult[]) => results.map(({ validationLoss }) => validationLoss as number);
