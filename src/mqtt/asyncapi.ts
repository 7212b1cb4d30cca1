/**
 * The conversation over MQTT as an AsyncAPI document (version 3.0), pure: topics, the schemas of the messages and the commands go in, the document comes
 * out. `npm run reference` writes it to docs/asyncapi.json; a test holds it to what is really published.
 */
import type { TObject, TSchema } from 'typebox';
import type { EventKind } from '../access/port.ts';
import { pressable } from './home-assistant.ts';
import {
  attemptMessage,
  eventFields,
  eventMessage,
  personMessage,
  probeMessage,
  type StateName,
  selfTestMessage,
  stamped,
  stateMessages,
  statusMessage,
  trainingLine,
} from './messages.ts';
import { topicsOf } from './topics.ts';

/** What the document says of a command. */
export interface CommandNote {
  readonly name: string;
  readonly summary: string;
  readonly role: string;
  readonly changes: boolean;
  readonly confidential?: boolean;
  readonly args: TSchema;
  readonly result: TSchema;
}

export interface AsyncApiParts {
  readonly version: string;
  readonly commands: readonly CommandNote[];
  /** The forms of a request: unsigned, and what an operator signs. */
  readonly plainRequest: TSchema;
  readonly signedRequest: TSchema;
  /** The form of a reply: what the door signs, or sends as it is to whoever did not sign. */
  readonly reply: TSchema;
  /** How an enrolment session stands. */
  readonly enrolment: TObject;
}

const binding = (qos: number, retain: boolean) => ({ mqtt: { qos, retain, bindingVersion: '0.2.0' } });
const json = { contentType: 'application/json' };
const keyOf = (name: string) => name.replace(/[^A-Za-z0-9]+(.)?/g, (_, next: string | undefined) => (next ?? '').toUpperCase());
/** A compact JWS, or a JWE with one inside. */
const jose = { type: 'string', pattern: '^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]*\\.[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+)?$' };

interface Spoken {
  readonly key: string;
  readonly address: string;
  readonly summary: string;
  readonly payload: object;
  readonly retain: boolean;
  readonly qos?: number;
  readonly contentType?: string;
}

export function asyncApi(parts: AsyncApiParts): object {
  const spoken = [...spokenByDoor(), enrolmentOf(parts.enrolment), ...spokenToHomeAssistant()];
  return {
    asyncapi: '3.0.0',
    id: 'urn:facelatch:door',
    info: {
      title: 'facelatch',
      version: parts.version,
      description:
        'A door that knows faces: what it publishes, and the commands it takes. `facelatch` is mqtt.prefix and `{door}` is door.id. Events come at least once and in order; consumers drop repeats by `seq`.',
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/json',
    channels: {
      ...Object.fromEntries(spoken.map((each) => [each.key, channelOf(each)])),
      ...Object.fromEntries(parts.commands.map((command) => [`cmd${capital(keyOf(command.name))}`, commandChannel(command)])),
      ...fromHomeAssistant.channels,
      reply: replyChannel,
    },
    operations: {
      ...Object.fromEntries(spoken.map((each) => [`send${capital(each.key)}`, sendOf(each)])),
      ...Object.fromEntries(parts.commands.map((command) => [`receive${capital(keyOf(command.name))}`, receiveOf(command)])),
      ...fromHomeAssistant.operations,
    },
    components: {
      messages: {
        signedCommand: {
          summary:
            'A command as its operator signed it: a compact JWS (Ed25519, typ facelatch-command+jwt) of x-claims, alone or, as facelatch send does, encrypted to the door in a compact JWE (ECDH-ES over X25519, A256GCM).',
          contentType: 'application/jose',
          payload: jose,
          'x-claims': parts.signedRequest,
        },
        signedReply: {
          summary:
            'What the door says to whoever signed: a compact JWS (Ed25519, typ facelatch-reply+jwt) of a reply, encrypted where the request held a replyKey.',
          contentType: 'application/jose',
          payload: jose,
        },
        reply: { summary: 'What the door says to whoever did not sign.', ...json, payload: parts.reply },
      },
      parameters: {
        door: { description: 'door.id' },
        client: { description: 'One level or more, of the sender’s choice.' },
        session: { description: 'An enrolment session.' },
        discovery: { description: 'mqtt.homeAssistant.prefix' },
        device: { description: 'This door among the devices of Home Assistant.' },
        job: { description: 'A training.' },
      },
      schemas: { plainRequest: parts.plainRequest, signedRequest: parts.signedRequest, reply: parts.reply },
    },
  };
}

const topics = topicsOf('facelatch', '{door}');

function spokenByDoor(): Spoken[] {
  return [
    {
      key: 'status',
      address: topics.status,
      summary: 'Whether the daemon is there; `lost` is its last will.',
      payload: statusMessage,
      retain: true,
    },
    ...Object.entries(stateMessages).map(([name, payload]) => ({
      key: `state${capital(name)}`,
      address: topics.state(name as StateName),
      summary: `The state of: ${name}.`,
      payload,
      retain: true,
    })),
    ...Object.keys(eventFields).map((kind) => ({
      key: `event${capital(keyOf(kind))}`,
      address: topics.event(kind as EventKind),
      summary: `The journal entry ${kind}.`,
      payload: eventMessage(kind as EventKind),
      retain: false,
    })),
    {
      key: 'training',
      address: topics.training('{job}'),
      summary: 'What the process that trains says, line by line; how the job stands is state/training.',
      payload: trainingLine,
      retain: false,
    },
    {
      key: 'selfTest',
      address: topics.selfTest,
      summary: 'From the door to itself: does the broker deliver commands?',
      payload: selfTestMessage,
      retain: false,
    },
    {
      key: 'probe',
      address: topics.probe,
      summary: 'From facelatch doctor: may the door publish?',
      payload: probeMessage,
      retain: false,
    },
  ];
}

function enrolmentOf(status: TObject): Spoken {
  return {
    key: 'enrolment',
    address: topics.enrolment('{session}'),
    summary:
      'How an enrolment session stands, each time that changes: the prompt for the person before the camera, the outcome of a picture.',
    payload: stamped(status),
    retain: false,
  };
}

/** Only where mqtt.homeAssistant.enabled is true. */
function spokenToHomeAssistant(): Spoken[] {
  const spoken = (what: 'attempt' | 'person' | 'image', summary: string, payload: object): Spoken => ({
    key: `homeAssistant${capital(what)}`,
    address: topics.homeAssistant(what),
    summary,
    payload,
    retain: false,
  });
  return [
    spoken('attempt', 'For Home Assistant: somebody was let in or denied. Sent once, and not made up for after an outage.', attemptMessage),
    spoken('person', 'For Home Assistant: who was let in, unless mqtt.homeAssistant.person is off.', personMessage),
    {
      ...spoken('image', 'For Home Assistant: the picture of the last attempt, where mqtt.homeAssistant.image is true.', {
        type: 'string',
        contentEncoding: 'binary',
        contentMediaType: 'image/jpeg',
      }),
      contentType: 'image/jpeg',
    },
    {
      key: 'homeAssistantDiscovery',
      address: '{discovery}/device/{device}/config',
      summary: 'The door as a device of Home Assistant, its device discovery; empty where the door is taken out of it again.',
      payload: {
        anyOf: [
          {
            type: 'object',
            required: ['device', 'origin', 'components', 'availability'],
            properties: {
              device: { type: 'object' },
              origin: { type: 'object' },
              availability: { type: 'array' },
              components: { type: 'object', additionalProperties: { type: 'object', required: ['platform'] } },
            },
            additionalProperties: false,
          },
          { const: '' },
        ],
      },
      retain: true,
    },
  ];
}

const fromHomeAssistant = {
  channels: {
    cmdHomeAssistant: {
      address: topics.pressed,
      summary: 'From Home Assistant: the name of one command as plain text, taken where mqtt.allowUnsigned names it too.',
      parameters: parametersOf(topics.pressed),
      messages: { pressed: { name: 'pressed', contentType: 'text/plain', payload: { enum: [...pressable] } } },
    },
    homeAssistantStatus: {
      address: '{discovery}/status',
      summary: 'From Home Assistant: that it has started. The device is then announced anew.',
      parameters: parametersOf('{discovery}/status'),
      messages: { birth: { name: 'birth', contentType: 'text/plain', payload: { enum: ['online', 'offline'] } } },
    },
  },
  operations: {
    receiveCmdHomeAssistant: {
      action: 'receive',
      channel: { $ref: '#/channels/cmdHomeAssistant' },
      summary: 'Only where mqtt.homeAssistant.enabled is true. No reply is sent: the states tell what came of it.',
    },
    receiveHomeAssistantStatus: {
      action: 'receive',
      channel: { $ref: '#/channels/homeAssistantStatus' },
      summary: 'Only where mqtt.homeAssistant.enabled is true.',
    },
  },
};

function channelOf({ key, address, summary, payload, contentType = 'application/json' }: Spoken): object {
  return { address, summary, parameters: parametersOf(address), messages: { [key]: { name: key, summary, contentType, payload } } };
}

function parametersOf(address: string): object {
  return Object.fromEntries([...address.matchAll(/\{(\w+)\}/g)].map(([, name]) => [name, { $ref: `#/components/parameters/${name}` }]));
}

const sendOf = ({ key, retain, qos = 1 }: Spoken): object => ({
  action: 'send',
  channel: { $ref: `#/channels/${key}` },
  bindings: binding(qos, retain),
});

function commandChannel({ name, summary, args }: CommandNote): object {
  const address = topics.command(name);
  return {
    address,
    summary,
    parameters: parametersOf(address),
    messages: {
      unsigned: {
        name: `${name} unsigned`,
        ...json,
        payload: {
          type: 'object',
          properties: {
            schema: { const: 1 },
            id: { type: 'string', pattern: '^[A-Za-z0-9_.:-]{1,64}$' },
            args,
            replyTo: { type: 'string', description: 'For MQTT 3.1.1, which has no response topic: one of the door’s own reply topics.' },
          },
          additionalProperties: false,
        },
      },
      signed: { $ref: '#/components/messages/signedCommand' },
    },
  };
}

const replyChannel = {
  address: topics.reply('{client}'),
  summary: 'What came of a command. At QoS 0 or 1 as the request; never retained; expires after a minute.',
  parameters: parametersOf(topics.reply('{client}')),
  messages: { reply: { $ref: '#/components/messages/reply' }, signedReply: { $ref: '#/components/messages/signedReply' } },
};

function receiveOf({ name, summary, role, changes, confidential = false, result }: CommandNote): object {
  return {
    action: 'receive',
    channel: { $ref: `#/channels/cmd${capital(keyOf(name))}` },
    summary,
    description: `Role: ${role}. ${changes || confidential ? 'Must be signed, unless mqtt.allowUnsigned names it.' : 'May be unsigned.'}`,
    bindings: binding(1, false),
    reply: {
      address: {
        location: '$message.header#/responseTopic',
        description: 'The response topic of MQTT 5 (or replyTo of the request): a reply topic of the door, else no reply is sent.',
      },
      channel: { $ref: '#/channels/reply' },
    },
    'x-result': result,
  };
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
