/** What happened at the door, page by page, with names and what is kept of it. */
import { messageOf } from '../../base/errors.ts';
import { Type } from '../../base/schema.ts';
import { done, refusal } from '../../command/spec.ts';
import { denials, type Event, type EventKind } from '../../events.ts';
import type { Entry, JournalPage } from '../../journal/port.ts';
import { personFields } from '../../journal/pseudonyms.ts';
import { marks } from '../../retrain/port.ts';
import type { Rooms } from '../rooms.ts';
import { defineOperation } from './operation.ts';

const closed = { additionalProperties: false } as const;
const time = Type.String({ format: 'date-time', maxLength: 40, description: 'ISO 8601.' });
const seq = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });

/** What a timeline shows, by what people look for. */
const kindsOf = {
  opened: ['access.granted'],
  denied: ['access.denied'],
  asked: ['access.challenged', 'access.pending', 'pin.accepted'],
  requests: ['request.granted', 'request.refused', 'hold.ended', 'person.left'],
  door: ['door.opened', 'door.closed', 'relay.failed'],
  alarms: [
    ...(['door.held-open', 'door.forced-open', 'tamper.raised', 'tamper.cleared', 'lockout.started', 'lockout.ended'] as const),
    ...(['access.stopped', 'access.resumed', 'camera.failed', 'camera.restored', 'gallery.lost', 'journal.replaced'] as const),
  ],
} as const satisfies Readonly<Record<string, readonly EventKind[]>>;
const shown = Object.keys(kindsOf) as (keyof typeof kindsOf)[];

const mostOnPage = 200;
const mostKinds = 50;

const markSchema = Type.Object({ as: Type.Enum([...marks]), by: Type.String(), at: time, personId: Type.Optional(Type.String()) }, closed);
const entrySchema = Type.Object(
  {
    seq: Type.Integer(),
    at: time,
    event: Type.Record(Type.String(), Type.Unknown(), { description: 'As it stands in the journal; `kind` says what its fields are.' }),
    pictures: Type.Integer({ minimum: 0, description: 'That are kept of it: kept-pictures/SEQ/1 and so on.' }),
    mark: Type.Optional(markSchema),
  },
  closed,
);

export const timelineOperations = [
  defineOperation({
    name: 'timeline.page',
    summary: 'What happened at the door, the newest first, page by page: with names, marks, and how many pictures are kept.',
    role: 'viewer',
    changes: false,
    args: Type.Object(
      {
        show: Type.Optional(
          Type.Array(Type.Enum([...shown, 'everything']), {
            maxItems: shown.length + 1,
            description: 'All but `everything` where absent.',
          }),
        ),
        kinds: Type.Optional(
          Type.Array(Type.String({ maxLength: 64 }), { maxItems: mostKinds, description: 'Kinds of event, in place of `show`.' }),
        ),
        reasons: Type.Optional(
          Type.Array(Type.Enum([...denials]), { maxItems: denials.length, description: 'Of denials, only those for one of these.' }),
        ),
        person: Type.Optional(
          Type.String({ maxLength: 64, description: 'An id: entries about this person, and denials for which they were the most alike.' }),
        ),
        since: Type.Optional(time),
        until: Type.Optional(time),
        before: Type.Optional({ ...seq, description: 'Only entries before this one: `next` of the page before.' }),
        after: Type.Optional(Type.Integer({ minimum: 0, description: 'Only entries after this one.' })),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: mostOnPage })),
      },
      closed,
    ),
    result: Type.Object(
      {
        entries: Type.Array(entrySchema),
        names: Type.Record(Type.String(), Type.String(), { description: 'Of the people in these entries, by id.' }),
        next: Type.Optional(
          Type.Integer({
            description: '`before` of the next page; absent at the end. A page with few entries, or none, may have a next one.',
          }),
        ),
      },
      closed,
    ),
    run: async ({ rooms }, { show, kinds = kindsFor(show), person, limit = 50, ...rest }) => {
      const page = await rooms.entries.page({
        ...rest,
        limit,
        // An unknown kind fits no entry.
        ...(kinds && { kinds: [...new Set(kinds)] as EventKind[] }),
        ...(person !== undefined && { personId: person }),
      });
      if (page === 'busy') return refusal('busy', 'Too many look into the journal now: try again in a moment.');
      return done(await told(rooms, page));
    },
  }),
  defineOperation({
    name: 'timeline.picture',
    summary: 'A kept picture of an entry, in base64; GET kept-pictures/SEQ/NUMBER gives it as it is.',
    role: 'operator',
    changes: false,
    args: Type.Object(
      { seq, number: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: 'The first where absent.' })) },
      closed,
    ),
    result: Type.Object(
      { pictures: Type.Integer(), picture: Type.String({ contentEncoding: 'base64', contentMediaType: 'image/jpeg' }) },
      closed,
    ),
    run: ({ rooms: { learning } }, { seq: of, number = 1 }) => {
      const pictures = learning?.samples.pictures(of) ?? [];
      const picture = pictures[number - 1];
      if (!picture) return refusal('not-found', `Entry ${of} has ${pictures.length} kept pictures, and no number ${number}.`);
      return done({ pictures: pictures.length, picture: Buffer.from(picture).toString('base64') });
    },
  }),
];

/** Undefined: every kind. */
function kindsFor(show: readonly (keyof typeof kindsOf | 'everything')[] = shown): readonly string[] | undefined {
  return show.includes('everything') ? undefined : show.flatMap((each) => (each === 'everything' ? [] : kindsOf[each]));
}

async function told(rooms: Rooms, { entries, marks: marked, next }: JournalPage) {
  const pictures = countsOf(rooms, entries);
  const marksBySeq = new Map(marked.map((mark) => [mark.event.kind === 'entry.marked' ? mark.event.markedSeq : 0, mark]));
  return {
    entries: entries.map((entry) => {
      const mark = marksBySeq.get(entry.seq);
      return {
        ...{ seq: entry.seq, at: entry.at, event: { ...entry.event } },
        pictures: pictures.get(entry.seq) ?? 0,
        ...(mark && { mark: markOf(mark) }),
      };
    }),
    names: await namesIn(rooms, [...entries, ...marked]),
    ...(next !== undefined && { next }),
  };
}

/** A door that cannot read what it keeps shows its timeline without pictures. */
function countsOf({ learning, lock, log }: Rooms, entries: readonly Entry[]): ReadonlyMap<number, number> {
  const seqs = entries.flatMap(({ seq: of, event: { kind } }) => (kind === 'access.granted' || kind === 'access.denied' ? [of] : []));
  if (!learning || lock || seqs.length === 0) return new Map();
  try {
    return learning.samples.counts(seqs);
  } catch (error) {
    log.warn({ room: 'console', err: messageOf(error) }, 'kept pictures cannot be counted');
    return new Map();
  }
}

function markOf({ at, event }: Entry) {
  if (event.kind !== 'entry.marked') throw new TypeError(`${event.kind} is no mark`);
  const { as, by, personId } = event;
  return { as: marks.find((each) => each === as) ?? 'stranger', by, at, ...(personId !== undefined && { personId }) };
}

/** Each name is opened for it: the door's thread is given back in between. */
const namesAtATime = 10;

async function namesIn({ eyes, lock }: Rooms, entries: readonly Entry[]): Promise<Record<string, string>> {
  if (lock) return {};
  const names: Record<string, string> = {};
  for (const [n, id] of [...new Set(entries.flatMap(({ event }) => peopleIn(event)))].entries()) {
    if (n % namesAtATime === namesAtATime - 1) await new Promise(setImmediate);
    const name = eyes.gallery.find(id)?.name;
    if (name !== undefined) names[id] = name;
  }
  return names;
}

const peopleIn = (event: Event): string[] =>
  Object.entries(event).flatMap(([field, value]) => (personFields.has(field) && typeof value === 'string' ? [value] : []));
