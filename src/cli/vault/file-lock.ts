/** Who can open a file that leaves the door: options and what somebody types go in, what age needs comes out. */
import { readFileSync } from 'node:fs';
import { Fault, messageOf } from '../../base/errors.ts';
import type { Lock, Opener } from '../../vault/backup/age-file.ts';
import { leastPassphrase } from '../../vault/passphrase.ts';
import { askSecret } from '../secret-prompt.ts';
import { surroundings } from '../surroundings.ts';

/** For recipients, else for a passphrase, which is asked twice on a terminal because it is not shown. */
export async function fileLock(recipients: readonly string[], stop: AbortSignal): Promise<Lock> {
  if (recipients.length > 0) return { recipients };
  const passphrase = await askSecret({ prompt: 'Passphrase for the file (it is not shown): ', stop });
  if (passphrase.length < leastPassphrase)
    throw new Fault(
      'bad-argument',
      `A passphrase has at least ${leastPassphrase} characters: somebody with the file can try as many as they like`,
    );
  if (surroundings().stdin.isTTY && (await askSecret({ prompt: 'Once more: ', stop })) !== passphrase)
    throw new Fault('bad-argument', 'These were two different passphrases: nothing was written');
  return { passphrase };
}

/** `identity`: a file. */
export async function fileOpener(identity: string | undefined, stop: AbortSignal): Promise<Opener> {
  if (identity !== undefined) return { identities: identitiesIn(identity) };
  return { passphrase: await askSecret({ prompt: 'Passphrase of the file (it is not shown): ', stop }) };
}

/** As age-keygen writes it: one identity a line, and comments. */
export function identitiesIn(file: string): readonly string[] {
  try {
    const lines = readFileSync(file, 'utf8').split('\n');
    const found = lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
    if (found.length > 0) return found;
  } catch (error) {
    throw new Fault('bad-argument', `--identity: ${file} cannot be read (${messageOf(error)})`, error);
  }
  throw new Fault('bad-argument', `--identity: ${file} holds no identity of age (AGE-SECRET-KEY-1…)`);
}
