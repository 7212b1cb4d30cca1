/**
 * What a door holds of people: its configuration goes in; each kind of data with its place, its reason, its time, its
 * number, size and oldest entry comes out. It reads beside a running door. What cannot be read, because the vault is
 * locked or a file is damaged, is told by its size alone.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { stateFolder } from '../../adapters/basics.ts';
import { consentRules } from '../../adapters/consents.ts';
import { knownOfDoor } from '../../adapters/evidence.ts';
import { journalOf } from '../../adapters/journal.ts';
import { vaultOf } from '../../adapters/vault.ts';
import { Fault, messageOf } from '../../base/errors.ts';
import { diskUse, type FileUse } from '../../host/disk-use.ts';
import { embedderOf } from '../../learning/networks.ts';
import { samplesOf, storeFile } from '../../learning/parts.ts';
import { openRetrainStore } from '../../retrain/store.ts';
import type { Config } from '../../settings/load.ts';
import { type FolderBeside, foldersBeside } from '../../vault/beside.ts';
import { openPeople } from '../people/opened.ts';
import { counted, people as peopleCount } from '../words.ts';

export interface Holding {
  readonly what: string;
  readonly why: string;
  readonly howLong: string;
  /** Files and folders in the state folder; paths from the root beside it. */
  readonly where: readonly string[];
  readonly bytes: number;
  /** How much of it there is, for people and for programs; absent where it cannot be read or is not counted. */
  readonly text?: string;
  readonly counts?: Readonly<Record<string, number>>;
  /** ISO 8601, UTC. */
  readonly oldest?: string;
  /** Why it cannot be read. */
  readonly unread?: string;
}

type Found = Pick<Holding, 'text' | 'counts' | 'oldest'>;
interface Kind extends Pick<Holding, 'what' | 'why' | 'howLong'> {
  readonly paths: readonly string[];
  readonly look?: (config: Config) => Found;
}

const kinds = (config: Config): readonly Kind[] => [
  {
    what: `enrolled people: names, rules, templates of their faces, ${config.privacy.templatesOnly ? 'no new pictures (privacy.templatesOnly)' : 'the pictures these were made from'}`,
    why: 'to recognise them and to know when they may come in',
    howLong: unusedText(config.privacy),
    paths: ['people.sqlite'],
    look: peopleIn,
  },
  {
    what: 'who agreed to be enrolled: version of the text, when, who asked; no name',
    why: 'to prove it',
    howLong: `until ${counted(config.privacy.consentDays, 'day')} after the removal (privacy.consentDays)`,
    paths: ['consent.sqlite'],
    look: consentsIn,
  },
  {
    what: 'the journal: when the door let somebody in or not, and why; people by a pseudonym',
    why: 'to know afterwards what happened',
    howLong: daysText(config.privacy.journalDays, 'privacy.journalDays', 'for ever'),
    paths: ['journal.sqlite'],
    look: journalIn,
  },
  {
    what: 'pictures of attempts',
    why: 'to learn from them, where somebody says whom they show',
    howLong: `grants ${daysText(config.retrain.keepGrantsDays, 'retrain.keepGrantsDays', 'none are kept')}, people turned away ${daysText(config.retrain.keepUnknownsDays, 'retrain.keepUnknownsDays', 'none are kept')}`,
    paths: ['retrain.sqlite'],
    look: keptIn,
  },
  {
    what: 'what the liveness networks said of the latest visits: numbers, by person',
    why: 'to tell living faces from pictures of them',
    howLong: `the latest 200, 20 a person; those that nobody confirmed ${counted(config.privacy.knownDays, 'day')} (privacy.knownDays)`,
    paths: ['liveness.sqlite', 'infrared.json'],
  },
  {
    what: 'attempts of unknown people: the day, and one number',
    why: 'to keep the threshold strict enough for the strangers of this door',
    howLong: `90 days, 200 at most; the time of day ${counted(config.privacy.unknownDays, 'day')} (privacy.unknownDays)`,
    paths: ['evidence.json'],
    look: evidenceIn,
  },
  {
    what: 'trained networks: they hold what they learned of each person',
    why: 'to recognise people better',
    howLong: 'until replaced, or until one of those they learned from is removed',
    paths: ['models', 'jobs'],
  },
  {
    what: 'copies of the networks that ship with facelatch: nothing of people',
    why: 'the network before an upgrade goes on guarding until the new one knows everybody',
    howLong: 'until the next ones',
    paths: ['networks'],
  },
  {
    what: 'the keys of all this, and of those who were removed that they were',
    why: 'without its key nothing can be read; a removed person does not come back with a backup',
    howLong: "a person's key until they are removed; the note of it for ever",
    paths: ['vault.sqlite', 'vault.key'],
  },
  {
    what: 'names and public keys of operators, the keys of the door',
    why: 'to know who may command the door',
    howLong: 'until removed (facelatch key remove)',
    paths: ['operators.json', 'door-keys.json', 'commands.sqlite'],
  },
  {
    what: 'the emergency PIN: a hash, not sealed by the vault',
    why: 'to open the door by a PIN while the vault is locked',
    howLong: 'until removed (facelatch vault pin --remove)',
    paths: ['emergency-pin.json'],
  },
  {
    what: 'accounts of the console: names, hashes of passwords, public keys; browser and address of each session',
    why: 'to know who may use the console, and to end sessions',
    howLong: 'until removed (facelatch console remove); sessions until they end (console.sessionHours)',
    paths: ['console'],
  },
];

const unusedText = ({ unusedDays, unusedNoticeDays, unusedThen }: Config['privacy']): string =>
  unusedDays > 0 && unusedThen === 'remove'
    ? `until they are removed; by itself after ${counted(unusedDays + unusedNoticeDays, 'day')} without a use (privacy.unusedDays)`
    : 'until they are removed';

const daysText = (days: number, setting: string, none: string): string =>
  days === 0 ? `${none} (${setting})` : `${counted(days, 'day')} (${setting})`;

/** Everything in the state folder that concerns people; what is left comes last. */
export async function holdingsOf(config: Config): Promise<readonly Holding[]> {
  const files = await diskUse(stateFolder(config));
  const all = kinds(config);
  const known = all.map((kind) =>
    holding(
      config,
      kind,
      files.filter((file) => isOf(kind, file)),
    ),
  );
  const rest = files.filter((file) => !all.some((kind) => isOf(kind, file)));
  const others: Holding = {
    what: 'other files',
    why: 'locks and notes of the door; or what a restore or an upgrade that was cut off has left',
    howLong: 'look at them, and delete what you do not know',
    where: [...new Set(rest.map(({ path }) => path.split('/')[0] ?? ''))],
    bytes: sizeOf(rest),
  };
  const inFolder = [...known, ...(rest.length > 0 ? [others] : [])].filter(({ bytes }) => bytes > 0);
  return [...inFolder, ...(await Promise.all(foldersBeside(stateFolder(config)).map(holdingBeside)))];
}

async function holdingBeside(folder: FolderBeside): Promise<Holding> {
  const { path, is } = folder;
  return {
    what:
      is === 'aside'
        ? 'what lay here before a restore: faces, keys, people who were removed since'
        : 'a backup, unpacked by a restore that was cut off',
    why: is === 'aside' ? 'to go back, should the restored door not work' : 'for no reason any more',
    howLong: `until somebody deletes it: rm -r ${path}`,
    where: [path],
    bytes: sizeOf(await diskUse(path)),
  };
}

/** With its log and what lies beside it. */
const isOf = ({ paths }: Kind, { path }: FileUse): boolean =>
  paths.some((own) => path === own || path.startsWith(`${own}/`) || path.startsWith(`${own}-`) || path.startsWith(`${own}.`));

const sizeOf = (files: readonly FileUse[]): number => files.reduce((sum, { bytes }) => sum + bytes, 0);

function holding(config: Config, { what, why, howLong, paths, look }: Kind, files: readonly FileUse[]): Holding {
  const there = paths.filter((path) => files.some((file) => file.path === path || file.path.startsWith(`${path}/`)));
  const base = { what, why, howLong, where: there, bytes: sizeOf(files) };
  if (!look || there.length === 0) return base;
  try {
    return { ...base, ...look(config) };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { ...base, unread: messageOf(error) };
  }
}

const oldestOf = (times: readonly string[]): { oldest?: string } => {
  const [oldest] = times.toSorted();
  return oldest === undefined ? {} : { oldest };
};

function peopleIn(config: Config): Found {
  using open = openPeople(config);
  const { gallery } = open;
  const all = gallery.list();
  const pictures = all.reduce((sum, person) => sum + person.pictures, 0);
  return {
    text: `${peopleCount(all.length)}, ${counted(pictures, 'picture')}, ${counted(gallery.templates, 'template')}`,
    counts: { people: all.length, pictures, templates: gallery.templates },
    ...oldestOf(all.map(({ enrolledAt }) => enrolledAt)),
  };
}

function consentsIn(config: Config): Found {
  using vault = vaultOf(config);
  const { all, ended } = consentRules(config, vault).book((book) => book.counts);
  return { text: `${counted(all, 'record')}, ${ended} of people who were removed`, counts: { records: all, ended } };
}

function journalIn(config: Config): Found {
  using journal = journalOf(config);
  const begins = journal.begins?.seq ?? 0;
  const [first] = journal.query({ after: begins, upTo: begins + 1 });
  const entries = journal.head - begins;
  return { text: counted(entries, 'entry', 'entries'), counts: { entries }, ...(first && { oldest: first.at }) };
}

function keptIn(config: Config): Found {
  using vault = vaultOf(config);
  using store = openRetrainStore(storeFile(config), vault);
  const kept = samplesOf(config, { store }, { list: () => [], pictures: () => [] }).kept();
  const pictures = kept.reduce((sum, entry) => sum + entry.pictures, 0);
  return {
    text: counted(pictures, 'picture'),
    counts: { pictures, entries: kept.length },
    ...oldestOf(kept.map(({ takenAt }) => takenAt)),
  };
}

function evidenceIn(config: Config): Found {
  const folder = stateFolder(config);
  if (!existsSync(join(folder, 'evidence.json'))) return {};
  const visits = knownOfDoor(folder, embedderOf(config))?.visits ?? [];
  return { text: counted(visits.length, 'attempt'), counts: { attempts: visits.length }, ...oldestOf(visits.map(({ at }) => at)) };
}
