/**
 * What the door holds about one person, in pieces for the console process, which makes one encrypted file of them: what
 * is written about them, and their journal by pages. Pictures come one by one (people-pictures.ts, timeline.ts).
 */
import { Type } from '../../base/schema.ts';
import { done, refusal } from '../../command/spec.ts';
import { personFields } from '../../journal/pseudonyms.ts';
import { keptEntriesOf } from '../../retrain/held/of-person.ts';
import { defineOperation } from './operation.ts';
import { archiveTexts, withoutOthers } from './person-archive.ts';

const closed = { additionalProperties: false } as const;
const person = Type.String({ minLength: 1, maxLength: 64, description: 'The id.' });
const notFound = refusal('not-found', 'Nobody with that id is enrolled: people.list shows who is.');
const entriesAtOnce = 500;

export const archiveOperations = [
  defineOperation({
    name: 'people.archive',
    summary: 'Begins to export what is held about a person; the journal notes it.',
    role: 'admin',
    changes: true,
    ownRoute: true,
    args: Type.Object({ person }, closed),
    result: Type.Object(
      {
        texts: Type.Record(Type.String(), Type.String()),
        pictures: Type.Array(Type.String()),
        kept: Type.Array(Type.Object({ seq: Type.Integer(), pictures: Type.Integer() }, closed)),
      },
      closed,
    ),
    run: ({ gallery, rooms }, { person: id }, call) => {
      const found = gallery.find(id);
      if (found?.id !== id) return notFound;
      const { config, vault, eyes, journal, clock, learning } = rooms;
      const pictures = eyes.gallery.picturesAbout(id);
      const about = { config, vault, gallery: eyes.gallery, embedder: eyes.reader.embedder };
      const texts = archiveTexts(about, found, { pictures, at: new Date(clock.wall()).toISOString() });
      const kept = learning ? keptEntriesOf(learning.place, id).map(({ seq, pictures: count }) => ({ seq, pictures: count })) : [];
      // Before anything leaves.
      journal.append({ kind: 'people.exported', people: 1, personId: id, by: call.who });
      return done({ texts: { ...texts }, pictures: pictures.map((picture) => picture.id), kept });
    },
  }),
  defineOperation({
    name: 'people.archive.entries',
    summary: 'The journal entries in which a person stands, by pages.',
    role: 'admin',
    changes: false,
    ownRoute: true,
    args: Type.Object({ person, after: Type.Optional(Type.Integer({ minimum: 0 })) }, closed),
    result: Type.Object({ lines: Type.Array(Type.String()), next: Type.Optional(Type.Integer()) }, closed),
    run: async ({ rooms }, { person: id, after = rooms.journal.begins?.seq ?? 0 }) => {
      const upTo = after + entriesAtOnce;
      const found = await rooms.entries.query({ after, upTo, limit: entriesAtOnce });
      if (typeof found === 'string') return refusal('busy', 'The journal is being read by others: try again in a moment.');
      const lines = found
        .filter(({ event }) => Object.entries(event).some(([field, value]) => value === id && personFields.has(field)))
        .map((entry) => JSON.stringify({ ...entry, event: withoutOthers(entry.event, id) }));
      return done({ lines, ...(upTo < rooms.journal.head && { next: upTo }) });
    },
  }),
];
