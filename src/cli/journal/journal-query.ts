/** Which entries of the journal are meant: options of the command line in, a query out. */

import { Fault } from '../../base/errors.ts';
import { nearest } from '../../base/nearest.ts';
import type { EventKind } from '../../events.ts';
import type { Query } from '../../journal/port.ts';
import { eventKinds } from '../door/describe.ts';
import { findPerson } from '../person.ts';
import type { Names } from './journal-names.ts';

/** What people ask for, as they write it. */
export interface JournalFilter {
  readonly person?: string;
  readonly kind?: readonly string[];
  readonly since?: string;
  readonly until?: string;
  readonly limit: number;
}

/** Throws Fault `bad-argument` for something that is not a kind or a time, and what `findPerson` throws. */
export function queryOf({ person, kind, since, until, limit }: JournalFilter, names: Names, nowMs: number): Query {
  return {
    limit,
    ...(person === undefined ? {} : { personId: personIdOf(person, names) }),
    ...(kind ? { kinds: kind.flatMap(kindsOf) } : {}),
    ...(since === undefined ? {} : { since: timeOf('--since', since, nowMs) }),
    ...(until === undefined ? {} : { until: timeOf('--until', until, nowMs) }),
  };
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The journal knows a removed person by id alone. */
function personIdOf(idOrName: string, names: Names): string {
  return uuid.test(idOrName) ? idOrName : findPerson(names, idOrName).id;
}

function kindsOf(text: string): EventKind[] {
  const found = eventKinds.filter((kind) => kind === text || kind.startsWith(`${text}.`));
  if (found.length > 0) return found;
  throw new Fault(
    'bad-argument',
    `There is no kind of event "${text}"${nearest(text, [...eventKinds, ...new Set(eventKinds.map((kind) => kind.split('.')[0] ?? kind))]) || `: choose from ${eventKinds.join(', ')}`}`,
  );
}

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** A time as ISO 8601 in UTC, from ISO 8601 or a time ago. */
function timeOf(option: string, text: string, nowMs: number): string {
  const [, count, unit = ''] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  const ms = count ? nowMs - Number(count) * (unitMs[unit] ?? 0) : Date.parse(text);
  if (/^\d{4}-|^\d+[smhdw]$/.test(text) && !Number.isNaN(ms)) return new Date(ms).toISOString();
  throw new Fault('bad-argument', `${option} takes a time such as 2026-01-31, 2026-01-31T08:00 or 2d (two days ago), not "${text}"`);
}
