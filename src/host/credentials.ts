/**
 * Credentials that systemd keeps encrypted for a service (systemd-creds(1), systemd 250 or later). A name and its
 * content go in, an encrypted file comes out that the service gets decrypted at its start. Only root may do this.
 */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { Fault, messageOf } from '../base/errors.ts';
import { writeWhole } from '../base/whole-file.ts';

/** `host+tpm2`: the TPM of this machine together with a file of root; `host`: that file alone, on the disk. */
export const credentialKeys = ['host+tpm2', 'host'] as const;
export type CredentialKey = (typeof credentialKeys)[number];

/** Whether this machine has a TPM 2 that its firmware, its kernel and its systemd can all use. */
export function hasTpm2(): boolean {
  try {
    execFileSync('systemd-creds', ['has-tpm2'], { stdio: 'ignore', timeout: 30_000 });
    return true;
  } catch {
    return false;
  }
}

/**
 * Encrypts `content` into `file`, as the service `name` can read it, and makes sure that it can be read again. The
 * content goes through pipes, never through a list of processes. Throws Faults `tool-missing`, `not-permitted`.
 */
export function encryptCredential(name: string, content: Uint8Array, file: string, key: CredentialKey): void {
  const encrypted = systemdCreds(['encrypt', `--name=${name}`, `--with-key=${key}`, '-', '-'], content);
  let read: Buffer | undefined;
  try {
    writeWhole(file, encrypted);
    read = decryptCredential(name, file);
    if (read.equals(content)) return;
    rmSync(file, { force: true });
    throw new Fault(
      'not-permitted',
      `systemd-creds does not give back what it encrypted into ${file}: try another place for the key (--with)`,
    );
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault('not-permitted', `The credential cannot be written to ${file} (${messageOf(error)}): run it with sudo`, error);
  } finally {
    read?.fill(0);
  }
}

/** Throws Faults `tool-missing`, `not-permitted`. */
export const decryptCredential = (name: string, file: string): Buffer =>
  systemdCreds(['decrypt', `--name=${name}`, '--newline=no', file, '-']);

function systemdCreds(args: readonly string[], input?: Uint8Array): Buffer {
  try {
    return execFileSync('systemd-creds', args, { ...(input && { input }), stdio: 'pipe', timeout: 60_000, maxBuffer: 1 << 20 });
  } catch (error) {
    const { code, stderr } = error as { readonly code?: unknown; readonly stderr?: unknown };
    if (code === 'ENOENT')
      throw new Fault(
        'tool-missing',
        'systemd-creds is not installed (systemd 250 or later brings it): keep the key elsewhere, with --with file, passphrase or beside',
      );
    const said = Buffer.isBuffer(stderr) ? stderr.toString().trim().split('\n').at(-1) : '';
    throw new Fault('not-permitted', `systemd-creds cannot ${args[0]} the credential: ${said || messageOf(error)}. Run it with sudo`);
  }
}
