/**
 * When a training has converged. In: the validation losses so far. Out: why it stops now, or that it goes on. Pure.
 */
import type { Objective } from '../port.ts';

export interface ConvergenceRule {
  /** Steps between two validations. */
  readonly every: number;
  /** Pairs of the validation people that are measured each time. */
  readonly pairs: number;
  /** Steps without a new minimum after which the loss counts as flat. */
  readonly flatSteps: number;
}

/** `flat`: no new minimum for so long; `limit`: all steps are done; `unfinished`: it has not stopped yet. */
export type StopReason = 'flat' | 'limit' | 'unfinished';

export const convergenceRule: ConvergenceRule = { every: 100, pairs: 400, flatSteps: 500 };

/** A minimum is new when it is lower by this share of the loss of a guess. */
const least = 0.005;
/** A loss above this share of the loss of a guess has learned nothing yet. */
const learned = 0.97;

/**
 * The lowest loss of a network that gives every pair the same answer, on balanced pairs: ln 2 for a probability of
 * one half, and m²/8 for a distance of half the margin m.
 */
export const chanceLoss = ({ loss, margin }: Pick<Objective, 'loss' | 'margin'>) => (loss === 'bce' ? Math.LN2 : margin ** 2 / 8);

/** Whether the loss has left chance at any time: only then can it be flat. */
export const hasLearned = (losses: readonly number[], objective: Pick<Objective, 'loss' | 'margin'>) =>
  losses.some((loss) => loss < learned * chanceLoss(objective));

/** `losses`: one for each validation. */
export function isFlat(losses: readonly number[], objective: Pick<Objective, 'loss' | 'margin'>, rule: ConvergenceRule): boolean {
  if (!hasLearned(losses, objective)) return false;
  let [mark, markedAt] = [Number.POSITIVE_INFINITY, 0];
  for (const [index, loss] of losses.entries()) if (loss < mark - least * chanceLoss(objective)) [mark, markedAt] = [loss, index];
  return (losses.length - 1 - markedAt) * rule.every >= rule.flatSteps;
}
