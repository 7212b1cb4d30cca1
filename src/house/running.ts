/**
 * The opened house from its start to its stop: every loop begins, and where one ends or the signal comes, the lock is made safe, the stop is journalled, and publishing
 * ends last.
 */
import type { Entrance } from '../access/entrance.ts';
import type { ServedMetrics } from '../adapters/host.ts';
import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { systemClock } from '../base/time.ts';
import type { Event } from '../events.ts';
import { followJournal } from '../journal/follow.ts';
import type { Journal } from '../journal/port.ts';
import type { Learning } from '../learning/open.ts';
import type { Relay } from '../relay/port.ts';
import type { Loops } from './loops.ts';
import type { Publishing, PublishingParts } from './publishing.ts';

export interface RunningParts {
  readonly journal: Journal;
  readonly relay: Relay;
  readonly entrance: Entrance;
  readonly loops: Loops;
  readonly learning: Learning | undefined;
  readonly publishing: Publishing;
  /** What publishing tells of. */
  readonly told: Omit<PublishingParts, 'log' | 'signal'>;
  readonly metrics: ServedMetrics | undefined;
  readonly log: Log;
}

/** Runs until `signal` is aborted or a replay has been played to its end. */
export async function runHouse(
  parts: RunningParts,
  started: Extract<Event, { kind: 'daemon.started' }>,
  signal: AbortSignal,
): Promise<void> {
  const { journal, relay, entrance, loops, learning, publishing, told, metrics, log } = parts;
  const { controller } = entrance;
  controller.record(started);
  // Publishing ends last, so that the broker hears of the stop too.
  const over = new AbortController();
  const following =
    metrics &&
    followJournal({
      journal,
      clock: systemClock,
      log: log.child({ room: 'host' }),
      after: journal.head,
      signal: over.signal,
      onEntry: ({ event }) => metrics.event(event),
    });
  publishing.begin({ ...told, log: log.child({ room: 'mqtt' }), signal: over.signal });
  try {
    const played = new AbortController();
    const both = AbortSignal.any([signal, played.signal]);
    const learns = learning?.run(both).catch((error) => {
      // The door does not depend on it.
      log.fatal({ room: 'retrain', err: error }, 'learning has ended by a mistake in the program');
    });
    await Promise.all([loops.run(both).finally(() => played.abort()), entrance.watchInputs(both), learns]);
  } finally {
    await relay.safe();
    controller.record({ kind: 'daemon.stopped', reason: signal.aborted ? messageOf(signal.reason) : 'replay ended' });
    publishing.showStates();
    over.abort();
    await publishing.done();
    await following;
  }
}
