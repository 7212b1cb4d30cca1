/** What people are told about the place of the vault's key: where it is, what that protects against and what not. */
import type { CredentialKey } from '../../host/credentials.ts';
import type { KeyNotes } from '../../vault/port.ts';

export interface SourceWords {
  readonly where: string;
  readonly protects: string;
  readonly not: string;
}

const root = 'whoever is root on the running door';

const credentials: Readonly<Record<CredentialKey | 'unknown', SourceWords>> = {
  'host+tpm2': {
    where: 'a systemd credential, bound to the TPM of this machine',
    protects: 'a stolen card or disk, stolen backups, removed people in old copies',
    not: `${root}; whoever takes the whole machine and can start it with another system, unless secure boot forbids that`,
  },
  host: {
    where: 'a systemd credential, encrypted with a file of root on the same disk: this machine has no TPM that systemd can use',
    protects: 'stolen copies of the state folder, removed people in old copies',
    not: `a stolen card or disk, which holds that file too; ${root}`,
  },
  unknown: {
    where: 'a systemd credential that was not made here',
    protects: 'stolen copies of the state folder, removed people in old copies; a stolen card only where it is bound to a TPM',
    not: root,
  },
};

const others: Readonly<Record<Exclude<KeyNotes['source'], 'credential'>, SourceWords>> = {
  file: {
    where: 'the file that vault.keyFile names',
    protects: 'a stolen card or disk and stolen backups, as long as the file lies elsewhere; removed people in old copies',
    not: `whoever takes what the file lies on as well; ${root}`,
  },
  passphrase: {
    where: 'a passphrase, typed after each start',
    protects:
      'a stolen card, disk, backup, and the whole machine once it is off, as well as the passphrase is chosen; removed people in old copies',
    not: `a passphrase that is guessed; ${root}. After each start the door recognises nobody until it is typed`,
  },
  beside: {
    where: 'a file beside the data (vault.key)',
    protects: 'backups that leave the file out, removed people in old copies',
    not: `a stolen card or disk; ${root}`,
  },
};

export function sourceWords({ source, sealedWith }: KeyNotes): SourceWords {
  if (source !== 'credential') return others[source];
  return credentials[sealedWith === 'host+tpm2' || sealedWith === 'host' ? sealedWith : 'unknown'];
}

/** Six lines of four numbered words. */
export function phraseLines(phrase: string): string {
  const words = phrase.split(' ').map((word, at) => `${String(at + 1).padStart(4)} ${word.padEnd(9)}`);
  return Array.from({ length: 6 }, (_, line) =>
    words
      .slice(line * 4, line * 4 + 4)
      .join('')
      .trimEnd(),
  ).join('\n');
}
