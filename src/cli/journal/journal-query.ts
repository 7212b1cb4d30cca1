/** Which entries of the journal are meant: options of the command line go in, a query comes out. */

import { Fault } from '../../base/errors.ts';
import type { EventKind } from '../../events.ts';
import type { Query } from '../../journal/port.ts';
import { findPerson } from '../person.ts';
import type { Names } from './journal-names.ts';

/** What people give, as they give it. */
export interface Wanted {
  readonly person?: string;
  readonly kind?: readonly string[];
  readonly since?: string;
  readonly until?: string;
  readonly limit: number;
}

/** Throws Fault `bad-argument` for a kind or time that is none, and what `findPerson` throws. */
export function queryOf({ person, kind, since, until, limit }: Wanted, names: Names, nowMs: number): Query {
  return {
    limit,
    ...(person === undefined ? {} : { personId: personIdOf(person, names) }),
    ...(kind ? { kinds: kind.flatMap(kindsOf) } : {}),
    ...(since === undefined ? {} : { since: timeOf('--since', since, nowMs) }),
    ...(until === undefined ? {} : { until: timeOf('--until', until, nowMs) }),
  };
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Somebody removed is known to the journal by id alone. */
function personIdOf(idOrName: string, names: Names): string {
  return uuid.test(idOrName) ? idOrName : findPerson(names, idOrName).id;
}

/** Every kind of event; the compiler holds it to the access room's list. */
export const kinds: Readonly<Record<EventKind, true>> = {
  'access.granted': true,
  'access.denied': true,
  'relay.pulsed': true,
  'relay.failed': true,
  'person.enrolled': true,
  'person.renamed': true,
  'person.removed': true,
  'person.picture-removed': true,
  'camera.failed': true,
  'camera.restored': true,
  'reader.failed': true,
  'reader.restored': true,
  'daemon.started': true,
  'daemon.stopped': true,
  'setting.changed': true,
  'message.refused': true,
  'access.pending': true,
  'pin.accepted': true,
  'request.granted': true,
  'request.refused': true,
  'hold.ended': true,
  'door.opened': true,
  'door.closed': true,
  'door.held-open': true,
  'door.forced-open': true,
  'tamper.raised': true,
  'tamper.cleared': true,
  'lockout.started': true,
  'lockout.ended': true,
  'clock.jumped': true,
  'person.left': true,
  'person.ruled': true,
  'training.started': true,
  'training.ended': true,
  'model.promoted': true,
  'model.refused': true,
  'model.rolled-back': true,
  'model.proved': true,
  'model.added': true,
  'model.removed': true,
  'entry.marked': true,
  'picture.kept': true,
};

function kindsOf(text: string): EventKind[] {
  const all = Object.keys(kinds) as EventKind[];
  const found = all.filter((kind) => kind === text || kind.startsWith(`${text}.`));
  if (found.length > 0) return found;
  throw new Fault('bad-argument', `There is no kind of event "${text}"; there are ${all.join(', ')}`);
}

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** A time as ISO 8601 in UTC, from ISO 8601 or a time ago. */
function timeOf(option: string, text: string, nowMs: number): string {
  const [, count, unit = ''] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  const ms = count ? nowMs - Number(count) * (unitMs[unit] ?? 0) : Date.parse(text);
  if (/^\d{4}-|^\d+[smhdw]$/.test(text) && !Number.isNaN(ms)) return new Date(ms).toISOString();
  throw new Fault('bad-argument', `${option} takes a time such as 2026-01-31, 2026-01-31T08:00 or 2d (two days ago), not "${text}"`);
}
