/**
 * What stands in the messages, pure: journal entries and states go in, UTF-8 JSON text comes out. People appear by id only.
 *
 * status          {"schema":1,"status":"online","at":"2026-01-31T08:00:00.000Z"}
 *                 {"schema":1,"status":"offline","reason":"stopped" | "lost"}   (`lost` is the last will: killed, or cut off)
 * state/door      {"schema":1,"state":"locked" | "released" | "unknown","at":"…"}   (`unknown`: the line of the lock is not held now)
 * state/camera    {"schema":1,"state":"working" | "failed","at":"…"}
 * state/mode      {"schema":1,"state":"armed" | "disarmed","at":"…"}
 * state/contact   {"schema":1,"state":"closed" | "open" | "unknown","at":"…"}       (where a door contact is wired)
 * state/tamper    {"schema":1,"state":"clear" | "raised" | "unknown","at":"…"}      (where a tamper switch is wired)
 * state/counts    {"schema":1,"people":3,"templates":15,"grants":0,"denials":0,"alarms":0,"at":"…"}
 * state/model     {"schema":1,"name":"twin","version":"1.0.0","latest":"1.0.0","at":"…"}
 * enrolment/<id>  {"schema":1,"session":"…","state":"collecting" | "taking" | "committed" | "aborted" | "expired","pictures":2, prompt, wanted,
 *                 last {accepted, source, reasons, detail, personId}, problem, "expiresAt":"…","at":"…"}
 * state/training  {"schema":1, id, recipe, where, by, state, stage, done, total, figures, startedAt, endedAt, bundle, detail, "at":"…"}
 * training/<id>   {"schema":1,"job":"…","line":"…","at":"…"}
 * event/…         {"schema":1,"id":"<UUID>","seq":17,"at":"…","door":"front-door","kind":"access.granted", …the event's fields}
 *                 `seq` counts the journal's entries from 1 without gaps and `at` is when the entry was written. Messages come at least
 *                 once and in order: drop those whose `seq` is not above the last one seen (a new `id` under an old `seq` is a new
 *                 journal). `"historical":true` stands in what is published late: never act on it as if it happened now.
 *   daemon.started   version, people, templates, threshold {policy, logit, fmr, extrapolated}, models
 *   daemon.stopped   reason
 *   camera.failed    code, detail, retryInMs
 *   camera.restored  afterMs
 *   reader.failed    detail, retryInMs
 *   reader.restored  afterMs
 *   access.granted   personId, likeness {logit, probability, share}, votes, capturedAtMs, capturedAt, ageMs, threshold {…}, visit
 *   access.denied    reason, detail, likeness {…}, bestPersonId, capturedAtMs, capturedAt, ageMs, failures, visit
 *   access.pending   personId, needs (pin | second-person), withinMs
 *   pin.accepted     personId, withinMs
 *   request.granted  what, by {kind, name, via, requestId}, durationMs, personId
 *   request.refused  what, by {…}, reason, detail
 *   hold.ended       heldMs, why
 *   door.opened      expected; door.closed openMs; door.held-open openMs (alarm); door.forced-open (alarm)
 *   tamper.raised    blockedMs (alarm); tamper.cleared afterMs
 *   lockout.started  failures, durationMs, level; lockout.ended why
 *   clock.jumped     byMs, sure
 *   person.left      personId, by {…}
 *   person.ruled     personId, changed
 *   relay.pulsed     grantSeq, durationMs, captureToRelayMs
 *   relay.failed     grantSeq, detail
 *   person.enrolled  personId, pictures, by (the operator, where it was done from afar)
 *   person.renamed   personId
 *   person.removed   personId
 *   person.picture-removed personId, left, by
 *   setting.changed  path, value, by
 *   training.started job, recipe, where, by; training.ended job, outcome, detail, bundle, seconds
 *   model.promoted   bundle, version, by, forced, detail; model.refused bundle, reason, detail; model.added bundle, version, by
 *   model.removed    bundle, by
 *   model.rolled-back bundle, from, why, by, detail; model.proved bundle, decisions, disagreements
 *   entry.marked     markedSeq, as, by, personId
 *   picture.kept     keptSeq, pictures, until   (of that entry; fetched with the command picture)
 *   message.refused  refusedSeq, code, detail   (the broker will never take the message of that entry)
 */
import type { Entry } from '../journal/port.ts';
import { eventFields, type StateName, type States } from './messages.ts';

/** The version of every payload; raised when a field changes its meaning or goes. */
export const schema = 1;

/** Longest text of a field, characters: a message never grows beyond what brokers take, which would hold up all after it. */
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

/** What of an entry leaves the house. */
export function publicEntry({ seq, id, at, event }: Entry, door: string): object {
  const allowed: object = eventFields[event.kind]?.properties ?? {};
  const fields = Object.entries(event).filter(([name]) => Object.hasOwn(allowed, name));
  // The door's monotonic clock means nothing outside: told too as the time of day.
  const capturedMs = 'ageMs' in event ? Date.parse(at) - event.ageMs : Number.NaN;
  const captured = Number.isFinite(capturedMs) ? { capturedAt: new Date(capturedMs).toISOString() } : {};
  const shortened = fields.map(([name, value]) => [name, typeof value === 'string' ? shorten(value) : value]);
  return { schema, id, seq, at, door, kind: event.kind, ...Object.fromEntries(shortened), ...captured };
}

/** The payload of a retained state. */
export function encodeState(state: States[StateName], nowMs: number): string {
  return JSON.stringify({ schema, ...(typeof state === 'string' ? { state } : state), at: new Date(nowMs).toISOString() });
}

/** The payload of an enrolment session's status, which holds no name. */
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

/** The payload of `status` when the daemon has gone. A last will is written beforehand, so it holds no time. */
export function encodeOffline(reason: 'stopped' | 'lost'): string {
  return JSON.stringify({ schema, status: 'offline', reason });
}

function shorten(text: string): string {
  return text.length <= maxText ? text : `${text.slice(0, maxText - 1).toWellFormed()}…`;
}
