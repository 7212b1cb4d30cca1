/** What the door says over MQTT, for the AsyncAPI document: its states, its events, a training run, an enrolment. */
import type { TObject } from '../../base/schema.ts';
import type { EventKind } from '../../events.ts';
import {
  eventFields,
  eventMessage,
  probeMessage,
  type StateName,
  selfTestMessage,
  signed,
  stamped,
  stateMessages,
  statusMessage,
  trainingLine,
} from '../messages.ts';
import { capital, keyOf, type Spoken, topics } from './channel.ts';

export function spokenByDoor(): Spoken[] {
  return [
    {
      key: 'status',
      address: topics.status,
      summary: 'Whether the daemon is running; `lost` is its last will.',
      payload: statusMessage,
      retain: true,
    },
    ...Object.entries(stateMessages).map(([name, payload]) => ({
      key: `state${capital(name)}`,
      address: topics.state(name as StateName),
      summary: `The state of: ${name}.`,
      payload: signed(payload),
      retain: true,
    })),
    ...Object.keys(eventFields).map((kind) => ({
      key: `event${capital(keyOf(kind))}`,
      address: topics.event(kind as EventKind),
      summary: `The journal entry ${kind}.`,
      payload: signed(eventMessage(kind as EventKind)),
      retain: false,
    })),
    {
      key: 'training',
      address: topics.training('{job}'),
      summary: 'The output of the training process, line by line; the state of the job is state/training.',
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

export function spokenByEnrolment(status: TObject): Spoken {
  return {
    key: 'enrolment',
    address: topics.enrolment('{session}'),
    summary:
      'The state of an enrolment session, each time it changes: the prompt for the person in front of the camera, the outcome of a picture.',
    payload: stamped(status),
    retain: false,
  };
}
