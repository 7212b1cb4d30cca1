/** What a door answered, in words: the command with its arguments and the result in, text for people out. */
import type { ShownRules } from '../../access/port.ts';
import { type Event, likenessBands } from '../../events.ts';
import type { JobStatus } from '../../retrain/port.ts';
import { describeEvent, eventKinds } from '../door/describe.ts';
import { jobText } from '../networks/job-words.ts';
import { rulesText } from '../people/people-rules.ts';
import { counted, table } from '../words.ts';

type Fields = Readonly<Record<string, unknown>>;

export interface DoorAnswer {
  readonly door: string;
  readonly command: string;
  readonly args: Fields;
  readonly result: unknown;
}

type Words = (result: Fields, args: Fields, door: string) => string;

const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {});
const rowsOf = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.map(fieldsOf) : []);

function cell(value: unknown): string {
  if (value === undefined || value === null) return '–';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Columns by field; `nothing` where there is no row. */
function listed(rows: readonly Fields[], columns: Readonly<Record<string, string>>, nothing: string): string {
  if (rows.length === 0) return nothing;
  return table([Object.keys(columns), ...rows.map((row) => Object.values(columns).map((field) => cell(row[field])))]);
}

/** A sentence with the entry that it left in the journal. */
const entered =
  (sentence: (args: Fields, door: string) => string): Words =>
  ({ seq }, args, door) =>
    `${sentence(args, door)} (journal entry ${cell(seq)})`;

const personText: Words = ({ name, pictures, enrolledAt, id }) =>
  `${cell(name)}: ${counted(Number(pictures), 'picture')}, enrolled ${cell(enrolledAt)}, id ${cell(id)}`;

const rulesOf: Words = ({ person, rules }) => `${cell(fieldsOf(person).name)}: ${rulesText(fieldsOf(rules) as ShownRules)}`;

const sessionText: Words = ({ session, state, pictures, prompt, problem, expiresAt }) =>
  [
    `session ${cell(session)}: ${cell(state)}, ${counted(Number(pictures), 'picture')}, open until ${cell(expiresAt)}`,
    ...[prompt, problem].filter((line) => line !== undefined).map(cell),
  ].join('\n');

const entryText = (entry: Fields): string => {
  const known = eventKinds.some((kind) => kind === entry.kind);
  const band = likenessBands.find((name) => name === entry.band);
  const text = known ? describeEvent(entry as unknown as Event, { nameOf: (id) => id, band }) : '';
  return `${cell(entry.at)}  ${cell(entry.seq).padStart(6)}  ${cell(entry.kind).padEnd(15)}  ${text}`;
};

const jobIn: Words = ({ job }) =>
  job === undefined ? 'Nothing has been trained at this door yet' : jobText(fieldsOf(job) as unknown as JobStatus);

const words: Readonly<Record<string, Words>> = {
  'door.open': entered((_, door) => `The lock of ${door} was released`),
  'door.hold': entered(
    ({ durationMs }, door) =>
      `The lock of ${door} is held open for ${Number(durationMs) / 1000} s at most; "facelatch send ${door} door.release" ends it`,
  ),
  'door.release': entered((_, door) => `The lock of ${door} is no longer held open`),
  'lockout.reset': entered((_, door) => `The lock-out of ${door} has ended`),
  arm: entered((_, door) => `Faces may open ${door}`),
  disarm: entered((_, door) => `No face opens ${door} until "facelatch send ${door} arm"`),
  'door.left': entered(({ person }, door) => `${cell(person)} counts as having left ${door}`),
  pin: entered((_, door) => `The PIN was accepted at ${door}`),

  'people.rule': rulesOf,
  'people.enable': rulesOf,
  'people.disable': rulesOf,
  'people.get': personText,
  'people.rename': personText,
  'people.picture.remove': personText,
  'people.list': ({ people }, _, door) =>
    listed(rowsOf(people), { name: 'name', pictures: 'pictures', enrolled: 'enrolledAt', id: 'id' }, `Nobody is enrolled at ${door}`),
  'people.pictures': ({ pictures }) => listed(rowsOf(pictures), { id: 'id', picture: 'source', added: 'addedAt' }, 'No pictures'),
  'people.remove': ({ removed }, { person }, door) =>
    `${cell(person)} was ${removed === true ? 'removed from' : 'not enrolled at'} ${door}`,

  'enrol.start': sessionText,
  'enrol.status': sessionText,
  'enrol.take': sessionText,
  'enrol.abort': sessionText,
  'enrol.commit': ({ personId, pictures, digest }) =>
    `${cell(personId)} is enrolled with ${counted(Number(pictures), 'picture')}\ndigest ${cell(digest)}`,

  'journal.query': ({ entries }) => rowsOf(entries).map(entryText).join('\n') || 'No entries',
  'config.get': ({ settings }) =>
    table(Object.entries(fieldsOf(settings)).map(([path, value]) => [path, JSON.stringify(value)])) || 'No settings',
  'config.set': ({ path, before, value }) => `${cell(path)} was ${cell(before)} and is ${cell(value)}, until the daemon starts again`,
  'model.list': ({ models, trained }) =>
    [
      listed(rowsOf(models), { name: 'name', version: 'version', kind: 'kind', state: 'state' }, 'No networks'),
      listed(
        rowsOf(trained),
        { trained: 'id', version: 'version', state: 'state', recipe: 'recipe', made: 'createdAt', note: 'note' },
        'No network was trained for this door',
      ),
    ].join('\n\n'),
  'train.start': jobIn,
  'train.status': jobIn,
  'train.cancel': ({ cancelled }) => (cancelled === true ? 'The training is cancelled' : 'No training is running'),
  'model.promote': ({ measuring }) =>
    `${cell(measuring)} is being measured; the journal (model.promoted or model.refused) shows the result`,
  'model.rollback': ({ to, from }) =>
    `${to === 'base' ? 'The network of the configuration' : cell(to)} guards the door again, in place of ${cell(from)}`,
  mark: ({ pictures }, { seq }) =>
    Number(pictures) > 0
      ? `Entry ${cell(seq)} is marked; the next training learns from ${counted(Number(pictures), 'picture')}`
      : `Entry ${cell(seq)} is marked; no picture of it was kept, so nothing can be learned from it`,
};

export function answerText({ door, command, args, result }: DoorAnswer): string {
  const fields = fieldsOf(result);
  const describe = words[command];
  if (describe) return describe(fields, args, door);
  return (
    Object.entries(fields)
      .map(([name, value]) => `${name}: ${cell(value)}`)
      .join('\n') || 'done'
  );
}
