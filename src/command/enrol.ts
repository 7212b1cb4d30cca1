/**
 * Commands of enrolment sessions: start, add pictures (whole or in parts), take them at the door, status, commit,
 * abort.
 */
import { Type } from '../base/schema.ts';
import { consentWays } from '../events.ts';
import { type Enrolment, type EnrolmentAnswer, type EnrolmentStatus, type PictureOutcome, pictureRefusals } from '../identity/port.ts';
import type { Outcome } from './port.ts';
import { type Call, type CommandPorts, defineCommand, done, refusal, unavailable } from './spec.ts';

const closed = { additionalProperties: false } as const;
const session = Type.String({ minLength: 1, maxLength: 64, description: 'What enrol.start answered.' });
const inSession = Type.Object({ session }, closed);
/** What somebody agreed to. */
export const consentSchema = Type.Object(
  {
    version: Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$', description: 'Of the text that the person agreed to.' }),
    how: Type.Optional(Type.Enum([...consentWays], { description: 'How they did. `command` where it is not said.' })),
  },
  { ...closed, description: 'The consent of the person. Needed where `privacy.consent` is `required`.' },
);

/** What became of a picture. */
export const outcomeSchema = Type.Object(
  {
    accepted: Type.Boolean(),
    source: Type.Optional(Type.String({ description: 'As the sender called it. Only in the answer to the sender: it may name somebody.' })),
    detail: Type.String(),
    reasons: Type.Optional(Type.Array(Type.Enum([...pictureRefusals]))),
    personId: Type.Optional(Type.String()),
    picture: Type.Optional(
      Type.String({ description: 'Of a picture that was sent: its id where it is stored, SHA-256 (hexadecimal) of its cleaned bytes.' }),
    ),
  },
  closed,
);
/** How a session stands; also what is published as the prompts change. */
export const statusSchema = Type.Object(
  {
    session: Type.String(),
    state: Type.Enum(['collecting', 'taking', 'committed', 'aborted', 'expired']),
    pictures: Type.Integer({ minimum: 0 }),
    prompt: Type.Optional(Type.String()),
    wanted: Type.Optional(Type.Integer()),
    last: Type.Optional(outcomeSchema),
    problem: Type.Optional(Type.String({ description: "Why the door's camera took fewer pictures than were wanted." })),
    expiresAt: Type.String({ format: 'date-time' }),
  },
  closed,
);

/** Without the name: only the operator, who knows it, needs to know who is being enrolled. */
function statusOf({ name: _name, last, ...status }: EnrolmentStatus) {
  return { ...status, ...(last && { last: outcomeOf(last) }) };
}

/** How a session stands, for everybody who reads from the broker: without what the sender called the pictures. */
export function publicStatusOf(status: EnrolmentStatus) {
  const { last, ...told } = statusOf(status);
  if (!last) return told;
  const { source: _source, ...outcome } = last;
  return { ...told, last: outcome };
}

function outcomeOf(outcome: PictureOutcome) {
  const { accepted, source, detail, picture } = outcome;
  const told = { accepted, source, detail, ...(picture === undefined ? {} : { picture }) };
  if (outcome.accepted) return told;
  return {
    ...told,
    reasons: [...outcome.reasons],
    ...(outcome.personId === undefined ? {} : { personId: outcome.personId }),
  };
}

async function ask<T, R>(
  { enrolment }: CommandPorts,
  { who, key }: Call,
  request: (sessions: Enrolment) => Promise<EnrolmentAnswer<T>>,
  tell: (value: T) => R,
): Promise<Outcome<R>> {
  if (!enrolment) return unavailable('remote enrolment');
  const answer = await request(enrolment.of({ name: who, key }));
  return answer.ok ? done(tell(answer.value)) : refusal('refused', answer.detail, answer.reason);
}

/** Adds a picture that came whole. */
export const addWhole = (
  ports: CommandPorts,
  call: Call,
  { session, ...picture }: { readonly session: string; readonly picture: Uint8Array; readonly source: string },
) => ask(ports, call, (sessions) => sessions.addPicture(session, picture), outcomeOf);

const onSession = (name: string, summary: string, act: (sessions: Enrolment, id: string) => Promise<EnrolmentAnswer<EnrolmentStatus>>) =>
  defineCommand({
    name,
    summary,
    role: 'admin',
    changes: name !== 'enrol.status',
    args: inSession,
    result: statusSchema,
    run: (ports, args, call) => ask(ports, call, (sessions) => act(sessions, args.session), statusOf),
  });

export const enrolCommands = [
  defineCommand({
    name: 'enrol.start',
    summary: 'Begins to enrol a person, or to add pictures to one; nothing is stored before enrol.commit.',
    role: 'admin',
    changes: true,
    args: Type.Object({ name: Type.String({ minLength: 1, maxLength: 320 }), consent: Type.Optional(consentSchema) }, closed),
    result: statusSchema,
    run: (ports, { name, consent }, call) =>
      ask(ports, call, (sessions) => sessions.start(name, consent && { how: 'command', ...consent }), statusOf),
  }),
  defineCommand({
    name: 'enrol.add',
    summary: 'Adds one picture, or a part of one; it is judged at once.',
    role: 'admin',
    changes: true,
    args: Type.Object(
      {
        session,
        picture: Type.String({
          minLength: 4,
          contentEncoding: 'base64',
          pattern: '^[A-Za-z0-9+/]+={0,2}$',
          description: 'The encoded picture.',
        }),
        source: Type.Optional(Type.String({ minLength: 1, maxLength: 100, description: 'Where it comes from, for people.' })),
        part: Type.Optional(
          Type.Object(
            {
              upload: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$', description: 'The same for all parts of one picture.' }),
              index: Type.Integer({ minimum: 1, maximum: 1000 }),
              of: Type.Integer({ minimum: 1, maximum: 1000 }),
            },
            closed,
          ),
        ),
      },
      closed,
    ),
    result: Type.Union([outcomeSchema, Type.Object({ received: Type.Integer(), of: Type.Integer() }, closed)]),
    run: async (ports, { session: id, picture: base64, source = 'mqtt', part }, call) => {
      // Parts are kept only for a session of this key.
      const open = await ask(ports, call, (sessions) => sessions.status(id), statusOf);
      if (!open.ok) return open;
      const bytes = Buffer.from(base64, 'base64');
      const whole = part ? ports.parts.add({ key: `${call.key}/${id}/${part.upload}`, index: part.index, of: part.of, bytes }) : bytes;
      if (typeof whole === 'string') return refusal('refused', whole, 'too-large');
      if (typeof whole === 'number') return done({ received: whole, of: part?.of ?? 1 });
      return await addWhole(ports, call, { session: id, picture: whole, source });
    },
  }),
  defineCommand({
    name: 'enrol.take',
    summary: "Takes pictures with the door's own camera, prompting the person before it.",
    role: 'admin',
    changes: true,
    args: Type.Object({ session, count: Type.Optional(Type.Integer({ minimum: 1, maximum: 50 })) }, closed),
    result: statusSchema,
    run: (ports, { session: id, count = 5 }, call) => ask(ports, call, (sessions) => sessions.takeFromCamera(id, { count }), statusOf),
  }),
  onSession('enrol.status', 'How a session stands.', (sessions, id) => sessions.status(id)),
  defineCommand({
    name: 'enrol.commit',
    summary: 'Stores the person with all accepted pictures, or nothing.',
    role: 'admin',
    changes: true,
    args: inSession,
    result: Type.Object(
      {
        personId: Type.String(),
        pictures: Type.Integer({ description: 'That the person has now.' }),
        added: Type.Array(Type.String(), { description: 'The pictures of this session, by the ids that enrol.add answered.' }),
        leftOut: Type.Array(Type.String(), {
          description: 'Good pictures of this session that were not stored: more than enrolment.keptPictures, and too like the others.',
        }),
        digest: Type.String({
          description: 'SHA-256 of the ids of all pictures that the person has now, sorted, each with a line feed.',
        }),
      },
      closed,
    ),
    run: (ports, args, call) =>
      ask(
        ports,
        call,
        (sessions) => sessions.commit(args.session),
        ({ person: { id, pictures }, added, leftOut, digest }) => ({
          personId: id,
          pictures,
          added: [...added],
          leftOut: [...leftOut],
          digest,
        }),
      ),
  }),
  onSession('enrol.abort', 'Ends a session; nothing of it is left.', (sessions, id) => sessions.abort(id)),
];
