/**
 * The path of an event: what happened at the door goes in, with its journal entry if it has one; everybody who
 * listens is told.
 */
import type { Event } from '../events.ts';
import type { Entry } from '../journal/port.ts';
import type { Rooms } from './rooms.ts';

/** What somebody should look at. */
const alarms: ReadonlySet<Event['kind']> = new Set([
  'door.held-open',
  'door.forced-open',
  'tamper.raised',
  'relay.failed',
  'access.stopped',
  'gallery.lost',
  'gallery.row-refused',
  'key.refused',
  'vault.replaced',
  'disk.budget-exceeded',
]);

export function tellEvent(
  { listeners, counts, publishing, learning, evidence, metrics, infrared, facing, liveness, console: web }: Rooms,
  event: Event,
  entry: Entry | undefined,
): void {
  listeners.onEvent?.(event, entry);
  if (event.kind === 'access.granted') {
    counts.grants++;
    if (facing) void infrared?.confirmed(facing);
  }
  if (event.kind === 'access.denied') counts.denials++;
  if (alarms.has(event.kind)) counts.alarms++;
  publishing?.event(event, entry);
  evidence?.journalled(event);
  if (entry) liveness?.journalled(event, entry);
  if (entry) learning?.journalled(event, entry);
  // Journalled events reach metrics and console from the journal, with those that learning and other processes write.
  else {
    metrics?.event(event);
    web?.happened(event, undefined);
  }
}
