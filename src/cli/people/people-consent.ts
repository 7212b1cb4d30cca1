/** `facelatch people consent`: what somebody agreed to; a consent recorded for them, or taken back with all of them. */
import { Command } from 'commander';
import { stampingWall } from '../../access/clock/stamping.ts';
import { consentRules } from '../../adapters/consents.ts';
import { journalOf } from '../../adapters/journal.ts';
import { Fault } from '../../base/errors.ts';
import { systemClock } from '../../base/time.ts';
import type { ConsentWay } from '../../events.ts';
import { openShredder } from '../../house/removal/open.ts';
import type { ConsentRecord } from '../../identity/port.ts';
import { rosterOf } from '../../identity/roster.ts';
import { agrees } from '../agrees.ts';
import { consentVersion, consentWay } from '../consent.ts';
import { type CommonOptions, exitCodes, print, withCommon, withHelp } from '../context.ts';
import { findPerson } from '../person.ts';
import { table } from '../words.ts';
import { changeStored } from './opened.ts';
import { removalProof } from './removal-proof.ts';

interface ConsentOptions extends CommonOptions {
  readonly give?: string;
  readonly how: ConsentWay;
  readonly withdraw?: boolean;
  readonly yes?: boolean;
}

export function consentCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('consent')
    .description('show what somebody agreed to, also after they were removed; record their consent, or take it back and remove them')
    .argument('<name|id>', 'the person; of somebody who was removed, the name they had')
    .option('--give <version>', 'they have agreed to this version of your text', consentVersion)
    .option('--how <way>', 'with --give: how they agreed, paper or console', consentWay, 'paper')
    .option('--withdraw', 'they take it back: delete the person for good, as "people remove" does')
    .option('-y, --yes', 'do not ask');
  withHelp(
    command,
    ['facelatch people consent Ada', 'facelatch people consent Ada --give 2026-01 --how paper', 'facelatch people consent Ada --withdraw'],
    'done',
    'no consent in force, or not removed: the answer was not yes',
  );
  return withCommon(command).action(async (who: string, options: ConsentOptions) => {
    if (options.give !== undefined && options.withdraw) throw new Fault('bad-argument', 'Give --give or --withdraw, not both');
    exit(await consent(who, options, stop));
  });
}

async function consent(who: string, options: ConsentOptions, stop: AbortSignal): Promise<number> {
  using open = changeStored(options);
  const { gallery, config, vault } = open;
  const consents = consentRules(config, vault);
  if (options.give === undefined && !options.withdraw) {
    const person = gallery.find(who);
    const records = consents.book((book) => (person ? book.of(person.id) : book.named(who)));
    if (!person && records.length === 0) findPerson(gallery, who);
    print(options, { person: person ?? null, consents: records }, () => shown(person?.name ?? who, records));
    return records.some(({ withdrawnAt, endedAt }) => withdrawnAt === undefined && endedAt === undefined) ? exitCodes.yes : exitCodes.no;
  }
  const person = findPerson(gallery, who);
  using journal = journalOf(config);
  const stamped = consentRules(config, vault, { wall: stampingWall(systemClock, () => journal) });
  using shredder = openShredder(config, { vault, gallery, record: journal.append, notes: journal });
  const roster = rosterOf({ gallery, journal, consents: stamped, shred: shredder.shred });
  if (options.give !== undefined) {
    roster.consent(person.id, { version: options.give, how: options.how }, 'cli');
    print(options, { person, given: options.give }, () => `${person.name} has agreed to ${options.give} (${options.how})`);
    return exitCodes.yes;
  }
  if (!options.yes && !(await agrees(`${person.name} takes their consent back. Remove them for good?`, stop))) {
    print(options, { removed: false, person }, () => `${person.name} was not removed`);
    return exitCodes.no;
  }
  roster.withdraw(person.id, 'cli');
  const proof = await removalProof(shredder);
  const words = `${person.name} took their consent back and was removed`;
  print(options, { removed: true, person, ...proof?.json }, () => [words, ...(proof?.lines ?? [])].join('\n'));
  return exitCodes.yes;
}

function shown(name: string, records: readonly ConsentRecord[]): string {
  if (records.length === 0) return `${name} has given no consent that is recorded`;
  const rows = records.map(({ version, how, by, givenAt, withdrawnAt, endedAt }) => [
    ...[version, how, by, givenAt],
    withdrawnAt !== undefined ? `withdrawn ${withdrawnAt}` : endedAt !== undefined ? `removed ${endedAt}` : 'in force',
  ]);
  return table([['text', 'how', 'asked by', 'given', 'now'], ...rows]);
}
