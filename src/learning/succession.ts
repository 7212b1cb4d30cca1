/**
 * Which network guards the door after which: what is promoted or taken back, here or by another process, goes in; from the next frame on another network looks, on
 * probation. A champion that is damaged or not to be trusted gives way to the one before it.
 */
import { readerOf, renewTemplates } from '../adapters/basics.ts';
import { Fault, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Clock } from '../base/time.ts';
import type { FaceReader } from '../face/port.ts';
import type { Promotion, Twin } from '../retrain/promotion.ts';
import type { Config } from '../settings/load.ts';
import type { Eyes } from './guard.ts';
import { openTwin, type PromotionOptions, promotionFor, twinOf } from './parts.ts';
import { type OnProbation, onProbation } from './probation.ts';

export interface Succession {
  readonly promotion: Promotion;
  readonly probation: OnProbation;
  /** Begins to take over what another process promoted or took back, if anything. Throws Faults of the registry. */
  follow(): void;
  /** Resolves when what others changed so far is taken over. */
  followed(): Promise<void>;
  /** A reader for the network that guards, after it died; the network before it where it is damaged. */
  reopen(): Promise<FaceReader>;
}

export interface SuccessionParts extends Pick<PromotionOptions, 'retraining' | 'samples' | 'process' | 'untilQuiet' | 'record' | 'signal'> {
  readonly config: Config;
  readonly eyes: Eyes;
  readonly clock: Clock;
  readonly log: Log;
}

const theDoor = 'the door';

export function succession(parts: SuccessionParts): Succession {
  const { config, retraining, samples, process, eyes, clock, log, untilQuiet, record, signal } = parts;
  const { registry } = retraining;
  let seenChanges = registry.changes;
  let followed: Promise<void> = Promise.resolve();

  const onGoBack = (detail: string) => void promotion.rollback(theDoor, 'disagreement', detail);
  const probation = onProbation({ config, retraining, eyes, clock, log, record, onGoBack });
  const open = async (id: string): Promise<Twin> =>
    eyes.before?.id === id ? eyes.before : eyes.current.id === id ? eyes.current : await openTwin(config, retraining, id, clock);

  const take = (twin: Twin) => {
    seenChanges = registry.changes;
    probation.giveUp();
    const turned = eyes.turnTo(twin);
    log.info({ network: twin.id, templates: twin.gallery.templates }, 'another network guards the door');
    probation.begin();
    // One that was gone back from is not kept.
    void turned
      .then(() => (probation.watched ? undefined : eyes.drop()))
      .catch((error) => log.error({ err: messageOf(error) }, 'a network cannot be closed'));
  };
  const promotion: Promotion = promotionFor(config, {
    ...{ retraining, samples, process, untilQuiet, take, record, signal },
    guarding: () => eyes.current.gallery,
    openTwin: open,
  });

  /** What another process promoted or took back. */
  const takeOver = async () => {
    if (registry.changes === seenChanges) return;
    seenChanges = registry.changes;
    const wanted = registry.champion()?.id ?? 'base';
    if (wanted === eyes.current.id) return;
    if (wanted !== 'base') {
      const verdict = await registry.verify(wanted);
      if (!verdict.ok) return void (await promotion.rollback(theDoor, 'damaged', verdict.detail));
    }
    const twin = await open(wanted);
    if (twin.gallery.stale > 0) await renewTemplates(twin.gallery, twin.reader, untilQuiet);
    if ((registry.champion()?.id ?? 'base') === wanted) take(twin);
    else if (twin !== eyes.before) await twin[Symbol.asyncDispose]();
  };

  return {
    promotion,
    probation,
    follow: () => {
      if (registry.changes !== seenChanges)
        followed = followed
          .then(takeOver)
          .catch((error) => log.warn({ err: messageOf(error) }, 'a promoted network cannot be taken over now'));
    },
    followed: () => followed,
    reopen: async () => {
      const { id, gallery } = eyes.current;
      try {
        eyes.replace(twinOf(id, await readerOf(config, retraining.folderOf(id)), gallery));
      } catch (error) {
        const damaged = error instanceof Fault && ['model-damaged', 'model-missing', 'model-unfit'].includes(error.code);
        if (id === 'base' || !damaged || !(await promotion.rollback(theDoor, 'damaged', messageOf(error)))) throw error;
      }
      return eyes.reader;
    },
  };
}

type FirstParts = Pick<SuccessionParts, 'config' | 'retraining' | 'clock' | 'log' | 'record'>;

/**
 * What guards at the start: the champion, or, where it is damaged or not to be trusted, what was before it; the pointer follows. Throws what opening the configured
 * network throws.
 */
export async function firstTwin({ config, retraining, clock, log, record }: FirstParts): Promise<Twin> {
  const { registry } = retraining;
  if (retraining.movedAway !== undefined) {
    const detail = `the registry was damaged and is now ${retraining.movedAway}; trained networks must be added anew`;
    log.error({ file: retraining.movedAway }, 'ALARM: the registry of trained networks was damaged and moved away');
    record({ kind: 'model.rolled-back', bundle: 'base', from: 'unknown', why: 'damaged', by: theDoor, detail });
  }
  for (let champion = registry.champion(); champion; champion = registry.champion()) {
    const verdict = await registry.verify(champion.id);
    try {
      if (verdict.ok) return await openTwin(config, retraining, champion.id, clock);
    } catch (error) {
      if (!(error instanceof Fault && error.code.startsWith('model-'))) throw error;
      log.error({ network: champion.id, code: error.code, err: error.message }, 'the champion cannot be opened');
    }
    const detail = verdict.ok ? 'it cannot be opened' : `${verdict.reason}: ${verdict.detail}`;
    log.error(
      { network: champion.id, detail },
      'ALARM: the trained network in use is damaged or not to be trusted; the one before it guards the door',
    );
    const back = registry.rollback(`damaged: ${detail}`);
    if (!back) break;
    const bundle = back.to === 'base' ? 'base' : back.to.id;
    record({ kind: 'model.rolled-back', bundle, from: champion.id, why: 'damaged', by: theDoor, detail });
  }
  return openTwin(config, retraining, 'base', clock);
}
