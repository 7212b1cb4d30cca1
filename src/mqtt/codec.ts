/**
 * The payloads of messages. In: journal entries, states, statuses. Out: UTF-8 JSON text, in the form that messages.ts
 * describes and docs/asyncapi.json documents. People appear by id only. Pure.
 */
import { isObjectSchema, type TObject } from '../base/schema.ts';
import type { Entry } from '../journal/port.ts';
import { eventFields, type StateName, type States } from './messages.ts';

/** The version of every payload. It is raised when a field changes its meaning or is removed. */
const schema = 1;

/** Longest text of a field, characters: a message that the broker does not take would hold up those after it. */
const maxText = 1000;

export interface EntryContext {
  readonly door: string;
  /** Wall-clock milliseconds since 1970. */
  readonly nowMs: number;
  /** An entry older than this is marked as historical, milliseconds. */
  readonly historicalAfterMs: number;
}

/** The payload of an event's message. */
export function encodeEntry(entry: Entry, { door, nowMs, historicalAfterMs }: EntryContext): string {
  const late = nowMs - Date.parse(entry.at) > historicalAfterMs;
  return JSON.stringify({ ...publicEntry(entry, door), ...(late && { historical: true }) });
}

/** What leaves the house of an entry: the fields that messages.ts lists. */
export function publicEntry({ seq, id, at, event, hash, checkpoint }: Entry, door: string): object {
  const fields = listed(event, eventFields[event.kind]);
  // The door's monotonic clock means nothing outside, so the capture is told as a time of day too.
  const capturedMs = 'ageMs' in event ? Date.parse(at) - event.ageMs : Number.NaN;
  const captured = Number.isFinite(capturedMs) ? { capturedAt: new Date(capturedMs).toISOString() } : {};
  return {
    schema,
    id,
    seq,
    at,
    hash,
    ...(checkpoint && { checkpoint }),
    door,
    kind: event.kind,
    ...fields,
    ...captured,
  };
}

/** What the schema lists of a value, and of the objects in it. */
function listed(value: object, { properties }: Pick<TObject, 'properties'> = { properties: {} }): object {
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, field]): [string, unknown][] => {
      const form = Object.hasOwn(properties, name) ? properties[name] : undefined;
      if (!form) return [];
      if (typeof field === 'string') return [[name, shorten(field)]];
      const isListed = typeof field === 'object' && field !== null && isObjectSchema(form);
      return [[name, isListed ? listed(field, form) : field]];
    }),
  );
}

/** The payload of a retained state. */
export function encodeState(state: States[StateName], nowMs: number): string {
  return JSON.stringify({ schema, ...(typeof state === 'string' ? { state } : state), at: new Date(nowMs).toISOString() });
}

/** The payload of an enrolment session's status; it holds no name. */
export function encodeEnrolment(status: { readonly session: string; readonly state: string }, nowMs: number): string {
  return JSON.stringify({ schema, ...status, at: new Date(nowMs).toISOString() });
}

/** The payload of one line of a training. */
export function encodeTrainingLine(job: string, line: string, nowMs: number): string {
  return JSON.stringify({ schema, job, line: shorten(line), at: new Date(nowMs).toISOString() });
}

/** The payload of `status` while the daemon is there. */
export function encodeOnline(nowMs: number): string {
  return JSON.stringify({ schema, status: 'online', at: new Date(nowMs).toISOString() });
}

/** The payload of `status` when the daemon is gone. The last will is written beforehand, so it holds no time. */
export function encodeOffline(reason: 'stopped' | 'lost'): string {
  return JSON.stringify({ schema, status: 'offline', reason });
}

function shorten(text: string): string {
  return text.length <= maxText ? text : `${text.slice(0, maxText - 1).toWellFormed()}…`;
}
