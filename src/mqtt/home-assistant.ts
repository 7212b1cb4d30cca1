/**
 * The door as Home Assistant sees it. In: the settings, events, and what Home Assistant sends. Out: the payload of
 * the device discovery, the messages for its entities, and the name of a command. Pure.
 * https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload
 */
import type { Static } from '../base/schema.ts';
import type { Event, LikenessBand, PersonId } from '../events.ts';
import { type attemptMessage, attemptTypes, type personMessage, visitorStates } from './messages.ts';
import type { Topics } from './topics.ts';

export interface HomeAssistantOptions {
  readonly topics: Topics;
  /** Home Assistant's discovery prefix. */
  readonly prefix: string;
  readonly door: string;
  /** The version of facelatch. */
  readonly version: string;
  /** The inputs that are wired. */
  readonly inputs: readonly ('contact' | 'tamper')[];
  readonly person: 'off' | 'id' | 'name';
  readonly image: boolean;
  /** The commands that this door takes without a signature. */
  readonly allowed: readonly string[];
}

/** Home Assistant cannot sign, so it can send only these, and each only where mqtt.allowUnsigned names it. */
export const pressable = ['door.open', 'door.release', 'arm', 'disarm', 'lockout.reset'] as const;

/** The command that a message from Home Assistant asks for; undefined where it may not send it. */
export function pressedCommand(payload: Uint8Array): string | undefined {
  if (payload.length > 32) return undefined;
  const text = Buffer.from(payload).toString('latin1');
  return pressable.find((name) => name === text);
}

type Component = Readonly<Record<string, unknown>> & { readonly platform: string };

/** The retained message that creates the device, with its topic. */
export function discoveryMessage(options: HomeAssistantOptions): { readonly topic: string; readonly payload: string } {
  const { topics, prefix, door, version } = options;
  const { id, config } = topics.discovery(prefix);
  const payload = {
    device: { identifiers: [id], name: door, manufacturer: 'facelatch', model: 'Door that knows faces', sw_version: version },
    origin: { name: 'facelatch', sw_version: version },
    // When the daemon is gone (its last will), the states that it published last mean nothing.
    availability: [{ topic: topics.status, value_template: '{{ value_json.status }}' }],
    components: Object.fromEntries(
      Object.entries(components(options)).map(([name, { shown, ...component }]) => [
        name,
        // Home Assistant removes a component that has nothing but its platform. A trigger is no entity: it has no id.
        !shown
          ? { platform: component.platform }
          : component.platform === trigger
            ? component
            : { unique_id: `${id}-${name}`, ...component },
      ]),
    ),
  };
  return { topic: config, payload: JSON.stringify(payload) };
}

const trigger = 'device_automation';

type Components = Readonly<Record<string, Component & { readonly shown: boolean }>>;

const components = (options: HomeAssistantOptions): Components => ({
  ...entrances(options),
  ...problems(options),
  ...figures(options),
  ...controls(options),
});

/** What an entity needs to send a command. */
const command = ({ pressed }: Topics) => ({ command_topic: pressed, qos: 0, retain: false });

/** The lock, and who came. */
const entrances = ({ topics, image }: HomeAssistantOptions): Components => ({
  lock: {
    shown: true,
    platform: 'lock',
    // The main entity: it has the name of the device.
    name: null,
    ...command(topics),
    payload_lock: 'door.release',
    payload_unlock: 'door.open',
    state_topic: topics.state('door'),
    value_template: '{{ value_json.state }}',
    state_locked: 'locked',
    state_unlocked: 'released',
    // Nobody holds the line: the lock is neither locked nor unlocked.
    payload_reset: 'unknown',
    optimistic: false,
  },
  attempt: {
    shown: true,
    platform: 'event',
    name: 'Attempt',
    state_topic: topics.homeAssistant('attempt'),
    event_types: attemptTypes,
    icon: 'mdi:face-recognition',
    qos: 1,
  },
  visitor: {
    shown: true,
    platform: 'sensor',
    name: 'Visitor',
    device_class: 'enum',
    options: visitorStates,
    state_topic: topics.state('visitor'),
    value_template: '{{ value_json.state }}',
    icon: 'mdi:account-arrow-right',
  },
  // Fires in automations: "a face was taken for a picture".
  'spoof-trigger': {
    shown: true,
    platform: trigger,
    automation_type: 'trigger',
    type: 'spoof',
    subtype: 'denied',
    topic: topics.homeAssistant('attempt'),
    value_template: "{{ value_json.reason | default('') }}",
    payload: 'spoof',
    qos: 1,
  },
  image: {
    shown: image,
    platform: 'image',
    name: 'Last attempt',
    image_topic: topics.homeAssistant('image'),
    content_type: 'image/jpeg',
  },
});

/** What is on or off: the wired inputs, whether the camera fails, and whether faces open no more. */
const problems = ({ topics, inputs }: HomeAssistantOptions): Components => ({
  contact: {
    shown: inputs.includes('contact'),
    ...binary(topics.state('contact'), 'open', 'closed'),
    name: 'Door',
    device_class: 'door',
  },
  tamper: {
    shown: inputs.includes('tamper'),
    ...binary(topics.state('tamper'), 'raised', 'clear'),
    name: 'Tamper',
    device_class: 'tamper',
  },
  spoof: {
    shown: true,
    ...binary(topics.state('spoof'), 'seen', 'clear'),
    name: 'Picture shown',
    device_class: 'safety',
  },
  camera: {
    shown: true,
    ...binary(topics.state('camera'), 'failed', 'working'),
    name: 'Camera',
    device_class: 'problem',
    entity_category: 'diagnostic',
  },
  face: {
    shown: true,
    ...binary(topics.state('face'), 'stopped', 'working'),
    name: 'Opening by face',
    device_class: 'problem',
    entity_category: 'diagnostic',
  },
  vault: {
    shown: true,
    ...binary(topics.state('vault'), 'locked', 'open'),
    name: 'Vault locked',
    device_class: 'problem',
    entity_category: 'diagnostic',
  },
});

/** The last person, the last likeness, the last latency. */
const figures = ({ topics, person }: HomeAssistantOptions): Components => ({
  person: {
    shown: person !== 'off',
    platform: 'sensor',
    name: 'Last person',
    state_topic: topics.homeAssistant('person'),
    value_template: '{{ value_json.person }}',
    icon: 'mdi:account',
  },
  likeness: {
    shown: true,
    platform: 'sensor',
    name: 'Likeness',
    state_topic: topics.homeAssistant('attempt'),
    // An attempt without one leaves the last one.
    value_template: "{{ value_json.band | default('') }}",
    icon: 'mdi:face-recognition',
    entity_category: 'diagnostic',
  },
  // An entity of earlier versions: a percentage that stood beside "denied". It is taken away where it was announced.
  score: { shown: false, platform: 'sensor' },
  latency: {
    shown: true,
    platform: 'sensor',
    name: 'Face to relay',
    state_topic: topics.event('relay.pulsed'),
    value_template: "{{ value_json.captureToRelayMs | default('') if value_json.historical is not defined else '' }}",
    unit_of_measurement: 'ms',
    device_class: 'duration',
    state_class: 'measurement',
    entity_category: 'diagnostic',
  },
});

/** Buttons, the switch, and the model in use. */
const controls = ({ topics, allowed }: HomeAssistantOptions): Components => ({
  open: {
    shown: allowed.includes('door.open'),
    platform: 'button',
    name: 'Open',
    ...command(topics),
    payload_press: 'door.open',
    icon: 'mdi:door-open',
  },
  lockout: {
    shown: allowed.includes('lockout.reset'),
    platform: 'button',
    name: 'End lock-out',
    ...command(topics),
    payload_press: 'lockout.reset',
    entity_category: 'config',
  },
  armed: {
    shown: true,
    platform: 'switch',
    name: 'Armed',
    ...command(topics),
    payload_on: 'arm',
    payload_off: 'disarm',
    state_topic: topics.state('mode'),
    value_template: '{{ value_json.state }}',
    state_on: 'armed',
    state_off: 'disarmed',
    optimistic: false,
    icon: 'mdi:shield-account',
  },
  model: {
    shown: true,
    platform: 'update',
    name: 'Model',
    state_topic: topics.state('model'),
    value_template:
      '{{ {"installed_version": value_json.version, "latest_version": value_json.latest, "title": value_json.name} | to_json }}',
    entity_category: 'diagnostic',
  },
});

const binary = (topic: string, on: string, off: string) => ({
  platform: 'binary_sensor',
  state_topic: topic,
  value_template: "{{ 'None' if value_json.state == 'unknown' else value_json.state }}",
  payload_on: on,
  payload_off: off,
});

export interface AttemptContext {
  /** What is told of a person; undefined where nothing is. */
  readonly named: (personId: PersonId) => string | undefined;
  readonly seq: number | undefined;
  /** ISO 8601. */
  readonly at: string;
}

/**
 * What Home Assistant is told of an event: the attempt, and who was let in. Undefined where the event is not an
 * attempt.
 */
export function attemptOf(
  event: Event,
  { named, seq, at }: AttemptContext,
): { readonly attempt: Static<typeof attemptMessage>; readonly person?: Static<typeof personMessage> } | undefined {
  const base = { schema: 1 as const, ...(seq === undefined ? {} : { seq }), at };
  const banded = ({ band }: { readonly band?: LikenessBand }) => (band === undefined ? {} : { band });
  switch (event.kind) {
    case 'access.granted': {
      const person = named(event.personId);
      const attempt = { ...base, event_type: 'granted' as const, ...banded(event) };
      return person === undefined ? { attempt } : { attempt: { ...attempt, person }, person: { schema: 1, person, at } };
    }
    case 'access.denied':
      return { attempt: { ...base, event_type: 'denied', reason: event.reason, ...banded(event) } };
    case 'access.pending':
      return { attempt: { ...base, event_type: 'pending', needs: event.needs } };
    case 'access.challenged': {
      const times = event.times === undefined ? {} : { times: event.times };
      return { attempt: { ...base, event_type: 'challenged', needs: event.what, ...times } };
    }
    default:
      return undefined;
  }
}
