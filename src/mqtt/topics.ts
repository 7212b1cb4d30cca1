/**
 * Every topic of facelatch. In: a prefix and a door. Out: topic names. They are spelled nowhere else. Pure.
 *
 *     <prefix>/<door>/status          retained; last will: is the daemon running
 *     <prefix>/<door>/state/door      retained: is the lock released
 *     <prefix>/<door>/state/contact   retained: is the door open
 *     <prefix>/<door>/state/tamper    retained: is the case open
 *     <prefix>/<door>/state/counts    retained: people, templates, what the door did since its start
 *     <prefix>/<door>/state/model     retained: the embedder in use
 *     <prefix>/<door>/state/camera    retained: does the camera work
 *     <prefix>/<door>/state/face      retained: does a face open, or have too many attempts failed
 *     <prefix>/<door>/state/mode      retained: does the door open by face
 *     <prefix>/<door>/state/visitor   retained: what the visitor should do now
 *     <prefix>/<door>/state/spoof     retained: was a face taken for a picture a moment ago
 *     <prefix>/<door>/event/<kind>    never retained: one journal entry; dots in the kind are levels: event/door/opened
 *     <prefix>/<door>/probe           never retained: `facelatch doctor` tries here whether it may publish
 *     <prefix>/<door>/enrolment/<id>  never retained: the state of an enrolment session, each time it changes
 *     <prefix>/<door>/state/training  retained: the training job under way, or the last one
 *     <prefix>/<door>/training/<id>   never retained: the output of the training process, line by line
 *     <prefix>/<door>/cmd/<name>      to the door: one command; the dots in its name are levels: cmd/door/open
 *     <prefix>/<door>/cmd/self-test   from the door to itself: does the broker deliver commands
 *     <prefix>/<door>/cmd/home-assistant      from Home Assistant: the name of one command, plain and unsigned
 *     <prefix>/<door>/home-assistant/attempt  never retained: who was let in or denied, for the event entity
 *     <prefix>/<door>/home-assistant/person   never retained: who was let in
 *     <prefix>/<door>/home-assistant/image    never retained: the picture of the last attempt, if the owner allows it
 *     <prefix>/<door>/reply/…         never retained: the outcome of a command; its sender chooses the rest
 *
 * And, only where the door is announced to Home Assistant, two that belong to Home Assistant:
 *
 *     <discovery>/device/<id>/config  retained: the device and its entities
 *     <discovery>/status              from Home Assistant: `online` when it has started
 */
import { createHash } from 'node:crypto';
import { Fault } from '../base/errors.ts';
import type { EventKind } from '../events.ts';
import type { StateName } from './messages.ts';

export interface Topics {
  /** Of this door among all doors, and what it is to a broker. It depends on prefix and door only. */
  readonly id: string;
  readonly status: string;
  readonly probe: string;
  /** A subscription to everything of this door. */
  readonly all: string;
  state(name: StateName): string;
  /** Subscriptions to every state and to every event of this door. */
  readonly states: string;
  readonly events: string;
  event(kind: EventKind): string;
  enrolment(session: string): string;
  training(job: string): string;
  /** A subscription to every command to this door. */
  readonly commands: string;
  readonly selfTest: string;
  command(name: string): string;
  /** To the door: the name of a command, as Home Assistant sends it. */
  readonly pressed: string;
  /** For Home Assistant's entities. */
  homeAssistant(what: 'attempt' | 'person' | 'image'): string;
  /** Home Assistant's own topics under its discovery prefix. Throws Fault `bad-config`. */
  discovery(prefix: string): DiscoveryTopics;
  /** The command that a topic names; undefined where it names none. */
  commandOf(topic: string): string | undefined;
  /** A reply topic of one client. */
  reply(client: string): string;
  /** Whether replies may go there. The door publishes on its own topics only, whatever a request asks for. */
  isReply(topic: string): boolean;
}

export interface DiscoveryTopics {
  /** The id of this door among all devices. It depends on prefix and door only. */
  readonly id: string;
  readonly config: string;
  readonly birth: string;
}

/**
 * The topics of one door. Throws Fault `bad-config` when `prefix` (one or more levels) or `door` (one level of 1 to 64
 * characters) cannot be part of a topic name: MQTT 5.0, section 4.7.
 */
export function topicsOf(prefix: string, door: string): Topics {
  const level = /^[^/+#\0]+$/;
  if (!level.test(door) || door.length > 64) {
    throw new Fault(
      'bad-config',
      `"${door}" cannot be the name of a door in a topic; set door.id to 1 to 64 characters without / + # and NUL.`,
    );
  }
  if (!prefix.split('/').every((part) => level.test(part)) || prefix.startsWith('$')) {
    throw new Fault(
      'bad-config',
      `"${prefix}" cannot begin a topic; set mqtt.prefix to one or more levels without + # and NUL, none empty, without $ at the start.`,
    );
  }
  const root = `${prefix}/${door}`;
  // Home Assistant takes no other characters, nor does every broker. The digest keeps apart doors whose names become
  // the same.
  const digest = createHash('sha256').update(root).digest('hex').slice(0, 8);
  const id = `${root.replaceAll(/[^A-Za-z0-9_-]+/g, '-').slice(0, 80)}-${digest}`;
  return {
    id,
    status: `${root}/status`,
    probe: `${root}/probe`,
    all: `${root}/#`,
    state: (name) => `${root}/state/${name}`,
    states: `${root}/state/#`,
    events: `${root}/event/#`,
    event: (kind) => `${root}/event/${kind.replaceAll('.', '/')}`,
    enrolment: (session) => `${root}/enrolment/${session}`,
    training: (job) => `${root}/training/${job}`,
    commands: `${root}/cmd/#`,
    selfTest: `${root}/cmd/self-test`,
    command: (name) => `${root}/cmd/${name.replaceAll('.', '/')}`,
    pressed: `${root}/cmd/home-assistant`,
    homeAssistant: (what) => `${root}/home-assistant/${what}`,
    discovery: (discovery) => {
      if (!discovery.split('/').every((part) => level.test(part)) || discovery.startsWith('$')) {
        throw new Fault(
          'bad-config',
          `"${discovery}" cannot begin a topic; set mqtt.homeAssistant.prefix to one or more levels without + # and NUL, none empty, without $ at the start.`,
        );
      }
      return { id, config: `${discovery}/device/${id}/config`, birth: `${discovery}/status` };
    },
    commandOf: (topic) => {
      const name = topic.startsWith(`${root}/cmd/`) ? topic.slice(`${root}/cmd/`.length) : '';
      // A dot in the topic would be a second spelling of the same command, which the broker's access rules may not
      // cover.
      return name === '' || name.includes('.') ? undefined : name.replaceAll('/', '.');
    },
    reply: (client) => `${root}/reply/${client}`,
    isReply: (topic) =>
      topic.startsWith(`${root}/reply/`) &&
      topic.length <= 512 &&
      topic
        .slice(root.length + 7)
        .split('/')
        .every((part) => level.test(part)),
  };
}
