/**
 * The opened house from its start to its stop: every loop begins; when one ends or the signal comes, the lock is made
 * safe, the stop is journalled, and publishing ends last.
 */
import type { Entrance } from '../access/entrance.ts';
import { messageOf } from '../base/errors.ts';
import { systemClock } from '../base/time.ts';
import { followJournal } from '../journal/follow.ts';
import { tellLocked } from './locked.ts';
import type { Loops } from './loops.ts';
import type { PublishingParts } from './publishing.ts';
import type { Rooms } from './rooms.ts';
import { startedEvent } from './standing.ts';

export interface RunningParts extends PublishingParts {
  readonly entrance: Entrance;
  readonly loops: Loops;
}

/** `unlocked`: the vault is open now, and the house is to be opened again with its people. */
export type HouseEnd = 'over' | 'unlocked';

/** Runs until `signal` is aborted, a replay has been played to its end, or a locked vault is unlocked. */
export async function runHouse(rooms: Rooms, parts: RunningParts, signal: AbortSignal): Promise<HouseEnd> {
  const { config, relay, listeners } = rooms;
  const { controller } = parts.entrance;
  signal.addEventListener('abort', () => listeners.serviceManager?.stopping(), { once: true });
  controller.record(startedEvent(rooms));
  tellLocked(rooms, controller.record);
  // Publishing ends last, so that the broker hears of the stop too.
  const over = new AbortController();
  const following = followJournalled(rooms, over.signal);
  if (config.mqtt.enabled) rooms.publishing = (await import('./publishing.ts')).openPublishing(rooms, parts, over.signal);
  const { signal: reopened } = rooms.reopen;
  const isUnlocked = () => reopened.aborted && !signal.aborted;
  try {
    await runLoops(rooms, parts, AbortSignal.any([signal, reopened]));
    return isUnlocked() ? 'unlocked' : 'over';
  } finally {
    await relay.safe();
    controller.record({
      kind: 'daemon.stopped',
      reason: signal.aborted ? messageOf(signal.reason) : isUnlocked() ? 'the vault was unlocked' : 'replay ended',
    });
    rooms.publishing?.showStates();
    over.abort();
    await rooms.publishing?.done;
    await following;
  }
}

/** Until the signal, or until one of them ends. */
async function runLoops({ learning, infrared, log }: Rooms, { loops, entrance }: RunningParts, signal: AbortSignal): Promise<void> {
  const played = new AbortController();
  const both = AbortSignal.any([signal, played.signal]);
  const learns = learning?.run(both).catch((error) => {
    // The door does not depend on it.
    log.fatal({ room: 'retrain', err: error }, 'learning has ended by a mistake in the program');
  });
  await Promise.all([loops.run(both).finally(() => played.abort()), entrance.watchInputs(both), learns, infrared?.run(both)]);
}

/** For metrics and console. */
function followJournalled({ metrics, console: web, journal, log }: Rooms, signal: AbortSignal): Promise<void> | undefined {
  if (!metrics && !web) return undefined;
  return followJournal({
    ...{ journal, signal },
    clock: systemClock,
    log: log.child({ room: 'host' }),
    after: journal.head,
    onEntry: (entry) => {
      metrics?.event(entry.event);
      web?.happened(entry.event, entry);
    },
  });
}
