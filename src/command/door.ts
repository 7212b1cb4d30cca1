/** Commands about the door itself: open, hold, release, end a lock-out, arm, disarm, and a PIN from a keypad. */

import type { Answer, Door } from '../access/port.ts';
import { Type } from '../base/schema.ts';
import type { Outcome } from './port.ts';
import { type Call, type CommandPorts, defineCommand, done, refusal, unavailable } from './spec.ts';

const nothing = Type.Object({}, { additionalProperties: false });
const journalled = Type.Object(
  { seq: Type.Integer({ description: 'The journal entry that the request left.' }) },
  { additionalProperties: false },
);

async function ask({ door }: CommandPorts, request: (door: Door) => Promise<Answer>): Promise<Outcome<{ seq: number }>> {
  if (!door) return unavailable('way in but by face');
  const answer = await request(door);
  return answer.ok ? done({ seq: answer.seq }) : refusal('denied', answer.detail, answer.reason);
}

/** A PIN counts as entered at a keypad, whoever passes it on. */
const keypad = { kind: 'keypad', via: 'mqtt' } as const;

const urgent = { urgent: true } as const;
const simple = (name: string, summary: string, act: (door: Door, call: Call) => Promise<Answer>, more: { readonly urgent?: true } = {}) =>
  defineCommand({
    ...more,
    name,
    summary,
    role: 'operator',
    changes: true,
    args: nothing,
    result: journalled,
    run: (ports, _args, call) => ask(ports, (door) => act(door, call)),
  });

export const doorCommands = [
  simple('door.open', 'Releases the lock for one pulse.', (door, { by }) => door.open(by)),
  defineCommand({
    name: 'door.hold',
    summary: 'Keeps the lock released for a time; `door.release` ends it.',
    role: 'operator',
    changes: true,
    args: Type.Object(
      { durationMs: Type.Integer({ minimum: 1, maximum: 86_400_000, description: 'Milliseconds; the door caps it.' }) },
      { additionalProperties: false },
    ),
    result: journalled,
    run: (ports, { durationMs }, { by }) => ask(ports, (door) => door.hold(by, durationMs)),
  }),
  simple('door.release', 'Ends a hold: the lock is locked now.', (door, { by }) => door.release(by), urgent),
  simple('lockout.reset', 'Ends a lock-out after failed presentations.', (door, { by }) => door.resetLockOut(by)),
  simple('arm', 'Lets the door open by face.', (door, { by }) => door.arm(by)),
  simple('disarm', 'Keeps the door shut to every face.', (door, { by }) => door.disarm(by), urgent),
  defineCommand({
    name: 'door.left',
    summary: 'An exit reader saw a person leave: under anti-passback they may come in again.',
    role: 'operator',
    changes: true,
    args: Type.Object(
      { person: Type.String({ minLength: 1, maxLength: 200, description: 'Name or id of the person.' }) },
      { additionalProperties: false },
    ),
    result: journalled,
    run: (ports, { person }, { by }) => {
      const found = ports.gallery.find(person);
      return found ? ask(ports, (door) => door.left(by, found.id)) : refusal('not-found', 'Nobody with that name or id is enrolled.');
    },
  }),
  defineCommand({
    name: 'pin',
    summary: 'A PIN from a keypad: opens where a PIN alone may, or completes face and PIN.',
    role: 'operator',
    changes: true,
    args: Type.Object(
      {
        person: Type.Optional(
          Type.String({
            minLength: 1,
            maxLength: 200,
            description: 'Name or id of the person whose PIN it is. Not needed where access.pinWithoutName is set.',
          }),
        ),
        pin: Type.String({ pattern: '^[0-9]{4,12}$' }),
      },
      { additionalProperties: false },
    ),
    result: journalled,
    run: (ports, { person, pin }) => ask(ports, (door) => door.enterPin(keypad, pin, person)),
  }),
];
