/** `facelatch people`: who is enrolled; show, rename and remove a person. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { Command } from 'commander';
import { shownRules } from '../../access/person-rules.ts';
import { renewTemplates } from '../../adapters/basics.ts';
import { consentRules } from '../../adapters/consents.ts';
import { journalOf } from '../../adapters/journal.ts';
import { Fault, messageOf } from '../../base/errors.ts';
import type { Event } from '../../events.ts';
import { openShredder } from '../../house/removal/open.ts';
import { pictureToForget } from '../../identity/picture-id.ts';
import type { Gallery, Person } from '../../identity/port.ts';
import { rosterOf } from '../../identity/roster.ts';
import { manyDoorReaderOf } from '../../learning/parts.ts';
import { shownId } from '../../retrain/labels.ts';
import type { Config } from '../../settings/load.ts';
import { agrees } from '../agrees.ts';
import { type CommonOptions, checkState, configOf, exitCodes, print, withCommon, withHelp } from '../context.ts';
import { findPerson } from '../person.ts';
import { openProgress } from '../progress.ts';
import { exportCommand } from '../vault/people-export.ts';
import { importCommand } from '../vault/people-import.ts';
import { counted, people as peopleCount, table } from '../words.ts';
import { openPeople } from './opened.ts';
import { confusableCommand } from './people-confusable.ts';
import { consentCommand } from './people-consent.ts';
import { dropPicturesCommand } from './people-drop-pictures.ts';
import { pinCommand, rulesText, setCommand } from './people-rules.ts';
import { removalProof } from './removal-proof.ts';

export function peopleCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('people')
    .summary('list, show, rename, remove people; set when they may come in')
    .description('List the people who are enrolled; show, rename or remove one of them, or set when they may come in.');
  withHelp(
    command,
    [
      'facelatch people',
      'facelatch people show Ada --pictures /tmp/ada',
      'facelatch people rename Ada "Ada Lovelace"',
      'facelatch people set Cleaner --group cleaners --uses 10',
      'facelatch people remove "Ada Lovelace" --yes',
    ],
    'done',
    'not removed: the answer was not yes',
  );
  for (const sub of [listCommand(exit), showCommand(exit), renameCommand(exit)])
    command.addCommand(sub.command, { isDefault: sub.isDefault });
  return command
    .addCommand(setCommand(exit))
    .addCommand(pinCommand(stop, exit))
    .addCommand(removeCommand(stop, exit))
    .addCommand(consentCommand(stop, exit))
    .addCommand(confusableCommand(exit))
    .addCommand(reembedCommand(exit))
    .addCommand(sealCommand(stop, exit))
    .addCommand(exportCommand(stop, exit))
    .addCommand(importCommand(stop, exit))
    .addCommand(dropPicturesCommand(stop, exit));
}

/** Opens gallery and configuration for a command that changes or shows people who are there. */
function opened(options: CommonOptions) {
  const { config } = configOf(options);
  checkState(config);
  return { config, ...openPeople(config) };
}

type Exit = (code: number) => void;

function listCommand(exit: Exit) {
  const command = new Command('list').description('everyone who is enrolled (the default of `facelatch people`)');
  withHelp(command, ['facelatch people', 'facelatch people list --json'], 'done');
  // Unknown subcommands arrive here too: "too many arguments" would not help.
  withCommon(command)
    .allowExcessArguments()
    .action((options: CommonOptions) => {
      const [slip] = command.args;
      if (slip !== undefined)
        throw new Fault(
          'bad-argument',
          `There is no "facelatch people ${slip}": choose from list, show, set, pin, rename, remove, consent, confusable, reembed, export, import and drop-pictures (did you mean "facelatch people show ${slip}"?)`,
        );
      using open = opened(options);
      const { gallery } = open;
      const people = gallery.list();
      print(options, { people }, () => listing(people, gallery));
      exit(exitCodes.yes);
    });
  return { command, isDefault: true };
}

function listing(people: readonly Person[], { stale, templates }: Gallery): string {
  if (people.length === 0) return 'nobody is enrolled: facelatch enrol NAME PICTURE…';
  const rows = people.map(({ name, pictures, enrolledAt, id }) => [name, String(pictures), enrolledAt, id]);
  const remark =
    stale > 0
      ? [
          `${peopleCount(stale)} enrolled with another embedder: the running door makes their templates again, or "facelatch people reembed"`,
        ]
      : [];
  return [
    table([['name', 'pictures', 'enrolled', 'id'], ...rows]),
    `${peopleCount(people.length)}, ${counted(templates, 'template')}`,
    ...remark,
  ].join('\n');
}

function showCommand(exit: Exit) {
  const command = new Command('show')
    .description('one person and their pictures')
    .argument('<name|id>', 'the person')
    .option('--pictures <folder>', 'write the stored pictures into this folder (no file is overwritten)');
  withHelp(command, ['facelatch people show Ada', 'facelatch people show Ada --pictures /tmp/ada'], 'done');
  withCommon(command).action((who: string, options: CommonOptions & { readonly pictures?: string }) => {
    using open = opened(options);
    const { gallery } = open;
    const person = findPerson(gallery, who);
    const pictures = gallery.pictures(person.id);
    const files = options.pictures === undefined ? undefined : writePictures(options.pictures, pictures);
    const list = pictures.map(({ id, source, addedAt, picture }, i) => ({
      id,
      source,
      addedAt,
      bytes: picture?.length ?? 0,
      ...(files ? { file: files[i] } : {}),
    }));
    const rules = shownRules(gallery.rules(person.id));
    print(options, { person, rules, pictures: list }, () =>
      [
        `${person.name}, enrolled ${person.enrolledAt}, id ${person.id}`,
        rulesText(rules),
        table(
          [
            ['id', 'picture', 'added', 'bytes', ...(files ? ['written to'] : [])],
            ...list.map((row) => [
              shownId(row.id),
              row.source,
              row.addedAt,
              row.bytes === 0 ? 'not kept' : String(row.bytes),
              ...(row.file ? [row.file] : []),
            ]),
          ],
          '  ',
        ),
      ].join('\n'),
    );
    exit(exitCodes.yes);
  });
  return { command, isDefault: false };
}

function reembedCommand(exit: Exit): Command {
  const command = new Command('reembed').description('make new templates from the stored pictures after a change of embedder');
  withHelp(
    command,
    ['facelatch people reembed --set face.embedder=/path/to/folder'],
    'done',
    'some pictures gave no template; they are named',
  );
  return withCommon(command).action(async (options: CommonOptions) => {
    const { config } = configOf(options);
    checkState(config);
    using open = openPeople(config);
    const { gallery } = open;
    const wanted = gallery.list().reduce((sum, person) => sum + person.pictures, 0);
    await using reader = await manyDoorReaderOf(config, wanted);
    const progress = openProgress('reading', wanted, 'pictures');
    let read = 0;
    const { pictures, failed } = await renewTemplates(gallery, reader, () => progress.update(++read)).finally(() => progress.stop());
    const named = failed.map(({ personId, source, fault }) => ({
      person: gallery.find(personId)?.name ?? personId,
      source,
      why: fault.message,
    }));
    print(options, { pictures, failed: named }, () =>
      [
        `${counted(pictures, 'template')} made with ${reader.embedder.name} ${reader.embedder.version}`,
        ...named.map((f) => `  ${f.person}, ${f.source}: ${f.why}`),
      ].join('\n'),
    );
    exit(failed.length === 0 ? exitCodes.yes : exitCodes.no);
  });
}

/** Writes all pictures or none, readable by the owner alone: they show a face. @throws Fault `bad-argument`. */
function writePictures(folder: string, pictures: ReturnType<Gallery['pictures']>): (string | undefined)[] {
  const written: string[] = [];
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return pictures.map(({ picture, source }, i) => {
      if (!picture) return undefined;
      const file = join(folder, `${String(i + 1).padStart(2, '0')}${extensionOf(picture, source)}`);
      writeFileSync(file, picture, { flag: 'wx', mode: 0o600 });
      written.push(file);
      return file;
    });
  } catch (error) {
    for (const file of written) rmSync(file, { force: true });
    throw new Fault(
      'bad-argument',
      `The pictures cannot be written to ${folder}: ${messageOf(error)}. Name a new folder with --pictures`,
      error,
    );
  }
}

/**
 * The extension of the file it came from, else what cameras give. Checked, because a source is text that somebody
 * typed.
 */
function extensionOf(picture: Uint8Array, source: string): string {
  const stated = extname(source).toLowerCase();
  if (/^\.[a-z]{3,4}$/.test(stated)) return stated;
  return picture[0] === 0x89 ? '.png' : '.jpg';
}

function renameCommand(exit: Exit) {
  const command = new Command('rename')
    .description('change the name of a person; pictures, id and history stay')
    .argument('<name|id>', 'the person')
    .argument('<new-name>', 'the new name');
  withHelp(command, ['facelatch people rename Ada "Ada Lovelace"'], 'renamed');
  withCommon(command).action((who: string, name: string, options: CommonOptions) => {
    using open = opened(options);
    const { gallery, config } = open;
    const before = findPerson(gallery, who);
    using journal = journalOf(config);
    const person = rosterOf({ gallery, journal }).rename(before.id, name);
    print(options, { person }, () => `${before.name} is now ${person.name}`);
    exit(exitCodes.yes);
  });
  return { command, isDefault: false };
}

function removeCommand(stop: AbortSignal, exit: Exit): Command {
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
    using open = opened(options);
    const { gallery, config, vault } = open;
    const person = findPerson(gallery, who);
    const picture = options.picture === undefined ? undefined : pictureToForget(person, gallery.pictures(person.id), options.picture);
    const what =
      picture === undefined ? `${person.name} and ${counted(person.pictures, 'picture')}` : `picture ${shownId(picture)} of ${person.name}`;
    if (!options.yes && !(await isSure(what, stop))) {
      print(options, { removed: false, person }, () => `${picture === undefined ? person.name : what} was not removed`);
      return exit(exitCodes.no);
    }
    const append = (event: Event) => recorded(config, event);
    using shredder = openShredder(config, { vault, gallery, record: append });
    const roster = rosterOf({ gallery, journal: { append }, consents: consentRules(config, vault), shred: shredder.shred });
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
function recorded(config: Config, event: Event) {
  using journal = journalOf(config);
  return journal.append(event);
}

function isSure(what: string, stop: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw new Fault('bad-argument', `Nobody can answer whether to remove ${what}, because this is not a terminal: add --yes`);
  return agrees(`Remove ${what} for good?`, stop);
}

function sealCommand(stop: AbortSignal, exit: Exit): Command {
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
    recorded(config, { kind: 'gallery.sealed', people: enrolled, by: 'cli' });
    withPeople(config, true, () => undefined);
    print(options, { sealed: true, people: enrolled }, () => `sealed: ${peopleCount(enrolled)}`);
    exit(exitCodes.yes);
  });
}

function withPeople<T>(config: Config, reseal: boolean, work: (gallery: Gallery) => T): T {
  using open = openPeople(config, reseal);
  return work(open.gallery);
}
