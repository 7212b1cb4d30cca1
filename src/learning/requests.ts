/**
 * What operators may ask of learning at a running door (a job, a promotion, a rollback, a mark), and what they see of
 * it.
 */

import { Fault, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Journal } from '../journal/port.ts';
import type { Jobs } from '../retrain/jobs.ts';
import { markEntry } from '../retrain/marking.ts';
import type { Training } from '../retrain/port.ts';
import type { TrainingProcess } from '../retrain/process.ts';
import type { Promotion } from '../retrain/promotion.ts';
import type { Registry } from '../retrain/registry/registry.ts';
import type { Samples } from '../retrain/samples.ts';
import type { Config } from '../settings/load.ts';
import type { Eyes } from './eyes.ts';

export interface TrainingParts {
  readonly config: Config;
  readonly journal: Journal;
  readonly registry: Registry;
  readonly samples: Samples;
  readonly eyes: Eyes;
  readonly process: TrainingProcess;
  readonly promotion: Promotion;
  readonly jobs: Jobs;
  readonly signal: AbortSignal;
  readonly log: Log;
}

/** `promoted` resolves when the last requested promotion has ended. */
export function trainingOf(parts: TrainingParts): { readonly training: Training; readonly promoted: () => Promise<void> } {
  const { journal, registry, samples, eyes, process, promotion, jobs, signal, log } = parts;
  const { retrain } = parts.config;
  let promoting: Promise<void> | undefined;
  const training: Training = {
    start: ({ recipe = retrain.recipe, where = retrain.where, by }) => jobs.start({ recipe, where, by }),
    status: jobs.status,
    cancel: jobs.cancel,
    bundles: () =>
      registry.list().map(({ id, state, version, recipe, createdAt, note }) => ({ id, state, version, recipe, createdAt, note })),
    promote: (text, by) => {
      const { id } = registry.find(text);
      if (process.pid !== undefined)
        throw new Fault('training-busy', 'A training or comparison is under way: wait for its end, or cancel it (train.cancel)');
      promoting = promotion
        .promote(id, by)
        .then(() => undefined)
        .catch((error) => {
          if (!signal.aborted) log.error({ network: id, err: messageOf(error) }, 'a network could not be promoted');
        });
      return id;
    },
    rollback: (by) => promotion.rollback(by),
    pictures: samples.pictures,
    mark: (mark) => markEntry({ journal, samples, gallery: eyes.gallery }, mark),
  };
  return { training, promoted: async () => await promoting };
}
