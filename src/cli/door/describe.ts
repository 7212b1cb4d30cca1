/** A journal event in one readable line. */
import type { Event, Likeness, Requester } from '../../events.ts';
import { counted } from '../words.ts';

const likeness = (l: Likeness | undefined): string => (l ? `, likeness ${l.logit.toFixed(1)}` : '');
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

const who = (by: Requester): string => {
  if (by.kind === 'operator') return `${by.name} (${by.via})`;
  return by.kind === 'exit-button' ? 'the exit button' : `a keypad (${by.via})`;
};
const asked: Readonly<Record<Extract<Event, { kind: 'request.granted' }>['what'], string>> = {
  open: 'OPEN',
  hold: 'HELD OPEN',
  release: 'hold ended',
  arm: 'armed: faces may open',
  disarm: 'disarmed: no face opens',
  'lockout-reset': 'lock-out ended',
};

/** `nameOf` turns a person id into the name to show. */
export function describeEvent(event: Event, nameOf: (personId: string) => string): string {
  switch (event.kind) {
    case 'access.granted':
      return `OPEN for ${nameOf(event.personId)} (${event.votes} frames agreed${likeness(event.likeness)}, ${Math.round(event.ageMs)} ms after the frame)${event.visit === undefined ? '' : ` · visit ${event.visit}`}`;
    case 'access.denied':
      return `shut: ${event.reason}, ${event.detail}${likeness(event.likeness)}${event.bestPersonId === undefined ? '' : ` to ${nameOf(event.bestPersonId)}`}${event.visit === undefined ? '' : ` · visit ${event.visit}`}`;
    case 'relay.pulsed':
      return `relay pulsed for ${seconds(event.durationMs)}, ${event.captureToRelayMs === undefined ? 'asked for' : `${Math.round(event.captureToRelayMs)} ms after the frame`}`;
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
    case 'access.pending':
      return `${nameOf(event.personId)} recognised; ${event.needs === 'pin' ? 'a PIN' : 'a second person'} is needed within ${seconds(event.withinMs)}`;
    case 'pin.accepted':
      return `PIN of ${nameOf(event.personId)}; their face is needed within ${seconds(event.withinMs)}`;
    case 'request.granted':
      return `${asked[event.what]} by ${who(event.by)}${event.personId === undefined ? '' : `, PIN of ${nameOf(event.personId)}`}${event.durationMs === undefined ? '' : ` for ${seconds(event.durationMs)}`}`;
    case 'request.refused':
      return `refused to ${who(event.by)}: ${event.what}, ${event.reason}, ${event.detail}`;
    case 'hold.ended':
      return `hold ended after ${seconds(event.heldMs)} (${event.why})`;
    case 'door.opened':
      return event.expected ? 'door opened' : 'door opened without having been released';
    case 'door.closed':
      return `door closed after ${seconds(event.openMs)}`;
    case 'door.held-open':
      return `ALARM: the door has been open for ${seconds(event.openMs)}`;
    case 'door.forced-open':
      return 'ALARM: the door was opened without having been released';
    case 'tamper.raised':
      return `ALARM: tamper switch; face and remote opening blocked for ${seconds(event.blockedMs)}`;
    case 'tamper.cleared':
      return `tamper switch at rest again after ${seconds(event.afterMs)}`;
    case 'lockout.started':
      return `LOCKED OUT for ${seconds(event.durationMs)} after ${event.failures} failed presentations; PIN, button and remote opening go on`;
    case 'lockout.ended':
      return event.why === 'over' ? 'lock-out over' : 'lock-out reset';
    case 'clock.jumped':
      return `the clock jumped by ${seconds(event.byMs)}${event.sure ? '' : ' and is not known to be right: people with schedules or dates are denied'}`;
    case 'person.left':
      return `${nameOf(event.personId)} left, says ${who(event.by)}`;
    case 'person.ruled':
      return `rules of ${nameOf(event.personId)} changed: ${event.changed.join(', ')}`;
    case 'person.enrolled':
      return `${nameOf(event.personId)} enrolled with ${counted(event.pictures, 'picture')}${event.by === undefined ? '' : ` by ${event.by}`}`;
    case 'person.renamed':
      return `${nameOf(event.personId)} renamed`;
    case 'person.removed':
      return `${nameOf(event.personId)} removed`;
    case 'person.picture-removed':
      return `a picture of ${nameOf(event.personId)} removed by ${event.by}, ${event.left} left`;
    case 'setting.changed':
      return `${event.path} set to ${event.value} by ${event.by}, until the next start`;
    case 'training.started':
      return `training started: ${event.recipe} at the ${event.where}, for ${event.by}`;
    case 'training.ended':
      return `training ended after ${event.seconds} s, ${event.outcome}: ${event.detail}`;
    case 'model.promoted':
      return `network ${event.bundle.slice(0, 12)} (version ${event.version}) guards the door${event.forced ? ', FORCED' : ''}, by ${event.by}: ${event.detail}`;
    case 'model.refused':
      return `network ${event.bundle.slice(0, 12)} refused (${event.reason}): ${event.detail}`;
    case 'model.rolled-back':
      return `rolled back to ${event.bundle.slice(0, 12)} from ${event.from.slice(0, 12)} (${event.why}), by ${event.by}: ${event.detail}`;
    case 'model.proved':
      return `network ${event.bundle.slice(0, 12)} proved: it differed from the one before in ${event.disagreements} of ${event.decisions} decisions`;
    case 'model.added':
      return `network ${event.bundle.slice(0, 12)} (version ${event.version}) taken in from elsewhere by ${event.by}`;
    case 'model.removed':
      return `network ${event.bundle.slice(0, 12)} removed by ${event.by}`;
    case 'entry.marked':
      return `entry ${event.markedSeq} marked ${event.as} by ${event.by}${event.personId === undefined ? '' : `: ${nameOf(event.personId)}`}`;
    case 'picture.kept':
      return `${event.pictures === 1 ? 'a picture' : `${event.pictures} pictures`} of entry ${event.keptSeq} kept until ${event.until.slice(0, 10)}`;
    case 'message.refused':
      return `ALARM: the broker will never take the message of entry ${event.refusedSeq}: ${event.detail} (reason code ${event.code})`;
  }
}
