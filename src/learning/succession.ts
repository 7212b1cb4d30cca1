/**
 * Which network guards the door after which: what is promoted or taken back, here or by another process, goes in.
 * From the next frame on another network looks, on probation. A champion that is damaged or not to be trusted gives
 * way to the one before it. learning/open.ts opens it; it owns the promotion and the probation.
 */
import { readerOf, renewTemplates } from '../adapters/basics.ts';
import { Fault, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { type SerialQueue, serialQueue } from '../base/serial.ts';
import type { Clock } from '../base/time.ts';
import type { FaceReader } from '../face/port.ts';
import type { Guard } from '../retrain/promotion.ts';
import type { Config } from '../settings/load.ts';
import type { Eyes } from './eyes.ts';
import { guardOf, openGuard } from './parts.ts';
import { openProbation, type Probation } from './probation.ts';
import { openPromotion, type PromotionOptions, type PromotionRoom } from './promotion.ts';

export interface Succession extends PromotionRoom {
  readonly probation: Probation;
  /** Begins to take over what another process promoted or took back, if anything. Throws Faults of the registry. */
  follow(): void;
  /** Resolves when what others changed so far is taken over. */
  followed(): Promise<void>;
  /** A reader for the network that guards, after it died; the network before it where it is damaged. */
  reopen(): Promise<FaceReader>;
}

export interface SuccessionParts extends Pick<PromotionOptions, 'retraining' | 'workshop' | 'untilQuiet' | 'record' | 'signal'> {
  readonly config: Config;
  readonly eyes: Eyes;
  readonly clock: Clock;
  readonly log: Log;
}

interface State extends SuccessionParts {
  readonly room: PromotionRoom;
  readonly probation: Probation;
  readonly inTurn: SerialQueue;
  seenChanges: number;
  /** What could not be taken over is tried again then. */
  notBeforeMs: number;
}

const theDoor = 'the door';
const retryMs = 60_000;
/** No number of changes. */
const none = -1;

export function openSuccession(parts: SuccessionParts): Succession {
  const { config, retraining, eyes, record, workshop, untilQuiet, signal } = parts;
  const room = openPromotion(config, {
    ...{ retraining, gallery: eyes.gallery, workshop, record, untilQuiet, signal },
    running: {
      openGuard: (id) => guardFor(parts, id),
      release: (guard) => release(parts, guard),
      take: (guard) => take(state, guard),
    },
  });
  const onGoBack = async (detail: string) => void (await room.promotion.rollback(theDoor, 'disagreement', detail));
  const probation = openProbation({ ...parts, onGoBack });
  const state: State = { ...parts, room, probation, inTurn: serialQueue(), seenChanges: retraining.registry.changes, notBeforeMs: 0 };
  return {
    ...room,
    probation,
    follow: () => follow(state),
    followed: () => state.inTurn(() => undefined),
    reopen: () => reopen(state),
  };
}

/** The guard that is open already, or a new one. */
async function guardFor({ config, retraining, eyes, clock }: SuccessionParts, id: string): Promise<Guard> {
  if (eyes.before?.id === id) return eyes.before;
  return eyes.current.id === id ? eyes.current : await openGuard(config, retraining, id, clock);
}

/** One that looks already stays open. */
async function release({ eyes }: SuccessionParts, guard: Guard): Promise<void> {
  if (guard !== eyes.before && guard !== eyes.current) await guard[Symbol.asyncDispose]();
}

function take(state: State, guard: Guard): void {
  const { retraining, eyes, log, probation } = state;
  state.seenChanges = retraining.registry.changes;
  probation.giveUp();
  const turned = eyes.turnTo(guard);
  log.info({ network: guard.id, templates: guard.gallery.templates }, 'another network guards the door');
  probation.begin();
  // After a step back, the network that failed is not kept open.
  void turned
    .then(() => (probation.watched ? undefined : eyes.drop()))
    .catch((error) => log.error({ err: messageOf(error) }, 'a network cannot be closed'));
}

function follow(state: State): void {
  const { retraining, clock, log } = state;
  if (retraining.registry.changes === state.seenChanges || clock.now() < state.notBeforeMs) return;
  void state
    .inTurn(() => takeOver(state))
    .catch((error) => {
      Object.assign(state, { seenChanges: none, notBeforeMs: clock.now() + retryMs });
      log.warn({ err: messageOf(error), retryInMs: retryMs }, 'a promoted network cannot be taken over now');
    });
}

/** What another process promoted or took back. */
async function takeOver(state: State): Promise<void> {
  const { retraining, eyes, untilQuiet, room } = state;
  const { registry } = retraining;
  if (registry.changes === state.seenChanges) return;
  state.seenChanges = registry.changes;
  const wanted = registry.champion()?.id ?? 'base';
  if (wanted === eyes.current.id) return;
  if (wanted !== 'base') {
    const verdict = await registry.verify(wanted);
    if (!verdict.ok) return void (await room.promotion.rollback(theDoor, 'damaged', verdict.detail));
  }
  const guard = await guardFor(state, wanted);
  try {
    if (guard.gallery.stale > 0) await renewTemplates(guard.gallery, guard.reader, untilQuiet);
  } catch (error) {
    await release(state, guard);
    throw error;
  }
  if ((registry.champion()?.id ?? 'base') === wanted) take(state, guard);
  else await release(state, guard);
}

async function reopen({ config, retraining, eyes, room }: State): Promise<FaceReader> {
  const { id, gallery } = eyes.current;
  try {
    eyes.replace(guardOf(id, await readerOf(config, retraining.placeOf(id)), gallery));
  } catch (error) {
    const damaged = error instanceof Fault && ['model-damaged', 'model-missing', 'model-unfit'].includes(error.code);
    if (id === 'base' || !damaged || !(await room.promotion.rollback(theDoor, 'damaged', messageOf(error)))) throw error;
  }
  return eyes.reader;
}
