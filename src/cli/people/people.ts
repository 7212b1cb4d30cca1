/** `facelatch people`: who is enrolled, and the commands on one person, each group in a file beside this one. */
import { Command } from 'commander';
import { renewTemplates } from '../../adapters/basics.ts';
import { journalOf } from '../../adapters/journal.ts';
import { Fault } from '../../base/errors.ts';
import type { Gallery, Person } from '../../identity/port.ts';
import { rosterOf } from '../../identity/roster.ts';
import { manyDoorReaderOf } from '../../learning/parts.ts';
import { type CommonOptions, exitCodes, print, withCommon, withHelp } from '../context.ts';
import { findPerson } from '../person.ts';
import { openProgress } from '../progress.ts';
import { exportCommand } from '../vault/people-export.ts';
import { importCommand } from '../vault/people-import.ts';
import { counted, people as peopleCount, table } from '../words.ts';
import { changeStored, openStored } from './opened.ts';
import { confusableCommand } from './people-confusable.ts';
import { consentCommand } from './people-consent.ts';
import { dropPicturesCommand } from './people-drop-pictures.ts';
import { removeCommand, sealCommand } from './people-remove.ts';
import { pinCommand, setCommand } from './people-rules.ts';
import { showCommand } from './people-show.ts';

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
  return command
    .addCommand(listCommand(exit), { isDefault: true })
    .addCommand(showCommand(exit))
    .addCommand(renameCommand(exit))
    .addCommand(setCommand(exit))
    .addCommand(pinCommand(stop, exit))
    .addCommand(removeCommand(stop, exit))
    .addCommand(consentCommand(stop, exit))
    .addCommand(confusableCommand(exit))
    .addCommand(reembedCommand(stop, exit))
    .addCommand(sealCommand(stop, exit))
    .addCommand(exportCommand(stop, exit))
    .addCommand(importCommand(stop, exit))
    .addCommand(dropPicturesCommand(stop, exit));
}

type Exit = (code: number) => void;

function listCommand(exit: Exit): Command {
  const command = new Command('list').description('everyone who is enrolled (the default of `facelatch people`)');
  withHelp(command, ['facelatch people', 'facelatch people list --json'], 'done');
  // Unknown subcommands arrive here too: "too many arguments" would not help.
  return withCommon(command)
    .allowExcessArguments()
    .action((options: CommonOptions) => {
      const [slip] = command.args;
      if (slip !== undefined)
        throw new Fault(
          'bad-argument',
          `There is no "facelatch people ${slip}": choose from list, show, set, pin, rename, remove, consent, confusable, reembed, export, import and drop-pictures (did you mean "facelatch people show ${slip}"?)`,
        );
      using open = openStored(options);
      const { gallery } = open;
      const people = gallery.list();
      print(options, { people }, () => listing(people, gallery));
      exit(exitCodes.yes);
    });
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

function reembedCommand(stop: AbortSignal, exit: Exit): Command {
  const command = new Command('reembed').description('make new templates from the stored pictures after a change of embedder');
  withHelp(
    command,
    ['facelatch people reembed --set face.embedder=/path/to/folder'],
    'done',
    'some pictures or people have no template; they are named',
  );
  return withCommon(command).action(async (options: CommonOptions) => {
    using open = changeStored(options);
    const { gallery, config } = open;
    const wanted = gallery.list().reduce((sum, person) => sum + person.pictures, 0);
    await using reader = await manyDoorReaderOf(config, wanted);
    const progress = openProgress('reading', wanted, 'pictures');
    let read = 0;
    const each = () => {
      stop.throwIfAborted();
      progress.update(++read);
    };
    const { pictures, failed } = await renewTemplates(gallery, reader, each).finally(() => progress.stop());
    const named = failed.map(({ personId, source, fault }) => ({
      person: gallery.find(personId)?.name ?? personId,
      source,
      why: fault.message,
    }));
    const tried = new Set(failed.map(({ personId }) => personId));
    const nothingStored = gallery.unrecognised.filter((id) => !tried.has(id)).map((id) => gallery.find(id)?.name ?? id);
    print(options, { pictures, failed: named, nothingStored }, () =>
      [
        `${counted(pictures, 'template')} made with ${reader.embedder.name} ${reader.embedder.version}`,
        ...named.map((f) => `  ${f.person}, ${f.source}: ${f.why}`),
        ...nothingStored.map((name) => `  ${name}: no picture is stored that a template can be made of: enrol this person again`),
      ].join('\n'),
    );
    exit(failed.length + nothingStored.length === 0 ? exitCodes.yes : exitCodes.no);
  });
}

function renameCommand(exit: Exit): Command {
  const command = new Command('rename')
    .description('change the name of a person; pictures, id and history stay')
    .argument('<name|id>', 'the person')
    .argument('<new-name>', 'the new name');
  withHelp(command, ['facelatch people rename Ada "Ada Lovelace"'], 'renamed');
  return withCommon(command).action((who: string, name: string, options: CommonOptions) => {
    using open = changeStored(options);
    const { gallery, config } = open;
    const before = findPerson(gallery, who);
    using journal = journalOf(config);
    const person = rosterOf({ gallery, journal }).rename(before.id, name);
    print(options, { person }, () => `${before.name} is now ${person.name}`);
    exit(exitCodes.yes);
  });
}
