/**
 * Commands about the people who are enrolled and their pictures: list, get, rename, remove. Every change is journalled.
 */

import type { RuleChange } from '../access/port.ts';
import { Type } from '../base/schema.ts';
import type { Person } from '../identity/port.ts';
import { consentSchema } from './enrol.ts';
import type { Outcome } from './port.ts';
import { type Call, type CommandPorts, defineCommand, done, refusal } from './spec.ts';

const personSchema = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    enrolledAt: Type.String({ format: 'date-time' }),
    pictures: Type.Integer({ minimum: 0 }),
  },
  { additionalProperties: false },
);
const pictureSchema = Type.Object(
  {
    id: Type.String({ description: 'SHA-256, hexadecimal.' }),
    source: Type.String({ description: 'Where it came from, as the sender said.' }),
    addedAt: Type.String({ format: 'date-time' }),
  },
  { additionalProperties: false },
);
const who = Type.String({ minLength: 1, maxLength: 200, description: 'Name or id of the person.' });
const one = Type.Object({ person: who }, { additionalProperties: false });

function withPerson<Result>({ gallery }: CommandPorts, person: string, act: (person: Person) => Outcome<Result>): Outcome<Result> {
  const found = gallery.find(person);
  return found ? act(found) : refusal('not-found', 'Nobody with that name or id is enrolled: people.list shows who is.');
}

const plain = ({ id, name, enrolledAt, pictures }: Person) => ({ id, name, enrolledAt, pictures });

const time = Type.Union([Type.String({ maxLength: 40 }), Type.Null()], { description: 'ISO 8601 with a zone; null removes it.' });
const ruleFields = {
  enabled: Type.Boolean(),
  schedule: Type.Union([Type.String({ maxLength: 100 }), Type.Null()], { description: 'One of access.schedules; null removes it.' }),
  validFrom: time,
  validUntil: time,
  uses: Type.Union([Type.Integer({ minimum: 1, maximum: 100_000 }), Type.Null()], { description: 'Grants from now on; null: unlimited.' }),
  groups: Type.Array(Type.String({ maxLength: 100 }), { maxItems: 50 }),
  pinOpens: Type.Boolean(),
  pinNeeded: Type.Boolean(),
};
const ruled = Type.Object({ person: personSchema, rules: Type.Record(Type.String(), Type.Unknown()) }, { additionalProperties: false });

function rule(ports: CommandPorts, { who: by }: Call, who: string, change: RuleChange) {
  return withPerson(ports, who, (person) => {
    const result = ports.rule(person.id, change, by);
    return result.ok ? done({ person: plain(person), rules: { ...result.rules } }) : refusal('refused', result.detail);
  });
}

export const peopleCommands = [
  defineCommand({
    name: 'people.rule',
    summary: 'What a person may do, beyond being enrolled; what is not given stays as it is.',
    role: 'admin',
    changes: true,
    args: Type.Object(
      { person: who, rules: Type.Partial(Type.Object(ruleFields), { additionalProperties: false }) },
      { additionalProperties: false },
    ),
    result: ruled,
    run: (ports, { person, rules }, call) => rule(ports, call, person, rules),
  }),
  ...([true, false] as const).map((enabled) =>
    defineCommand({
      name: enabled ? 'people.enable' : 'people.disable',
      summary: enabled ? 'Lets a person in again.' : 'A person is recognised but not let in, until they are enabled again.',
      role: 'admin',
      changes: true,
      urgent: !enabled,
      args: one,
      result: ruled,
      run: (ports, { person }, call) => rule(ports, call, person, { enabled }),
    }),
  ),
  defineCommand({
    name: 'people.list',
    summary: 'Everyone who is enrolled.',
    role: 'viewer',
    changes: false,
    args: Type.Object({}, { additionalProperties: false }),
    result: Type.Object({ people: Type.Array(personSchema) }, { additionalProperties: false }),
    run: ({ gallery }) => done({ people: gallery.list().map(plain) }),
  }),
  defineCommand({
    name: 'people.get',
    summary: 'One person.',
    role: 'viewer',
    changes: false,
    args: one,
    result: personSchema,
    run: (ports, { person }) => withPerson(ports, person, (found) => done(plain(found))),
  }),
  defineCommand({
    name: 'people.rename',
    summary: 'Gives a person another name; pictures, id and history stay.',
    role: 'admin',
    changes: true,
    args: Type.Object({ person: who, name: Type.String({ minLength: 1, maxLength: 320 }) }, { additionalProperties: false }),
    result: personSchema,
    run: (ports, { person, name }, { who: by }) => withPerson(ports, person, ({ id }) => done(plain(ports.roster.rename(id, name, by)))),
  }),
  defineCommand({
    name: 'people.remove',
    summary: 'Removes a person with all pictures and templates, for good.',
    role: 'admin',
    changes: true,
    args: one,
    result: Type.Object({ removed: Type.Boolean() }, { additionalProperties: false }),
    run: (ports, { person }, { who: by }) => withPerson(ports, person, ({ id }) => done({ removed: ports.roster.remove(id, by) })),
  }),
  defineCommand({
    name: 'people.consent',
    summary: 'Records that somebody who is enrolled has agreed to it.',
    role: 'admin',
    changes: true,
    args: Type.Object({ person: who, consent: consentSchema }, { additionalProperties: false }),
    result: personSchema,
    run: (ports, { person, consent }, call) =>
      withPerson(ports, person, (found) => {
        ports.roster.consent(found.id, { how: 'command', ...consent }, call.who);
        return done(plain(found));
      }),
  }),
  defineCommand({
    name: 'people.withdraw',
    summary: 'A person takes their consent back: it is recorded, and they are removed for good.',
    role: 'admin',
    changes: true,
    args: one,
    result: Type.Object({ removed: Type.Boolean() }, { additionalProperties: false }),
    run: (ports, { person }, call) => withPerson(ports, person, ({ id }) => done({ removed: ports.roster.withdraw(id, call.who) })),
  }),
  defineCommand({
    name: 'people.pictures',
    summary: 'Which pictures a person is enrolled with; not the pictures themselves.',
    role: 'admin',
    changes: false,
    args: one,
    result: Type.Object({ pictures: Type.Array(pictureSchema) }, { additionalProperties: false }),
    run: (ports, { person }) =>
      withPerson(ports, person, ({ id }) =>
        done({ pictures: ports.gallery.pictures(id).map(({ id: picture, source, addedAt }) => ({ id: picture, source, addedAt })) }),
      ),
  }),
  defineCommand({
    name: 'people.picture.remove',
    summary: 'Removes one picture of a person with its templates, for good; never the last.',
    role: 'admin',
    changes: true,
    args: Type.Object(
      {
        person: who,
        picture: Type.String({ minLength: 8, maxLength: 64, description: 'Its id or the beginning of it; people.pictures lists them.' }),
      },
      { additionalProperties: false },
    ),
    result: personSchema,
    run: (ports, { person, picture }, call) =>
      withPerson(ports, person, ({ id }) => done(plain(ports.roster.removePicture(id, picture, call.who)))),
  }),
];
