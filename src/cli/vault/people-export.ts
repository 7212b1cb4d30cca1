/** `facelatch people export`: what is held about one person, or everybody on their way to another door; encrypted. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { doorKeysOf } from '../../adapters/command.ts';
import { consentRules } from '../../adapters/consents.ts';
import { journalOf } from '../../adapters/journal.ts';
import { Fault, isDiskFull, messageOf } from '../../base/errors.ts';
import { systemClock } from '../../base/time.ts';
import { writeWholePieces } from '../../base/whole-file.ts';
import { copiedWords } from '../../command/keys.ts';
import type { Event } from '../../events.ts';
import type { PersonRules } from '../../identity/port.ts';
import { embedderOf } from '../../learning/networks.ts';
import type { Config } from '../../settings/load.ts';
import { encryptedTo } from '../../vault/backup/age-file.ts';
import { type MovedPerson, peopleEntries } from '../../vault/backup/people-file.ts';
import { packed } from '../../vault/backup/tar-file.ts';
import { type CommonOptions, checkState, collected, configOf, exitCodes, print, withCommon, withHelp } from '../context.ts';
import { openPeople } from '../people/opened.ts';
import { findPerson } from '../person.ts';
import { counted, people as peopleCount } from '../words.ts';
import { fileLock } from './file-lock.ts';
import { personArchive } from './person-archive.ts';

interface ExportOptions extends CommonOptions {
  readonly all?: boolean;
  readonly to?: readonly string[];
}

export function exportCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('export')
    .description(
      'write what is held about one person into an encrypted ZIP, to give it to them; or, with --all, everybody into an encrypted file that "people import" takes at another door',
    )
    .argument('<name|id>', 'the person; with --all, the file')
    .argument('[file]', 'the file to write; it must not exist')
    .option('--all', 'everybody, to move them to another door: names, rules, consents and pictures, without PINs and templates')
    .option('--to <age1…>', 'a recipient of age who can open it, instead of a passphrase; may be given more than once', collected);
  withHelp(
    command,
    [
      'facelatch people export Ada ada.zip.age --to age1…    # age -d -i key.txt ada.zip.age > ada.zip',
      'facelatch people export --all people.age              # asks for a passphrase',
    ],
    'written',
  );
  return withCommon(command).action(async (first: string, second: string | undefined, options: ExportOptions) => {
    const file = options.all ? first : second;
    if (file === undefined || (options.all && second !== undefined))
      throw new Fault('bad-argument', 'Give a name and a file ("people export Ada ada.zip.age"), or --all and a file');
    if (existsSync(file)) throw new Fault('bad-argument', `${file} exists and is not overwritten: name another file`);
    const { config } = configOf(options);
    checkState(config);
    const result = options.all ? await exportAll(config, file, options, stop) : await exportOne(config, first, file, options, stop);
    print(options, result, () => textOf(result));
    exit(exitCodes.yes);
  });
}

type Exported = Awaited<ReturnType<typeof exportOne>> | Awaited<ReturnType<typeof exportAll>>;

function textOf(result: Exported): string {
  if ('people' in result)
    return [
      `${result.file}: ${peopleCount(result.people)} with ${counted(result.pictures, 'picture')}, encrypted, and signed with the key ${result.key}. At the other door: facelatch people import`,
      ...result.left.map((name) => `${name} is not in it: no picture of them is kept. Enrol them at the other door`),
    ].join('\n');
  const { file, person, pictures, kept, entries } = result;
  return `${file}: what is held about ${person.name}, encrypted: ${counted(pictures, 'picture')}, ${counted(kept, 'kept picture')}, ${counted(entries, 'journal entry', 'journal entries')}`;
}

async function exportOne(config: Config, who: string, file: string, { to = [] }: ExportOptions, stop: AbortSignal) {
  using opened = openPeople(config);
  const { gallery, vault } = opened;
  const person = findPerson(gallery, who);
  const lock = await fileLock(to, stop);
  const at = new Date(systemClock.wall()).toISOString();
  const { zip, ...counts } = personArchive({ config, vault, gallery, embedder: embedderOf(config) }, person, at);
  await writeEncrypted(file, one(zip), lock);
  record(config, { kind: 'people.exported', people: 1, personId: person.id, by: 'cli' });
  return { file: resolve(file), person, ...counts };
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function exportAll(config: Config, file: string, { to = [] }: ExportOptions, stop: AbortSignal) {
  using opened = openPeople(config);
  const { gallery, vault } = opened;
  const consents = consentRules(config, vault);
  const all = gallery.list().map(({ id, name, enrolledAt }): MovedPerson => {
    const { pin, groups, ...rules } = movable(gallery.rules(id));
    // The other door makes its templates from pictures: of somebody without any it could make none.
    const pictures = gallery.pictures(id).flatMap(({ picture, ...about }) => (picture ? [about] : []));
    const given = consents.book((book) => book.of(id)).map(({ endedAt: _, ...consent }) => consent);
    return {
      ...{ id, name, enrolledAt, rules: { ...rules, ...(groups && { groups: [...groups] }) } },
      hasPin: pin !== undefined,
      consents: given,
      pictures,
    };
  });
  const people = all.filter(({ pictures }) => pictures.length > 0);
  const { id: kid, card, sign, copied } = await doorKeysOf(config);
  if (copied) throw new Fault('bad-argument', copiedWords);
  const lock = await fileLock(to, stop);
  const takenAt = new Date(systemClock.wall()).toISOString();
  const picturesOf = (id: string) => gallery.pictures(id).flatMap(({ picture }) => picture ?? []);
  await writeEncrypted(
    file,
    packed(peopleEntries({ door: config.door.id, takenAt, people, signer: { kid, key: sign }, publicX: card.sign.x, picturesOf })),
    lock,
  );
  record(config, { kind: 'people.exported', people: people.length, by: 'cli' });
  const left = all.filter(({ pictures }) => pictures.length === 0).map(({ name }) => name);
  return {
    file: resolve(file),
    key: kid,
    people: people.length,
    pictures: people.reduce((sum, { pictures }) => sum + pictures.length, 0),
    left,
  };
}

/** Uses are counted in the journal of this door. */
const movable = ({ usesAfter: _after, usesSince: _since, ...rules }: PersonRules) => rules;

async function writeEncrypted(file: string, content: AsyncIterable<Uint8Array>, lock: Awaited<ReturnType<typeof fileLock>>): Promise<void> {
  try {
    await writeWholePieces(resolve(file), await encryptedTo(content, lock, '--to'));
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault(
      isDiskFull(error) ? 'disk-full' : 'bad-argument',
      `${file} cannot be written (${messageOf(error)}): name another file`,
      error,
    );
  }
}

function record(config: Config, event: Event): void {
  using journal = journalOf(config);
  journal.append(event);
}
