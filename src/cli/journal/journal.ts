/**
 * `facelatch journal`: what happened at the door, by person, kind and time; follows it; checks that nothing was
 * changed.
 */
import { Command, Option } from 'commander';
import { journalOf } from '../../adapters/journal.ts';
import { Fault } from '../../base/errors.ts';
import type { ChainVerdict, Entry, Journal, Query } from '../../journal/port.ts';
import type { Config } from '../../settings/load.ts';
import {
  type CommonOptions,
  checkState,
  collected,
  configOf,
  exitCodes,
  print,
  wholeNumber,
  withCommon,
  withHelp,
  write,
} from '../context.ts';
import { describeEvent, eventKinds } from '../door/describe.ts';
import { type Bar, likenessHelp } from '../likeness-words.ts';
import { openProgress } from '../progress.ts';
import { counted } from '../words.ts';
import { markCommand, marksCommand } from './journal-marks.ts';
import { type Names, nameIn, openNames, refresh } from './journal-names.ts';
import { type JournalFilter, queryOf } from './journal-query.ts';

interface JournalOptions extends CommonOptions, JournalFilter {
  readonly follow?: boolean;
}

export function journalCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('journal')
    .summary('what happened at the door; check that the record is whole')
    .description("Show the journal, the door's append-only record, or verify that no row of it was changed, removed or moved.");
  withHelp(
    command,
    [
      'facelatch journal                                   the latest 50 entries',
      'facelatch journal --person Ada --since 2d           Ada in the last two days',
      'facelatch journal --kind access --until 2026-01-31  grants and denials up to a day',
      'facelatch journal --follow --json | jq .event       as it happens',
      'facelatch journal verify                            is it whole? exit 1 if not',
      'facelatch journal mark 1042 --not-them              what an entry really showed, for training',
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
    .description('entries, oldest first (the default of `facelatch journal`)')
    .option('-p, --person <name|id>', 'only entries about this person')
    .addOption(
      new Option(
        '-k, --kind <kind>',
        `only this kind, or all that start with it (access: access.granted, access.denied); may be given more than once. Kinds: ${eventKinds.join(', ')}`,
      ).argParser(collected),
    )
    .option('--since <time>', 'from this time on: ISO 8601 (2026-01-31T08:00) or a time ago (30m, 12h, 2d, 1w)')
    .option('--until <time>', 'up to this time, written the same way')
    .option('-n, --limit <n>', 'at most the newest n', wholeNumber('--limit', 1, 1_000_000), 50)
    .option('-f, --follow', 'show new entries as they are written, until Ctrl-C');
  withHelp(command, ['facelatch journal --person Ada --since 2d', 'facelatch journal --follow'], 'done');
  command.addHelpText('after', likenessHelp);
  return withCommon(command)
    .allowExcessArguments()
    .action(async (options: JournalOptions) => {
      // Unknown subcommands arrive here.
      const [slip] = command.args;
      if (slip !== undefined)
        throw new Fault('bad-argument', `There is no "facelatch journal ${slip}": choose from show, verify, mark and marks`);
      exit(await show(options, stop));
    });
}

async function show(options: JournalOptions, stop: AbortSignal): Promise<number> {
  const { config } = configOf(options);
  checkState(config);
  using journal = journalOf(config);
  using names = openNames(config, options.person === undefined);
  const query = queryOf(options, names, Date.now());
  const say = (entry: Entry) => write(options.json ? entryJson(entry, names) : entryText(entry, names, journal));
  const head = journal.head; // before the query: what is written meanwhile is followed, not missed
  for (const entry of journal.query(query).filter(({ seq }) => !options.follow || seq <= head)) say(entry);
  if (options.follow) await follow(journal, head, query, names, say, stop);
  return exitCodes.yes;
}

/** Ends when stopped. */
async function follow(journal: Journal, head: number, query: Query, names: Names, say: (entry: Entry) => void, stop: AbortSignal) {
  for await (const entry of journal.tail(head, stop)) {
    const { event, at } = entry;
    if (query.kinds && !query.kinds.includes(event.kind)) continue;
    if (query.personId !== undefined && !('personId' in event && event.personId === query.personId)) continue;
    if (query.until !== undefined && at > query.until) return;
    refresh(names); // somebody enrolled since then has a name too
    say(entry);
  }
}

function entryText({ seq, at, event }: Entry, names: Names, journal: Journal): string {
  const threshold = event.kind === 'access.denied' && event.likeness ? (event.threshold ?? thresholdAt(seq, journal)) : undefined;
  return `${at}  ${String(seq).padStart(6)}  ${event.kind.padEnd(15)}  ${describeEvent(event, { nameOf: nameIn(names), threshold })}`;
}

/** A denial of an older version does not note its threshold: the last one noted before it. */
function thresholdAt(seq: number, journal: Journal): Bar | undefined {
  const [noted] = journal.query({ kinds: ['access.granted', 'daemon.started'], upTo: seq, limit: 1 });
  return noted && 'threshold' in noted.event ? noted.event.threshold : undefined;
}

/** The entry as it is stored, with the name that its person has now (null for someone removed). */
function entryJson(entry: Entry, names: Names): string {
  const { event } = entry;
  const person = 'personId' in event ? { person: names.find(event.personId)?.name ?? null } : {};
  return JSON.stringify({ ...entry, ...person });
}

function verifyCommand(exit: (code: number) => void): Command {
  const command = new Command('verify').description(
    'recompute the whole chain of hashes: finds and names a row that was changed, removed or moved',
  );
  withHelp(command, ['facelatch journal verify', 'facelatch journal verify --json'], 'whole', 'damaged');
  return withCommon(command).action((options: CommonOptions) => {
    const { config } = configOf(options);
    checkState(config);
    const verdict = verifiedJournal(config);
    print(options, verdict, () =>
      verdict.ok
        ? `the journal is whole: ${entriesText(verdict)}${signedWords(verdict)}`
        : `the journal is damaged at row ${verdict.seq} (${verdict.problem}): ${verdict.detail}`,
    );
    exit(verdict.ok ? exitCodes.yes : exitCodes.no);
  });
}

/** How many entries there are, and where the journal begins. */
export function entriesText({ entries, cut }: ChainVerdict & { readonly ok: true }): string {
  if (!cut) return counted(entries, 'entry', 'entries');
  const left = counted(entries - cut.seq, 'entry', 'entries');
  return `${left}, from row ${cut.seq + 1} on (those before it were removed on ${cut.at.slice(0, 10)}, which this door signed)`;
}

/** What the door's signatures vouch for. */
export function signedWords({ entries, checkpoints }: ChainVerdict & { readonly ok: true }): string {
  if (!checkpoints || entries === 0) return '';
  const { signed, others, last } = checkpoints;
  if (last === undefined) return '; none of it is signed yet';
  const earlier = others > 0 ? `, ${others} by keys that this door no longer has` : '';
  return `, signed up to row ${last} (${counted(signed, 'checkpoint')}${earlier})`;
}

function verifiedJournal(config: Config): ChainVerdict {
  using journal = journalOf(config);
  const progress = openProgress('verifying', journal.head, 'rows');
  try {
    return journal.verify(progress.update);
  } finally {
    progress.stop();
  }
}
