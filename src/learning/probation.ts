/**
 * A champion on probation: watched beside the network before it, over restarts too, until it has proved itself or the two differ too often. Frames and decisions go in; the
 * registry's note of the probation, and a wish to go back, come out.
 */

import type { Observation } from '../access/port.ts';
import { Fault } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Clock } from '../base/time.ts';
import type { Event } from '../events.ts';
import { identify } from '../identity/threshold.ts';
import type { Config } from '../settings/load.ts';
import type { Eyes } from './guard.ts';
import { openTwin, type Retraining } from './parts.ts';
import { type Beside, watchBeside } from './second-opinion.ts';

export interface OnProbationParts {
  readonly config: Config;
  readonly retraining: Retraining;
  readonly eyes: Eyes;
  readonly clock: Clock;
  readonly log: Log;
  readonly record: (event: Event) => void;
  readonly onGoBack: (detail: string) => void;
}

export interface OnProbation {
  /** Whether a champion is watched now. */
  readonly watched: boolean;
  /** Where the champion is on probation and the one before it open: from now on both look. */
  begin(): void;
  /** The champion is none any more. */
  giveUp(): void;
  /** After a start in the middle of a probation, the network before is opened again. */
  resume(): Promise<void>;
  looked(moment: Observation): void;
  decided(event: Event, atMs: number): void;
  /** Resolves when what was begun is done. */
  end(): Promise<void>;
}

export function onProbation({ config, retraining, eyes, clock, log, record, onGoBack }: OnProbationParts): OnProbation {
  const { registry } = retraining;
  let beside: Beside | undefined;
  const begin = () => {
    const { probation } = registry;
    const other = eyes.before;
    if (!probation || !other || eyes.current.id === 'base') return;
    const { decisions, maxDisagreement } = config.retrain;
    beside = watchBeside({
      other,
      rules: { decisions, maxDisagreement, absenceMs: config.access.absenceMs },
      registry,
      from: probation,
      identify: (matches, { gallery }) => identify(matches, gallery.threshold, config.identity.ambiguityMargin),
      onProved: (count) => {
        registry.setProbation(undefined);
        record({ kind: 'model.proved', bundle: eyes.current.id, ...count });
        void eyes.drop();
      },
      onGoBack,
      log,
    });
  };
  return {
    get watched() {
      return beside !== undefined;
    },
    begin,
    giveUp: () => {
      void beside?.end();
      beside = undefined;
    },
    resume: async () => {
      const before = registry.before();
      if (!registry.probation || !before || eyes.current.id === 'base' || eyes.before) return;
      try {
        eyes.keepBeside(await openTwin(config, retraining, before === 'base' ? 'base' : before.id, clock));
        begin();
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        log.warn({ code: error.code, err: error.message }, 'the network before cannot be watched beside the new one');
      }
    },
    looked: (moment) => beside?.looked(moment),
    decided: (event, atMs) => beside?.decided(event, atMs),
    end: async () => await beside?.end(),
  };
}
