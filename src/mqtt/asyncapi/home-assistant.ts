/** What Home Assistant and the door say to each other, for the AsyncAPI document. */

import { pressable } from '../home-assistant.ts';
import { attemptMessage, personMessage } from '../messages.ts';
import { capital, channelParameters, type Spoken, topics } from './channel.ts';

/** Only if mqtt.homeAssistant.enabled is true. */
export function spokenToHomeAssistant(): Spoken[] {
  const spoken = (what: 'attempt' | 'person' | 'image', summary: string, payload: object): Spoken => ({
    key: `homeAssistant${capital(what)}`,
    address: topics.homeAssistant(what),
    summary,
    payload,
    retain: false,
  });
  return [
    spoken('attempt', 'For Home Assistant: somebody was let in or denied. Sent once, and not sent later after an outage.', attemptMessage),
    spoken('person', 'For Home Assistant: who was let in, unless mqtt.homeAssistant.person is off.', personMessage),
    {
      ...spoken('image', 'For Home Assistant: the picture of the last attempt, if mqtt.homeAssistant.image is true.', {
        type: 'string',
        contentEncoding: 'binary',
        contentMediaType: 'image/jpeg',
      }),
      contentType: 'image/jpeg',
    },
    {
      key: 'homeAssistantDiscovery',
      address: '{discovery}/device/{device}/config',
      summary: 'The door as a device of Home Assistant (device discovery); empty when the door is removed from it.',
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

export const fromHomeAssistant = {
  channels: {
    cmdHomeAssistant: {
      address: topics.pressed,
      summary: 'From Home Assistant: the name of one command as plain text, taken if mqtt.allowUnsigned names it too.',
      parameters: channelParameters(topics.pressed),
      messages: { pressed: { name: 'pressed', contentType: 'text/plain', payload: { enum: [...pressable] } } },
    },
    homeAssistantStatus: {
      address: '{discovery}/status',
      summary: 'From Home Assistant: it has started. The door then announces the device again.',
      parameters: channelParameters('{discovery}/status'),
      messages: { birth: { name: 'birth', contentType: 'text/plain', payload: { enum: ['online', 'offline'] } } },
    },
  },
  operations: {
    receiveCmdHomeAssistant: {
      action: 'receive',
      channel: { $ref: '#/channels/cmdHomeAssistant' },
      summary: 'Only if mqtt.homeAssistant.enabled is true. No reply is sent: the states show the outcome.',
    },
    receiveHomeAssistantStatus: {
      action: 'receive',
      channel: { $ref: '#/channels/homeAssistantStatus' },
      summary: 'Only if mqtt.homeAssistant.enabled is true.',
    },
  },
};
