/** Figures of training in the words that people read. */
import type { Confusion, Share } from '../../train/figures/confusion.ts';
import type { EpochResult } from '../../train/recipe.ts';
import { table } from '../words.ts';

/** One line for each epoch. */
export function epochText(epoch: EpochResult & { readonly epoch: number }, epochs: number): string {
  const { loss, validationLoss, validationAccuracy } = epoch;
  const validation =
    validationLoss === undefined
      ? ''
      : ` · validation: loss ${validationLoss.toPrecision(3)}, ${(100 * (validationAccuracy ?? 0)).toFixed(1)} % right`;
  return `epoch ${epoch.epoch} of ${epochs} · loss ${loss.toPrecision(3)}${validation}`;
}

/** Accuracy, precision, recall and F1 at each threshold, in percent with 95 % intervals. */
export function confusionTable(figures: readonly Confusion[]): string {
  const rows = figures.map(({ threshold, accuracy, precision, recall, f1 }) => [
    String(threshold),
    ...[accuracy, precision, recall, f1].map(share),
  ]);
  return table([['score above', 'accuracy %', 'precision %', 'recall %', 'F1 %'], ...rows], '  ');
}

function share(found: Share): string {
  if (!found) return '– (none accepted)';
  const [low, high] = found.interval;
  return `${(100 * found.value).toFixed(1)} (${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)})`;
}
