/** `facelatch people import`: people of another door, with their ids, sealed under the keys of this one. */
import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { consentRules } from '../../adapters/consents.ts';
import { journalOf } from '../../adapters/journal.ts';
import { Fault } from '../../base/errors.ts';
import { thumbprint } from '../../command/keys.ts';
import { begunKeysOf } from '../../house/removal/begun.ts';
import type { Consent, NewPicture, Roster } from '../../identity/port.ts';
import { rosterOf } from '../../identity/roster.ts';
import { removedPeople } from '../../identity/rows/at-rest.ts';
import { manyDoorReaderOf } from '../../learning/parts.ts';
import type { Config } from '../../settings/load.ts';
import { type MovedPerson, type PeopleFileRead, readPeopleFile, type SignedPeople } from '../../vault/backup/people-file.ts';
import { agrees } from '../agrees.ts';
import { type CommonOptions, configOf, exitCodes, print, withCommon, withHelp } from '../context.ts';
import { changePeople } from '../people/opened.ts';
import { openProgress } from '../progress.ts';
import { findDoorCard } from '../remote/key-files.ts';
import { people as peopleCount } from '../words.ts';
import { fileOpener } from './file-lock.ts';

interface ImportOptions extends CommonOptions {
  readonly identity?: string;
  readonly from?: string;
  readonly yes?: boolean;
}

/** One who was not taken, and why; or what to look at of one who was. */
interface Told {
  readonly name: string;
  readonly why: string;
}

export function importCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('import')
    .description(
      'enrol the people of another door from a file of "people export --all": whoever is in it will be let in here. It shows which door signed the file, and asks. Ids stay; templates are made from the pictures; PINs do not move. Nobody who was removed here is taken',
    )
    .argument('<file>', 'a file that "people export --all" wrote')
    .option('--identity <file>', 'open it with this identity of age (AGE-SECRET-KEY-1…) instead of a passphrase')
    .option('--from <card>', 'take it from this door alone, and do not ask: its card, from "facelatch key door" there')
    .option('-y, --yes', 'do not ask: whoever wrote the file decides who is let in here');
  withHelp(
    command,
    ['facelatch people import people.age', 'facelatch people import people.age --from back-door.json'],
    'all of them are enrolled',
    'not imported: the answer was not yes; or some were not taken, and they are named',
  );
  return withCommon(command).action(async (file: string, options: ImportOptions) => {
    if (!existsSync(file)) throw new Fault('bad-argument', `There is no file ${file}`);
    const { config } = configOf(options);
    const opener = await fileOpener(options.identity, stop);
    // To its end before anybody is enrolled: a file that is not whole enrols nobody.
    const list = await readPeopleFile({ file, opener, signal: stop, onPerson: () => undefined });
    if (!(await isTrusted(list, config, options, stop))) {
      const { door, kid, takenAt, people } = list;
      print(options, { imported: false, door, key: kid, takenAt, people: people.length }, () => 'nobody was imported');
      return exit(exitCodes.no);
    }
    const result = await importing(config, list, { file, opener, signal: stop });
    print(options, result, () => textOf(result));
    exit(result.refused.length === 0 ? exitCodes.yes : exitCodes.no);
  });
}

/** Anybody can encrypt a file to this door's recipient: what counts is who signed it. Throws Fault `backup-refused`. */
async function isTrusted({ door, kid, takenAt, people }: SignedPeople, config: Config, options: ImportOptions, stop: AbortSignal) {
  if (options.from !== undefined) {
    const expected = await thumbprint((await findDoorCard(door, options.from, config)).sign);
    if (expected === kid) return true;
    throw new Fault(
      'backup-refused',
      `The file is signed with the key ${kid}, and the card ${options.from} holds ${expected}: another door made it, or the door has new keys since ("facelatch key door" there shows them)`,
    );
  }
  const what = `${peopleCount(people.length)} of the door ${door}, exported on ${takenAt}, signed with the key ${kid}`;
  return options.yes || agrees(`${what}. "facelatch key door" at that door shows its key. Let all of them in here?`, stop);
}

type Imported = Awaited<ReturnType<typeof importing>>;

function textOf({ door, key, enrolled, here, refused, notes }: Imported): string {
  return [
    `${peopleCount(enrolled)} of the door ${door} (key ${key}) enrolled${here > 0 ? `, ${here} were here already` : ''}`,
    ...refused.map(({ name, why }) => `  not taken: ${name}: ${why}`),
    ...notes.map(({ name, why }) => `  ${name}: ${why}`),
  ].join('\n');
}

/** `list`: as the file was when it was found whole, and trusted. */
async function importing(config: Config, list: SignedPeople, { file, opener, signal }: Pick<PeopleFileRead, 'file' | 'opener' | 'signal'>) {
  const { door, kid, people } = list;
  const pictures = people.reduce((sum, person) => sum + person.pictures.length, 0);
  using opened = changePeople(config);
  const { gallery, vault } = opened;
  using journal = journalOf(config);
  const roster = rosterOf({ gallery, journal, keys: begunKeysOf(config, vault, journal), consents: consentRules(config, vault) });
  await using reader = await manyDoorReaderOf(config, Math.max(1, pictures));
  const removed = removedPeople(vault);
  const result = { door, key: kid, enrolled: 0, here: 0, refused: [] as Told[], notes: [] as Told[] };
  const progress = openProgress('enrolling', people.length, 'people');
  const onPerson = async (person: MovedPerson, all: readonly Uint8Array[]) => {
    const { id, name } = person;
    progress.update(result.enrolled + result.here + result.refused.length);
    if (removed.has(id))
      return void result.refused.push({ name, why: 'was removed at this door: enrol them again with new pictures, if they wish' });
    if (gallery.find(id)?.id === id) return void result.here++;
    try {
      const made = await Promise.all(
        all.map(async (picture, i) =>
          newPicture(await reader.read(picture, { embed: 'dominant' }), picture, person.pictures[i]?.source ?? 'import'),
        ),
      );
      enrolOne(
        roster,
        person,
        made.flatMap((one) => one ?? []),
      );
      result.enrolled++;
      result.notes.push(...notesOf(config, person, made.filter((one) => one === undefined).length));
    } catch (error) {
      if (!(error instanceof Fault) || !personal.has(error.code)) throw error;
      result.refused.push({ name, why: error.message });
    }
  };
  const onList = ({ sha256 }: SignedPeople) => {
    if (sha256 !== list.sha256) throw new Fault('backup-refused', `${file} was changed while it was read: nobody was taken from it`);
    journal.append({ kind: 'people.imported', door, key: kid, people: people.length, by: 'cli' });
  };
  await readPeopleFile({ file, opener, signal, onList, onPerson }).finally(() => progress.stop());
  return result;
}

/** Faults about one person: the others are taken all the same. */
const personal: ReadonlySet<string> = new Set(['bad-argument', 'bad-picture', 'picture-damaged', 'consent-missing', 'key-destroyed']);

type Reading = Awaited<ReturnType<Awaited<ReturnType<typeof manyDoorReaderOf>>['read']>>;

/** Undefined where the networks of this door find no face. */
function newPicture({ faces: [face] }: Reading, picture: Uint8Array, source: string): NewPicture | undefined {
  return face?.embedding && { picture, template: face.embedding, source };
}

/** Rules before they can be used: whoever may not come in there is not let in here for a moment. */
function enrolOne(roster: Roster, { id, name, rules, consents }: MovedPerson, pictures: readonly NewPicture[]): void {
  if (pictures.length === 0)
    throw new Fault('bad-picture', 'No face is found in their pictures by the networks of this door: enrol them again');
  const given = consents.findLast(({ withdrawnAt }) => withdrawnAt === undefined);
  const consent: Consent | undefined = given && { version: given.version, how: given.how };
  const { uses, ...others } = rules;
  roster.enrol({ id, name, pictures, rules: { ...others, ...(uses !== undefined && { enabled: false }) } }, undefined, consent);
}

function notesOf(config: Config, { name, rules, hasPin }: MovedPerson, unread: number): readonly Told[] {
  const known = { schedules: Object.keys(config.access.schedules), groups: Object.keys(config.access.groups) };
  const lacking = [
    ...(rules.schedule !== undefined && !known.schedules.includes(rules.schedule) ? [`the schedule ${rules.schedule}`] : []),
    ...(rules.groups ?? []).filter((group) => !known.groups.includes(group)).map((group) => `the group ${group}`),
  ];
  const notes = [
    hasPin && `has no PIN here: facelatch people pin ${JSON.stringify(name)}`,
    rules.uses !== undefined && 'had a number of uses, which does not move: switched off here, set their rules again',
    lacking.length > 0 && `this door does not have ${lacking.join(', ')}: they are not let in until it does`,
    unread > 0 && `${unread} of their pictures gave no template here, and were left out`,
  ];
  return notes.filter((why) => why !== false).map((why) => ({ name, why }));
}
