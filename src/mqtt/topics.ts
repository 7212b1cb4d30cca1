/**
 * Every topic facelatch speaks on, pure: a prefix and a door go in, topic names come out. No topic is spelt anywhere else.
 *
 *     <prefix>/<door>/status          retained; last will: is the daemon there
 *     <prefix>/<door>/state/door      retained: is the lock released
 *     <prefix>/<door>/state/camera    retained: does the camera work
 *     <prefix>/<door>/state/mode      retained: does the door open by face
 *     <prefix>/<door>/event/<kind>    never retained: one journal entry; the dots of the kind are levels, as in event/access/granted
 *     <prefix>/<door>/probe           never retained: what `facelatch doctor` sends to see whether it may publish
 *
 * Room is left for <prefix>/<door>/command/….
 */
import type { EventKind } from '../access/port.ts';
import { Fault } from '../errors.ts';
import type { StateName } from './codec.ts';

export interface Topics {
  readonly status: string;
  readonly probe: string;
  /** Everything of this door, as a subscription. */
  readonly all: string;
  state(name: StateName): string;
  event(kind: EventKind): string;
}

/**
 * The topics of one door. Throws Fault `bad-config` when `prefix` (one or more levels) or `door` (one level of 1 to 64 characters)
 * cannot stand in a topic name: MQTT 5.0, section 4.7.
 */
export function topicsOf(prefix: string, door: string): Topics {
  const level = /^[^/+#\0]+$/;
  if (!level.test(door) || door.length > 64) {
    throw new Fault('bad-config', `"${door}" cannot name a door in a topic; set door.id to 1 to 64 characters without / + # and NUL.`);
  }
  if (!prefix.split('/').every((part) => level.test(part)) || prefix.startsWith('$')) {
    throw new Fault(
      'bad-config',
      `"${prefix}" cannot begin a topic; set mqtt.prefix to levels without + # and NUL, none empty, no $ first.`,
    );
  }
  const root = `${prefix}/${door}`;
  return {
    status: `${root}/status`,
    probe: `${root}/probe`,
    all: `${root}/#`,
    state: (name) => `${root}/state/${name}`,
    event: (kind) => `${root}/event/${kind.replaceAll('.', '/')}`,
  };
}
