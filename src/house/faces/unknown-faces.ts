/** Faces that nobody has named: groups of them, their pictures, and the enrolment of one with a name. */
import { Fault, messageOf } from '../../base/errors.ts';
import { Type } from '../../base/schema.ts';
import { consentSchema } from '../../command/enrol.ts';
import type { Outcome } from '../../command/port.ts';
import { type Call, done, refusal, unavailable } from '../../command/spec.ts';
import type { Enrolment } from '../../identity/port.ts';
import { marks } from '../../retrain/port.ts';
import type { UnknownPicture } from '../../retrain/samples.ts';
import { type ConsolePorts, defineOperation } from '../console/operation.ts';

const closed = { additionalProperties: false } as const;
const id = Type.String({ pattern: '^[0-9a-f]{64}$', description: 'Of the picture.' });
const pictureSchema = Type.Object(
  { id, seq: Type.Integer(), takenAt: Type.String({ format: 'date-time' }), mark: Type.Optional(Type.Enum([...marks])) },
  closed,
);
const told = ({ id: picture, seq, takenAt, mark }: UnknownPicture) => ({ id: picture, seq, takenAt, ...(mark && { mark }) });

const mostPictures = 20;

export const unknownFaceOperations = [
  defineOperation({
    name: 'unknown-faces.list',
    summary: 'Kept pictures of people whom nobody has named, in groups of one person each. Ask again while `comparing` is there.',
    role: 'operator',
    changes: false,
    args: Type.Object({}, closed),
    result: Type.Object(
      {
        comparing: Type.Optional(Type.Object({ done: Type.Integer(), total: Type.Integer() }, closed)),
        groups: Type.Array(Type.Array(pictureSchema)),
        alone: Type.Array(pictureSchema),
        unread: Type.Integer({ description: 'Pictures that show no face that can be compared.' }),
        more: Type.Integer({ description: 'Older pictures that are not compared.' }),
      },
      closed,
    ),
    run: ({ unknownFaces }) => {
      const { comparing, groups, alone, unread, more } = unknownFaces.found();
      return done({
        ...(comparing && { comparing }),
        groups: groups.map((group) => group.map(told)),
        alone: alone.map(told),
        unread,
        more,
      });
    },
  }),
  defineOperation({
    name: 'unknown-faces.picture',
    summary: 'A kept picture of somebody whom nobody has named, in base64; GET unknown-faces/ID gives it as it is.',
    role: 'operator',
    changes: false,
    args: Type.Object({ picture: id }, closed),
    result: Type.Object({ picture: Type.String({ contentEncoding: 'base64', contentMediaType: 'image/jpeg' }) }, closed),
    run: ({ rooms: { learning } }, { picture }) => {
      const bytes = learning?.samples.unknown(picture);
      return bytes ? done({ picture: Buffer.from(bytes).toString('base64') }) : refusal('not-found', 'There is no such picture any more.');
    },
  }),
  defineOperation({
    name: 'unknown-faces.enrol',
    summary: 'Enrols the person whom these pictures show; each picture is judged as in every enrolment.',
    role: 'admin',
    changes: true,
    args: Type.Object(
      {
        name: Type.String({ minLength: 1, maxLength: 320 }),
        pictures: Type.Array(id, { minItems: 1, maxItems: mostPictures }),
        consent: Type.Optional(consentSchema),
      },
      closed,
    ),
    result: Type.Object(
      {
        personId: Type.String(),
        pictures: Type.Integer({ description: 'That the person has now.' }),
        refused: Type.Array(Type.Object({ picture: id, detail: Type.String() }, closed)),
      },
      closed,
    ),
    run: async (ports, { name, pictures, consent }, call) => {
      if (!ports.enrolment) return unavailable('enrolment');
      const sessions = ports.enrolment.of({ name: call.who, key: call.key });
      const started = await sessions.start(name, consent && { how: 'command', ...consent });
      if (!started.ok) return refusal('refused', started.detail, started.reason);
      const { session } = started.value;
      const outcome = await enrol(ports, { sessions, session, pictures: [...new Set(pictures)], call });
      if (!outcome.ok) await sessions.abort(session);
      return outcome;
    },
  }),
];

interface Enrolling {
  readonly sessions: Enrolment;
  readonly session: string;
  readonly pictures: readonly string[];
  readonly call: Call;
}

type Enrolled = { personId: string; pictures: number; refused: { picture: string; detail: string }[] };

async function enrol(ports: ConsolePorts, { sessions, session, pictures, call }: Enrolling): Promise<Outcome<Enrolled>> {
  const { learning } = ports.rooms;
  const kept = new Map((learning?.samples.unknowns(10_000) ?? []).map((picture) => [picture.id, picture]));
  const refused: { picture: string; detail: string }[] = [];
  const isOf = new Set<string>();
  for (const picture of pictures) {
    const bytes = learning?.samples.unknown(picture);
    if (!bytes) {
      refused.push({ picture, detail: 'the picture is no longer kept' });
      continue;
    }
    const added = await sessions.addPicture(session, { picture: bytes, source: 'kept at the door' });
    if (!added.ok) return refusal('refused', added.detail, added.reason);
    const outcome = added.value;
    // A repeated picture shows the same person, and adds nothing.
    if (outcome.accepted || outcome.reasons.every((reason) => reason === 'repeated')) isOf.add(picture);
    if (!outcome.accepted) refused.push({ picture, detail: outcome.detail });
  }
  const committed = await sessions.commit(session);
  if (!committed.ok) return refusal('refused', [committed.detail, ...refused.map(({ detail }) => detail)].join(' – '), committed.reason);
  const { person } = committed.value;
  for (const seq of wholeEntries([...kept.values()], isOf)) markAs(ports, seq, person.id, call);
  return done({ personId: person.id, pictures: person.pictures, refused });
}

/** Entries all of whose pictures are this person's: of the others it is not known whom they show. */
function wholeEntries(kept: readonly UnknownPicture[], isOf: ReadonlySet<string>): readonly number[] {
  const entries = new Set(kept.filter((picture) => isOf.has(picture.id)).map(({ seq }) => seq));
  for (const picture of kept) if (!isOf.has(picture.id)) entries.delete(picture.seq);
  return [...entries];
}

/** The person is enrolled: what is not marked can still be marked by hand. */
function markAs({ training, rooms: { log } }: ConsolePorts, seq: number, person: string, { who }: Call): void {
  try {
    training?.mark({ seq, as: 'person', person, by: who });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    log.warn({ room: 'console', seq, err: messageOf(error) }, 'an entry of a person who was enrolled could not be marked');
  }
}
