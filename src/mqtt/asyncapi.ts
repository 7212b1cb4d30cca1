/**
 * The conversation over MQTT as an AsyncAPI document (version 3.0), pure: topics, the schemas of the messages and the commands go in, the document comes
 * out. `npm run reference` writes it to docs/asyncapi.json; a test holds it to what is really published.
 */
import type { TObject, TSchema } from 'typebox';
import { binding, capital, channelOf, keyOf, parametersOf, sendOf, topics } from './asyncapi-channel.ts';
import { enrolmentOf, spokenByDoor } from './asyncapi-door.ts';
import { fromHomeAssistant, spokenToHomeAssistant } from './asyncapi-home-assistant.ts';

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

const json = { contentType: 'application/json' };
/** A compact JWS, or a JWE with one inside. */
const jose = { type: 'string', pattern: '^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]*\\.[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+)?$' };

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
