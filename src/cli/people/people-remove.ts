/**
 * `facelatch people remove` and `people seal`: what is asked before it is done, because nothing takes it back.
 */
import { Command } from 'commander';
import { stampingWall } from '../../access/clock/stamping.ts';
import { consentRules } from '../../adapters/consents.ts';
import { journalOf } from '../../adapters/journal.ts';
import { Fault } from '../../base/errors.ts';
import { systemClock } from '../../base/time.ts';
import type { Event } from '../../events.ts';
import { openShredder } from '../../house/removal/open.ts';
import { pictureToForget } from '../../identity/picture-id.ts';
import type { Gallery } from '../../identity/port.ts';
import { rosterOf } from '../../identity/roster.ts';
import type { Journal } from '../../journal/port.ts';
import { shownId } from '../../retrain/labels.ts';
import type { Config } from '../../settings/load.ts';
import { agrees } from '../agrees.ts';
import { type CommonOptions, checkState, configOf, exitCodes, print, withCommon, withHelp } from '../context.ts';
import { findPerson } from '../person.ts';
import { surroundings } from '../surroundings.ts';
import { counted, people as peopleCount } from '../words.ts';
import { changePeople, changeStored, openPeople } from './opened.ts';
import { removalProof } from './removal-proof.ts';

type Exit = (code: number) => void;

export function removeCommand(stop: AbortSignal, exit: Exit): Command {
  const command = new Command('remove')
    .description('delete a person with everything that the door holds of them, or one of their pictures')
    .argument('<name|id>', 'the person')
    .option('--picture <id>', 'only this picture: its id ("people show" lists them) or the beginning of it')
    .option('-y, --yes', 'do not ask');
  withHelp(
    command,
    [
      'facelatch people remove Ada',
      'facelatch people remove Ada --yes    # in a script',
      'facelatch people remove Ada --picture 3fa9c01d    # a bad one; the rest stays',
    ],
    'removed',
    'not removed: the answer was not yes',
  );
  return withCommon(command).action(async (who: string, options: CommonOptions & { readonly yes?: boolean; readonly picture?: string }) => {
    using open = changeStored(options);
    const { gallery, config, vault } = open;
    const person = findPerson(gallery, who);
    const picture = options.picture === undefined ? undefined : pictureToForget(person, gallery.pictures(person.id), options.picture);
    const what =
      picture === undefined ? `${person.name} and ${counted(person.pictures, 'picture')}` : `picture ${shownId(picture)} of ${person.name}`;
    if (!options.yes && !(await isSure(what, stop))) {
      print(options, { removed: false, person }, () => `${picture === undefined ? person.name : what} was not removed`);
      return exit(exitCodes.no);
    }
    const append = (event: Event) => inJournal(config, (journal) => journal.append(event));
    const notes: Pick<Journal, 'note' | 'keep'> = {
      note: (name) => inJournal(config, (journal) => journal.note(name)),
      keep: (kept) => inJournal(config, (journal) => journal.keep(kept)),
    };
    using shredder = openShredder(config, { vault, gallery, record: append, notes });
    const consents = consentRules(config, vault, { wall: stampingWall(systemClock, () => notes) });
    const roster = rosterOf({ gallery, journal: { append }, consents, shred: shredder.shred });
    if (picture !== undefined) {
      const { pictures: left } = roster.removePicture(person.id, picture, 'cli');
      print(options, { removed: true, person: { ...person, pictures: left }, picture }, () => `${what} was removed, ${left} left`);
      return exit(exitCodes.yes);
    }
    roster.remove(person.id);
    const proof = await removalProof(shredder);
    const words = `${person.name} was removed, with ${counted(person.pictures, 'picture')}`;
    print(options, { removed: true, person, ...proof?.json }, () => [words, ...(proof?.lines ?? [])].join('\n'));
    exit(exitCodes.yes);
  });
}

/** Opens the journal only now: one that cannot be opened does not keep a person who is being removed. */
function inJournal<T>(config: Config, work: (journal: Journal) => T): T {
  using journal = journalOf(config);
  return work(journal);
}

function isSure(what: string, stop: AbortSignal): Promise<boolean> {
  if (!surroundings().stdin.isTTY)
    throw new Fault('bad-argument', `Nobody can answer whether to remove ${what}, because this is not a terminal: add --yes`);
  return agrees(`Remove ${what} for good?`, stop);
}

export function sealCommand(stop: AbortSignal, exit: Exit): Command {
  const command = new Command('seal')
    .description(
      "vouch for everybody who is stored: seal all rows again with this door's keys, after a restored backup or new keys. Look at the list first: whoever stands in it will be let in",
    )
    .option('-y, --yes', 'do not ask');
  withHelp(command, ['facelatch people', 'facelatch people seal'], 'sealed', 'not sealed: the answer was not yes');
  return withCommon(command).action(async (options: CommonOptions & { readonly yes?: boolean }) => {
    const { config } = configOf(options);
    checkState(config);
    const enrolled = withPeople(config, false, (gallery) => gallery.list().length);
    const what = `Let in all ${peopleCount(enrolled)} as they are stored now?`;
    if (!options.yes && !(await agrees(what, stop))) {
      print(options, { sealed: false, people: enrolled }, () => 'nothing was sealed');
      return exit(exitCodes.no);
    }
    // Journalled first: it lets people in.
    inJournal(config, (journal) => journal.append({ kind: 'gallery.sealed', people: enrolled, by: 'cli' }));
    withPeople(config, true, () => undefined);
    print(options, { sealed: true, people: enrolled }, () => `sealed: ${peopleCount(enrolled)}`);
    exit(exitCodes.yes);
  });
}

function withPeople<T>(config: Config, reseal: boolean, work: (gallery: Gallery) => T): T {
  using open = reseal ? changePeople(config, reseal) : openPeople(config);
  return work(open.gallery);
}
