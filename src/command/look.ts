/**
 * Commands that only read: the journal, the settings in force, the networks, and pictures where the owner allows that.
 */
import { Type } from '../base/schema.ts';
import type { EventKind } from '../events.ts';
import { defineCommand, done, refusal, unavailable } from './spec.ts';

const closed = { additionalProperties: false } as const;
const nothing = Type.Object({}, closed);
const time = Type.String({ format: 'date-time', description: 'ISO 8601.' });

const tooLong =
  'The door looks for at most 50 ms, and this takes longer: ask for less (`after` a seq, a shorter time, one person or kind), or at the door itself with facelatch journal.';

export const lookCommands = [
  defineCommand({
    name: 'journal.query',
    summary: 'The newest journal entries that fit; people are named by id.',
    role: 'viewer',
    changes: false,
    args: Type.Object(
      {
        kinds: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { maxItems: 50 })),
        person: Type.Optional(Type.String({ maxLength: 64, description: 'An id.' })),
        since: Type.Optional(time),
        until: Type.Optional(time),
        after: Type.Optional(Type.Integer({ minimum: 0, description: 'Only entries after this seq.' })),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })),
      },
      closed,
    ),
    result: Type.Object({ entries: Type.Array(Type.Unknown({ description: "As in the event's own message." })) }, closed),
    run: async ({ entries }, { kinds, person, since, until, after, limit = 50 }) => {
      const found = await entries({
        limit,
        // An unknown kind fits no entry.
        ...(kinds && { kinds: kinds as EventKind[] }),
        ...(person !== undefined && { personId: person }),
        ...(since !== undefined && { since }),
        ...(until !== undefined && { until }),
        ...(after !== undefined && { after }),
      });
      if (found === 'busy') return refusal('busy', 'Too many look into the journal now: try again in a moment.');
      if (found === 'too-long') return refusal('refused', tooLong, 'too-long');
      return done({ entries: [...found] });
    },
  }),
  defineCommand({
    name: 'config.get',
    summary: 'The settings in force, without secrets.',
    role: 'viewer',
    changes: false,
    args: Type.Object(
      { path: Type.Optional(Type.String({ maxLength: 64, description: 'Only settings that begin with this, such as `access`.' })) },
      closed,
    ),
    result: Type.Object({ settings: Type.Record(Type.String(), Type.Unknown()) }, closed),
    run: ({ settings }, { path = '' }) => {
      const all = Object.entries(settings.all());
      const fit = all.filter(([name]) => path === '' || name === path || name.startsWith(`${path}.`));
      return fit.length > 0 ? done({ settings: Object.fromEntries(fit) }) : refusal('not-found', 'There is no such setting.');
    },
  }),
  defineCommand({
    name: 'config.set',
    summary: 'Changes one of the settings that may change while running, until the daemon restarts.',
    role: 'admin',
    changes: true,
    args: Type.Object({ path: Type.String({ maxLength: 64 }), value: Type.Number() }, closed),
    result: Type.Object({ path: Type.String(), before: Type.Unknown(), value: Type.Unknown() }, closed),
    run: ({ settings }, { path, value }, { who }) => {
      const changed = settings.set(path, value, who);
      return typeof changed === 'string' ? refusal('refused', changed) : done({ path, before: changed.before, value });
    },
  }),
  defineCommand({
    name: 'model.list',
    summary: 'The networks, whether their files are intact, and what each is used for.',
    role: 'viewer',
    changes: false,
    args: nothing,
    result: Type.Object(
      {
        models: Type.Array(Type.Record(Type.String(), Type.Unknown())),
        trained: Type.Array(Type.Record(Type.String(), Type.Unknown()), {
          description: 'Of this door: candidates, the champion, retired ones.',
        }),
      },
      closed,
    ),
    run: async ({ models, training }) => {
      if (!models) return unavailable('list of networks');
      const found = await models();
      if (!found) return refusal('busy', 'The networks are being checked: try again in a moment.');
      return done({ models: [...found], trained: (training?.bundles() ?? []).map((bundle) => ({ ...bundle })) });
    },
  }),
  defineCommand({
    name: 'snapshot',
    summary: 'The newest picture of the camera; only where mqtt.snapshots is true.',
    role: 'operator',
    changes: false,
    args: nothing,
    result: Type.Object(
      {
        capturedAt: Type.String({ format: 'date-time' }),
        picture: Type.String({ contentEncoding: 'base64', contentMediaType: 'image/jpeg' }),
      },
      closed,
    ),
    run: async ({ snapshot }) => {
      if (!snapshot) return refusal('unavailable', 'No picture leaves this door: its owner can set mqtt.snapshots to true.');
      const taken = await snapshot();
      if (!taken) return refusal('unavailable', 'The camera gives no picture now.');
      return done({ capturedAt: taken.capturedAt, picture: Buffer.from(taken.picture).toString('base64') });
    },
  }),
  defineCommand({
    name: 'picture',
    summary: 'A kept picture of a journal entry (event picture.kept); only where mqtt.snapshots is true.',
    role: 'operator',
    changes: false,
    args: Type.Object(
      {
        seq: Type.Integer({ minimum: 1, description: 'keptSeq of the event.' }),
        number: Type.Optional(Type.Integer({ minimum: 1, description: 'Which of them; the first where absent.' })),
      },
      closed,
    ),
    result: Type.Object(
      { pictures: Type.Integer(), picture: Type.String({ contentEncoding: 'base64', contentMediaType: 'image/jpeg' }) },
      closed,
    ),
    run: ({ keptPictures }, { seq, number = 1 }) => {
      if (!keptPictures) return refusal('unavailable', 'No picture leaves this door: its owner can set mqtt.snapshots to true.');
      const pictures = keptPictures(seq);
      const picture = pictures[number - 1];
      if (!picture) return refusal('not-found', `Entry ${seq} has ${pictures.length} kept pictures, and no number ${number}.`);
      return done({ pictures: pictures.length, picture: Buffer.from(picture).toString('base64') });
    },
  }),
];
