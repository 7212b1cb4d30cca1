/** `facelatch restore`: a backup in the place of the state folder, after everything in it was checked. */
import { join } from 'node:path';
import { Command } from 'commander';
import { stateFolder } from '../../adapters/basics.ts';
import { dropStaged, keyHere, placeStaged, type StagedBackup, stageBackup, type TakenOver, takeOver } from '../../adapters/restore.ts';
import { Fault } from '../../base/errors.ts';
import { giveToOwnerOfFolder, writeWhole } from '../../base/whole-file.ts';
import { lockChanges, lockState } from '../../host/lock.ts';
import type { Config } from '../../settings/load.ts';
import type { Opener } from '../../vault/backup/age-file.ts';
import { derivedKey } from '../../vault/derived.ts';
import { keyOfPhrase } from '../../vault/phrase.ts';
import { agrees } from '../agrees.ts';
import { type CommonOptions, configOf, exitCodes, print, withCommon, withHelp } from '../context.ts';
import { askSecret } from '../secret-prompt.ts';
import { surroundings } from '../surroundings.ts';
import { counted, people } from '../words.ts';
import { bytesProgress } from './bytes-progress.ts';
import { identitiesIn } from './file-lock.ts';
import { openRestoredRooms, type RestoredRooms } from './restored-rooms.ts';

interface RestoreOptions extends CommonOptions {
  readonly identity?: string;
  readonly configuration?: string;
  readonly yes?: boolean;
}

export function restoreCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('restore')
    .summary('put a backup in the place of the state folder')
    .description(
      'Check a backup to its last byte, and put it in the place of the state folder, which is moved aside. The daemon must be stopped. It asks for the 24 words of the recovery phrase. Whoever was removed at this door since the backup stays removed.',
    )
    .argument('<file>', 'a file that "facelatch backup" wrote')
    .option('--identity <file>', 'open it with this identity of age (AGE-SECRET-KEY-1…) instead of the recovery phrase')
    .option('--configuration <folder>', 'also write the settings that were in force into this folder (facelatch.json)')
    .option('-y, --yes', 'do not ask where it is not known who was removed at this door since the backup');
  withHelp(
    command,
    ['sudo facelatch restore /mnt/backup/front-door.age', 'facelatch restore door.age --state trial    # look at it, without a lock'],
    'restored',
    'not restored: the answer was not yes',
  );
  return withCommon(command).action(async (file: string, options: RestoreOptions) => {
    const { config } = configOf(options);
    const folder = stateFolder(config);
    using _ = lockState(folder);
    giveToOwnerOfFolder(join(folder, 'daemon.lock')); // root may have made it
    // Whoever is removed from now on would be removed from the folder that is moved aside.
    using _changes = lockChanges(folder, 'alone');
    const secret = options.identity === undefined ? await askPhrase(stop) : undefined;
    const opener = secret ? { scalar: derivedKey(secret, 'backup identity') } : { identities: identitiesIn(options.identity ?? '') };
    const staged = await staging(config, file, opener, stop);
    try {
      const kek = secret ?? keyHere(config, staged) ?? (await askPhrase(stop, 'The key of the vault in this backup is not on this device'));
      const restored = await restoring(config, staged, kek, options, stop);
      if (restored) print(options, jsonOf(restored), () => textOf(restored, config));
      else print(options, { restored: false }, () => `${folder} was not restored, and is what it was`);
      exit(restored ? exitCodes.yes : exitCodes.no);
    } finally {
      dropStaged(staged);
    }
  });
}

/** `why`: it is needed although the backup is opened without it. */
async function askPhrase(stop: AbortSignal, why?: string): Promise<Uint8Array> {
  const line = await askSecret({ prompt: `${why === undefined ? '' : `${why}. `}Recovery phrase (24 words, not shown): `, stop });
  if (line.trim() !== '' || surroundings().stdin.isTTY) return keyOfPhrase(line);
  const other = why === undefined ? ', or open the backup with an identity of age (--identity FILE)' : '';
  throw new Fault(
    'bad-argument',
    `${why === undefined ? '' : `${why}. `}Nobody can type the recovery phrase, because this is not a terminal: give its 24 words on standard input${other}`,
  );
}

async function staging(config: Config, file: string, opener: Opener, stop: AbortSignal): Promise<StagedBackup> {
  const progress = bytesProgress('checking');
  try {
    return await stageBackup(config, { file, opener, signal: stop, onProgress: progress.onProgress });
  } finally {
    progress.stop();
  }
}

interface Restored {
  readonly staged: StagedBackup;
  readonly taken: TakenOver;
  readonly rooms: RestoredRooms;
  readonly aside: string | undefined;
}

/** Undefined where somebody decided against it. */
async function restoring(
  config: Config,
  staged: StagedBackup,
  kek: Uint8Array,
  { configuration, yes }: RestoreOptions,
  stop: AbortSignal,
): Promise<Restored | undefined> {
  try {
    const taken = await takeOver(config, staged, kek);
    if (taken.unknown !== undefined && !yes && !(await agrees(`${unknownWords(taken.unknown)}. Restore all the same?`, stop)))
      return undefined;
    const { takenAt } = staged.manifest;
    const rooms = await openRestoredRooms(staged.config, { takenAt, removed: taken.removed });
    if (configuration !== undefined) writeConfiguration(staged, configuration);
    return { staged, taken, rooms, aside: placeStaged(config, staged, taken, kek) };
  } finally {
    kek.fill(0);
  }
}

const unknownWords = (why: string): string =>
  `It is not known who was removed here since the backup, apart from those whom the journal names: ${why}`;

function writeConfiguration({ configuration }: StagedBackup, folder: string): void {
  for (const [name, content] of configuration) writeWhole(join(folder, name), content);
}

function jsonOf({ staged: { manifest }, taken, rooms, aside }: Restored) {
  const { door, takenAt, facelatch, files } = manifest;
  return { door, takenAt, facelatch, files: files.length, ...rooms, ...taken, ...(aside !== undefined && { aside }) };
}

const keyPlaces: Readonly<Record<TakenOver['source'], string>> = {
  beside: 'The key of the vault lies beside the data (vault.key): "facelatch vault status" says what that protects.',
  file: 'The key of the vault lies in the file of vault.keyFile.',
  passphrase: 'The vault has its passphrase: start with "facelatch run --unlock", or send vault.unlock.',
  credential: 'The key of the vault comes from the systemd credential of this device, as before.',
};

function textOf({ staged: { manifest, configuration }, taken, rooms, aside }: Restored, config: Config): string {
  const { door, takenAt, files } = manifest;
  const lines: (string | false)[] = [
    `Restored ${stateFolder(config)}: the door ${door} as of ${takenAt}, ${counted(files.length, 'file')}, ${people(rooms.people)}`,
    rooms.unopened !== undefined && `The people were not opened: ${rooms.unopened}`,
    taken.removed.length > 0 &&
      `${counted(taken.removed.length, 'key')} destroyed at this door since the backup (of people, networks, days of visitors): destroyed in it too. Nobody who was removed comes back.`,
    taken.unknown !== undefined && `${unknownWords(taken.unknown)}. Look at "facelatch people", and remove them again.`,
    taken.operators.length > 0 &&
      `Operators who were taken away or changed since stay out (facelatch key add): ${taken.operators.join(', ')}`,
    taken.pinLeftOut &&
      'The emergency PIN was changed or removed at this door since, so the one of the backup is left out: facelatch vault pin sets it again.',
    keyPlaces[taken.source],
    rooms.copied && 'The keys of this door were made on another machine. If that machine is gone, keep them: facelatch key door --keep',
    config.door.id !== door && `door.id is ${config.door.id} here, and was ${door}: set it back, or operators need the new card.`,
    configuration.size > 0 && 'The settings of that door are in the backup (--configuration FOLDER writes them).',
    'Passes with a number of uses count as of the backup: look at them ("facelatch people").',
    aside !== undefined && `What was there before lies in ${aside}. It holds faces: remove it once the door works.`,
  ];
  return lines.filter((line) => line !== false).join('\n');
}
