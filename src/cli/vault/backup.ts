/** `facelatch backup`: what the door holds, in one encrypted file, while it runs. */
import { setPriority } from 'node:os';
import { basename, resolve } from 'node:path';
import { Command } from 'commander';
import { type BackupWish, backupTaskOf, takeBackupHere } from '../../adapters/backup.ts';
import { journalOf } from '../../adapters/journal.ts';
import { vaultOf } from '../../adapters/vault.ts';
import { Fault, messageOf } from '../../base/errors.ts';
import type { Event } from '../../events.ts';
import type { Config } from '../../settings/load.ts';
import type { Taken } from '../../vault/backup/take.ts';
import { type CommonOptions, checkState, collected, configOf, exitCodes, print, tell, withCommon, withHelp } from '../context.ts';
import { counted } from '../words.ts';
import { bytesProgress } from './bytes-progress.ts';

interface BackupOptions extends CommonOptions {
  readonly to?: readonly string[];
  readonly phrase: boolean;
}

export function backupCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('backup')
    .summary('back up what this door holds, while it runs')
    .description(
      'Write what the state folder holds, and the settings in force, into one encrypted file (age). The recovery phrase of the vault opens it (facelatch vault phrase). The key of the vault is not in it, nor are files that settings name, such as passwords and certificates.',
    )
    .argument('<file>', 'the file to write; an older backup of that name is replaced when the new one is whole')
    .option('--to <age1…>', 'a recipient of age who can open it too (backup.recipients); may be given more than once', collected)
    .option('--no-phrase', 'the recovery phrase does not open it, only the recipients');
  withHelp(
    command,
    ['facelatch backup /mnt/backup/front-door.age', 'facelatch backup door.age --to age1…    # whoever has that identity can open it too'],
    'done',
  );
  return withCommon(command).action(async (file: string, options: BackupOptions) => {
    const { config } = configOf(options);
    checkState(config);
    setPriority(19); // the door comes first
    const { to: recipients = [], phrase } = options;
    const taken = await taking(config, { to: resolve(file), recipients, phrase, by: 'cli' }, stop);
    for (const path of taken.passedOver) tell(`facelatch: ${path} is not a file, and is not in the backup`);
    record(config, { kind: 'backup.taken', file: basename(file), bytes: taken.bytes, files: taken.files, by: 'cli' });
    print(options, { ...taken, file: resolve(file) }, () => textOf(file, taken, phrase));
    exit(exitCodes.yes);
  });
}

async function taking(config: Config, wish: BackupWish, stop: AbortSignal): Promise<Taken & { readonly recipients: number }> {
  using vault = vaultOf(config);
  const task = await backupTaskOf(config, vault, wish);
  const recipients = task.recipients.length - (wish.phrase ? 1 : 0);
  if (!wish.phrase && recipients === 0)
    throw new Fault('bad-argument', '--no-phrase needs a recipient: give --to age1… (or set backup.recipients)');
  const progress = bytesProgress('backing up');
  try {
    return { ...(await takeBackupHere(task, vault, { signal: stop, onProgress: progress.onProgress })), recipients };
  } finally {
    progress.stop();
    task.manifestKey.fill(0);
  }
}

/** A journal that cannot be written takes nothing from a backup that was taken. */
function record(config: Config, event: Event): void {
  try {
    using journal = journalOf(config);
    journal.append(event);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    tell(`facelatch: the backup is whole, but the journal has no record of it: ${messageOf(error)}`);
  }
}

function textOf(file: string, { files, bytes, recipients }: Awaited<ReturnType<typeof taking>>, phrase: boolean): string {
  const lines = [`${file}: ${counted(files, 'file')}, ${(bytes / 1e6).toFixed(1)} MB, encrypted`];
  if (phrase)
    lines.push('The recovery phrase opens it ("facelatch vault phrase" shows it). Keep the phrase on paper, away from the backup.');
  if (recipients > 0)
    lines.push(`${counted(recipients, 'recipient')} of age can open it. To restore it, the key of the vault or the phrase is needed too.`);
  return lines.join('\n');
}
