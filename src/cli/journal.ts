/** `facelatch journal`: what happened at the door, by person, kind and time; follows it; and checks that nothing in it was changed. */
import { Command, Option } from 'commander';
import type { EventKind } from '../access/port.ts';
import { galleryOf, journalOf } from '../adapters.ts';
import type { Config } from '../config.ts';
import { Fault } from '../errors.ts';
import type { Gallery } from '../identity/port.ts';
import type { Entry, Journal, Query, Verdict } from '../journal/port.ts';
import { shownId } from '../retrain/labels.ts';
import { markEntry } from '../retrain/marking.ts';
import type { Mark } from '../retrain/port.ts';
import { openStore } from '../retrain/store.ts';
import { samplesOf, storeFile } from '../retraining.ts';
import { type CommonOptions, checkState, configOf, exitCodes, print, tell, wholeNumber, withCommon, withHelp, write } from './context.ts';
import { describeEvent } from './describe.ts';
import { embedderOf } from './networks.ts';
import { findPerson } from './person.ts';
import { openProgress } from './progress.ts';
import { counted } from './words.ts';

interface JournalOptions extends CommonOptions {
  readonly person?: string;
  readonly kind?: readonly string[];
  readonly since?: string;
  readonly until?: string;
  readonly limit: number;
  readonly follow?: boolean;
}

/** Who the journal's ids are; `lost` where that cannot be read. */
type Names = Pick<Gallery, 'find' | 'list' | 'refresh'> & Disposable & { readonly lost?: true };

export function journalCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('journal')
    .summary('what happened at the door; whether the record is whole')
    .description("Show the journal, the door's append-only record; or verify that no row of it was altered, removed or moved.");
  withHelp(
    command,
    [
      'facelatch journal                                   the latest 50 entries',
      'facelatch journal --person Ada --since 2d           Ada, these two days',
      'facelatch journal --kind access --until 2026-01-31  grants and denials up to a day',
      'facelatch journal --follow --json | jq .event       as it happens',
      'facelatch journal verify                            is it whole? exit 1 when not',
      'facelatch journal mark 1042 --not-them              what an entry really showed, to learn from',
    ],
    'done',
    '(journal verify) the journal is damaged',
  );
  return command
    .addCommand(showCommand(stop, exit), { isDefault: true })
    .addCommand(verifyCommand(exit))
    .addCommand(markCommand(exit))
    .addCommand(marksCommand(exit));
}

function showCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('show')
    .description('entries, oldest first (what `facelatch journal` does by itself)')
    .option('-p, --person <name|id>', 'only entries about this person')
    .addOption(
      new Option(
        '-k, --kind <kind>',
        `only this kind, or all that start with it (access: access.granted, access.denied); may be given more than once. Kinds: ${Object.keys(kinds).join(', ')}`,
      ).argParser((value: string, before: readonly string[] = []) => [...before, value]),
    )
    .option('--since <time>', 'from this time on: ISO 8601 (2026-01-31T08:00), or so long ago (30m, 12h, 2d, 1w)')
    .option('--until <time>', 'up to this time, likewise')
    .option('-n, --limit <n>', 'the newest n that fit', wholeNumber('--limit', 1, 1_000_000), 50)
    .option('-f, --follow', 'go on with new entries as they are written, until stopped');
  withHelp(command, ['facelatch journal --person Ada --since 2d', 'facelatch journal --follow'], 'done');
  return withCommon(command)
    .allowExcessArguments()
    .action(async (options: JournalOptions) => {
      // Everything that is no other subcommand comes here.
      const [slip] = command.args;
      if (slip !== undefined)
        throw new Fault('bad-argument', `There is no "facelatch journal ${slip}"; there are show, verify, mark and marks`);
      exit(await show(options, stop));
    });
}

async function show(options: JournalOptions, stop: AbortSignal): Promise<number> {
  const { config } = configOf(options);
  checkState(config);
  using journal = journalOf(config);
  using names = openNames(config, options.person === undefined);
  const query = queryOf(options, names, Date.now());
  const say = (entry: Entry) => write(options.json ? entryJson(entry, names) : entryText(entry, names));
  const head = journal.head; // before the query: what is written meanwhile is followed, not missed
  for (const entry of journal.query(query).filter(({ seq }) => !options.follow || seq <= head)) say(entry);
  if (options.follow) await follow(journal, head, query, names, say, stop);
  return exitCodes.yes;
}

/** Opens the names of the journal's people. What happened can be read although the gallery cannot (`withoutToo`): people then go by their ids. */
function openNames(config: Config, withoutToo: boolean): Names {
  try {
    return galleryOf(config, embedderOf(config));
  } catch (error) {
    if (!(error instanceof Fault && withoutToo)) throw error;
    tell(`facelatch: people are shown by id. ${error.message}`);
    return { lost: true, find: () => undefined, list: () => [], refresh: () => false, [Symbol.dispose]: () => undefined };
  }
}

/** Until stopped, which is how following ends: no fault. */
async function follow(journal: Journal, head: number, query: Query, names: Names, say: (entry: Entry) => void, stop: AbortSignal) {
  for await (const entry of journal.tail(head, stop)) {
    const { event, at } = entry;
    if (query.kinds && !query.kinds.includes(event.kind)) continue;
    if (query.personId !== undefined && !('personId' in event && event.personId === query.personId)) continue;
    if (query.until !== undefined && at > query.until) return;
    refresh(names); // someone enrolled since has a name too
    say(entry);
  }
}

/** What happens goes on being shown while the people cannot be read (a lock, a full disk): they are known as they were. */
function refresh(names: Names): void {
  try {
    names.refresh();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    tell(`facelatch: people are shown as they were last read. ${error.message}`);
  }
}

function queryOf({ person, kind, since, until, limit }: JournalOptions, names: Names, nowMs: number): Query {
  return {
    limit,
    ...(person === undefined ? {} : { personId: personIdOf(person, names) }),
    ...(kind ? { kinds: kind.flatMap(kindsOf) } : {}),
    ...(since === undefined ? {} : { since: timeOf('--since', since, nowMs) }),
    ...(until === undefined ? {} : { until: timeOf('--until', until, nowMs) }),
  };
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Somebody removed is known to the journal by id alone. */
function personIdOf(idOrName: string, names: Names): string {
  return uuid.test(idOrName) ? idOrName : findPerson(names, idOrName).id;
}

/** Every kind of event; the compiler holds it to the access room's list. */
const kinds: Readonly<Record<EventKind, true>> = {
  'access.granted': true,
  'access.denied': true,
  'relay.pulsed': true,
  'relay.failed': true,
  'person.enrolled': true,
  'person.renamed': true,
  'person.removed': true,
  'camera.failed': true,
  'camera.restored': true,
  'reader.failed': true,
  'reader.restored': true,
  'daemon.started': true,
  'daemon.stopped': true,
  'setting.changed': true,
  'message.refused': true,
  'access.pending': true,
  'pin.accepted': true,
  'request.granted': true,
  'request.refused': true,
  'hold.ended': true,
  'door.opened': true,
  'door.closed': true,
  'door.held-open': true,
  'door.forced-open': true,
  'tamper.raised': true,
  'tamper.cleared': true,
  'lockout.started': true,
  'lockout.ended': true,
  'clock.jumped': true,
  'person.left': true,
  'person.ruled': true,
  'training.started': true,
  'training.ended': true,
  'model.promoted': true,
  'model.refused': true,
  'model.rolled-back': true,
  'model.proved': true,
  'model.removed': true,
  'entry.marked': true,
  'picture.kept': true,
};

function kindsOf(text: string): EventKind[] {
  const all = Object.keys(kinds) as EventKind[];
  const found = all.filter((kind) => kind === text || kind.startsWith(`${text}.`));
  if (found.length > 0) return found;
  throw new Fault('bad-argument', `There is no kind of event "${text}"; there are ${all.join(', ')}`);
}

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** A time as ISO 8601 in UTC, from ISO 8601 or a time ago. */
function timeOf(option: string, text: string, nowMs: number): string {
  const [, count, unit = ''] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  const ms = count ? nowMs - Number(count) * (unitMs[unit] ?? 0) : Date.parse(text);
  if (/^\d{4}-|^\d+[smhdw]$/.test(text) && !Number.isNaN(ms)) return new Date(ms).toISOString();
  throw new Fault('bad-argument', `${option} takes a time such as 2026-01-31, 2026-01-31T08:00 or 2d (two days ago), not "${text}"`);
}

function nameIn(names: Names): (id: string) => string {
  return (id) => names.find(id)?.name ?? (names.lost ? id : `someone removed (${id})`);
}

function entryText({ seq, at, event }: Entry, names: Names): string {
  return `${at}  ${String(seq).padStart(6)}  ${event.kind.padEnd(15)}  ${describeEvent(event, nameIn(names))}`;
}

/** The entry as it is stored, with the name that its person has now (null for someone removed). */
function entryJson(entry: Entry, names: Names): string {
  const { event } = entry;
  const person = 'personId' in event ? { person: names.find(event.personId)?.name ?? null } : {};
  return JSON.stringify({ ...entry, ...person });
}

interface MarkOptions extends CommonOptions {
  readonly right?: boolean;
  readonly notThem?: boolean;
  readonly stranger?: boolean;
  readonly person?: string;
}

function markCommand(exit: (code: number) => void): Command {
  const command = new Command('mark')
    .description(
      'say what an entry really showed, so that the next training learns from it: the picture is there where retrain.keepGrantsDays or retrain.keepUnknownsDays allows it',
    )
    .argument('<seq>', 'the number of the entry (access.granted or access.denied)', wholeNumber('<seq>', 1, Number.MAX_SAFE_INTEGER))
    .option('--right', 'a grant was right: its picture may be learned from')
    .option('--not-them', 'a grant was for somebody else than the entry says')
    .option('--person <name|id>', 'it shows this person')
    .option('--stranger', 'it shows nobody who is enrolled');
  withHelp(
    command,
    ['facelatch journal mark 1042 --right', 'facelatch journal mark 1043 --not-them', 'facelatch journal mark 1044 --person Ada'],
    'marked',
  );
  return withCommon(command).action((seq: number, options: MarkOptions) => {
    const { config } = configOf(options);
    checkState(config);
    const { right, notThem, stranger, person } = options;
    const said: Mark[] = [...(right ? (['right'] as const) : []), ...(notThem ? (['not-them'] as const) : [])];
    said.push(...(stranger ? (['stranger'] as const) : []), ...(person === undefined ? [] : (['person'] as const)));
    const [as, more] = said;
    if (as === undefined || more !== undefined)
      throw new Fault('bad-argument', 'Give one of --right, --not-them, --person NAME and --stranger');
    using store = openStore(storeFile(config));
    using journal = journalOf(config);
    using gallery = galleryOf(config, embedderOf(config));
    const samples = samplesOf(config, { store }, gallery);
    const marked = markEntry({ journal, samples, gallery }, { seq, as, by: 'cli', ...(person !== undefined && { person }) });
    print(options, { seq, as, ...marked }, () =>
      marked.pictures > 0
        ? `entry ${seq} is marked; the next training learns from ${counted(marked.pictures, 'picture')}`
        : `entry ${seq} is marked; no picture of it was kept, so nothing can be learned from it (retrain.keepGrantsDays, retrain.keepUnknownsDays)`,
    );
    exit(exitCodes.yes);
  });
}

function marksCommand(exit: (code: number) => void): Command {
  const command = new Command('marks').description('the entries of which pictures are kept, and what was said of them');
  withHelp(command, ['facelatch journal marks'], 'shown');
  return withCommon(command).action((options: CommonOptions) => {
    const { config } = configOf(options);
    checkState(config);
    using store = openStore(storeFile(config));
    using names = openNames(config, true);
    const kept = samplesOf(config, { store }, { list: names.list, pictures: () => [] }).kept();
    print(options, { kept }, () =>
      kept.length === 0
        ? 'No pictures of the journal are kept (retrain.keepGrantsDays, retrain.keepUnknownsDays)'
        : kept
            .map(
              ({ seq, takenAt, ids, pictures, personId, mark }) =>
                `${takenAt}  ${String(seq).padStart(6)}  ${counted(pictures, 'picture')}  ${personId === undefined ? 'turned away' : nameIn(names)(personId)}${mark === undefined ? '' : `  marked ${mark}`}  ${ids.map(shownId).join(' ')}`,
            )
            .join('\n'),
    );
    exit(exitCodes.yes);
  });
}

function verifyCommand(exit: (code: number) => void): Command {
  const command = new Command('verify').description(
    'recompute the whole chain of hashes: finds a row altered, removed or moved, and names it',
  );
  withHelp(command, ['facelatch journal verify', 'facelatch journal verify --json'], 'whole', 'damaged');
  return withCommon(command).action((options: CommonOptions) => {
    const { config } = configOf(options);
    checkState(config);
    const verdict = verifiedJournal(config);
    print(options, verdict, () =>
      verdict.ok
        ? `the journal is whole: ${counted(verdict.entries, 'entry', 'entries')}`
        : `the journal is damaged at row ${verdict.seq} (${verdict.problem}): ${verdict.detail}`,
    );
    exit(verdict.ok ? exitCodes.yes : exitCodes.no);
  });
}

function verifiedJournal(config: Config): Verdict {
  using journal = journalOf(config);
  const progress = openProgress('verifying', journal.head, 'rows');
  try {
    return journal.verify(progress.update);
  } finally {
    progress.stop();
  }
}
