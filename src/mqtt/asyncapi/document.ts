/**
 * The AsyncAPI document (version 3.0) of everything on MQTT. In: topics, the schemas of the messages, and the
 * commands. Out: the document. `npm run reference` writes it to docs/asyncapi.json; a test compares it with what is
 * really published. Pure.
 */
import type { TObject, TSchema } from '../../base/schema.ts';
import { binding, capital, channelOf, channelParameters, keyOf, sendOf, topics } from './channel.ts';
import { spokenByDoor, spokenByEnrolment } from './door.ts';
import { fromHomeAssistant, spokenToHomeAssistant } from './home-assistant.ts';

/** What the document says about a command. */
export interface CommandNote {
  readonly name: string;
  readonly summary: string;
  readonly role: string;
  readonly args: TSchema;
  readonly result: TSchema;
}

export interface AsyncApiParts {
  readonly version: string;
  readonly commands: readonly CommandNote[];
  /** The form of a request: unsigned, and as an operator signs it. */
  readonly plainRequest: TSchema;
  readonly signedRequest: TSchema;
  /** The form of a reply: signed by the door, or unsigned where the request was. */
  readonly reply: TSchema;
  /** The state of an enrolment session. */
  readonly enrolment: TObject;
}

const json = { contentType: 'application/json' };
/** A compact JWS, or a JWE with one inside. */
const jose = { type: 'string', pattern: '^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]*\\.[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+)?$' };

export function asyncApi(parts: AsyncApiParts): object {
  const spoken = [...spokenByDoor(), spokenByEnrolment(parts.enrolment), ...spokenToHomeAssistant()];
  return {
    asyncapi: '3.0.0',
    id: 'urn:facelatch:door',
    info: {
      title: 'facelatch',
      version: parts.version,
      description:
        'A door that opens by face: what it publishes, and the commands it takes. `facelatch` is mqtt.prefix and `{door}` is door.id. Events come at least once and in order; drop repeats by `seq`.',
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
            'The answer to a signed request: a compact JWS (Ed25519, typ facelatch-reply+jwt) of a reply, encrypted if the request had a replyKey.',
          contentType: 'application/jose',
          payload: jose,
        },
        reply: { summary: 'The answer to an unsigned request.', ...json, payload: parts.reply },
      },
      parameters: {
        door: { description: 'door.id' },
        client: { description: 'One or more levels, chosen by the sender.' },
        session: { description: 'An enrolment session.' },
        discovery: { description: 'mqtt.homeAssistant.prefix' },
        device: { description: 'The id of this door among the devices of Home Assistant.' },
        job: { description: 'A training job.' },
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
    parameters: channelParameters(address),
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
            replyTo: { type: 'string', description: 'For MQTT 3.1.1, which has no response topic: one of the door’s reply topics.' },
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
  summary: 'The outcome of a command. At QoS 0 or 1, like the request; never retained; expires after a minute.',
  parameters: channelParameters(topics.reply('{client}')),
  messages: { reply: { $ref: '#/components/messages/reply' }, signedReply: { $ref: '#/components/messages/signedReply' } },
};

function receiveOf({ name, summary, role, result }: CommandNote): object {
  return {
    action: 'receive',
    channel: { $ref: `#/channels/cmd${capital(keyOf(name))}` },
    summary,
    description: `Role: ${role}. Must be signed, unless mqtt.allowUnsigned names it.`,
    bindings: binding(1, false),
    reply: {
      address: {
        location: '$message.header#/responseTopic',
        description:
          'The response topic of MQTT 5, or replyTo of the request. It must be a reply topic of the door; otherwise no reply is sent.',
      },
      channel: { $ref: '#/channels/reply' },
    },
    'x-result': result,
  };
}
