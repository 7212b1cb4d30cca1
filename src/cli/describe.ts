/** A journal event in one readable line. */
import type { Event, Likeness } from '../access/port.ts';
import { counted } from './words.ts';

const likeness = (l: Likeness | undefined): string => (l ? `, likeness ${l.logit.toFixed(1)}` : '');
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** `nameOf` turns a person id into the name to show. */
export function describeEvent(event: Event, nameOf: (personId: string) => string): string {
  switch (event.kind) {
    case 'access.granted':
      return `OPEN for ${nameOf(event.personId)} (${event.votes} frames agreed${likeness(event.likeness)}, ${Math.round(event.ageMs)} ms after the frame)${event.visit === undefined ? '' : ` · visit ${event.visit}`}`;
    case 'access.denied':
      return `shut: ${event.reason}, ${event.detail}${likeness(event.likeness)}${event.bestPersonId === undefined ? '' : ` to ${nameOf(event.bestPersonId)}`}${event.visit === undefined ? '' : ` · visit ${event.visit}`}`;
    case 'relay.pulsed':
      return `relay pulsed for ${seconds(event.durationMs)}, ${Math.round(event.captureToRelayMs)} ms after the frame`;
    case 'relay.failed':
      return `RELAY FAILED: ${event.detail}`;
    case 'camera.failed':
      return `camera failed (${event.code}): ${event.detail}; next try in ${seconds(event.retryInMs)}`;
    case 'camera.restored':
      return `camera is back after ${seconds(event.afterMs)}`;
    case 'reader.failed':
      return `face reader failed: ${event.detail}; next try in ${seconds(event.retryInMs)}`;
    case 'reader.restored':
      return `face reader is back after ${seconds(event.afterMs)}`;
    case 'daemon.started':
      return `started: facelatch ${event.version}, ${event.people} people, ${event.templates} templates, ${event.models.join(', ')}`;
    case 'daemon.stopped':
      return `stopped: ${event.reason}`;
    case 'person.enrolled':
      return `${nameOf(event.personId)} enrolled with ${counted(event.pictures, 'picture')}`;
    case 'person.renamed':
      return `${nameOf(event.personId)} renamed`;
    case 'person.removed':
      return `${nameOf(event.personId)} removed`;
    case 'setting.changed':
      return `${event.path} set to ${event.value} by ${event.by}, until the next start`;
    case 'message.refused':
      return `ALARM: the broker will never take the message of entry ${event.refusedSeq}: ${event.detail} (reason code ${event.code})`;
  }
}
