/**
 * Streams encrypted in the format of age (age-encryption.org/v1), so that the program `age` opens them too: bytes and
 * recipients or a passphrase in, encrypted bytes out, and back. A stream that was cut or changed anywhere does not
 * decrypt to its end.
 */
import { webcrypto } from 'node:crypto';
import type { Decrypter, Encrypter } from 'age-encryption';
import { Fault, messageOf } from '../../base/errors.ts';

export type Lock =
  | { readonly recipients: readonly string[] }
  /** As somebody typed it. */
  | { readonly passphrase: string };

export type Opener =
  /** `AGE-SECRET-KEY-1…`, each. */
  | { readonly identities: readonly string[] }
  | { readonly passphrase: string }
  /** The X25519 private key that a key of the vault gives, 32 bytes. */
  | { readonly scalar: Uint8Array };

/** Loaded where a backup is at hand: a door that guards has no use for it (4 MB). */
const loadAge = () => import('age-encryption');

/** `setting`: names where a recipient was given, for the message. Throws Fault `bad-argument`. */
export async function encryptedTo(plain: AsyncIterable<Uint8Array>, lock: Lock, setting: string): Promise<AsyncIterable<Uint8Array>> {
  const encrypter = new (await loadAge()).Encrypter();
  if ('passphrase' in lock) encrypter.setPassphrase(lock.passphrase);
  else for (const recipient of lock.recipients) addRecipient(encrypter, recipient, setting);
  return await encrypter.encrypt(ReadableStream.from(plain));
}

function addRecipient(encrypter: Encrypter, recipient: string, setting: string): void {
  try {
    encrypter.addRecipient(recipient);
  } catch (error) {
    const shown = recipient.startsWith('AGE-SECRET-KEY') ? 'a secret key of age' : JSON.stringify(recipient.slice(0, 80));
    throw new Fault(
      'bad-argument',
      `${setting} takes recipients of age (age1…), not ${shown}: "age-keygen -y" prints the recipient`,
      error,
    );
  }
}

/** Throws Fault `bad-argument` for a text that is no recipient. */
export async function checkRecipient(recipient: string, setting: string): Promise<void> {
  addRecipient(new (await loadAge()).Encrypter(), recipient, setting);
}

/**
 * The decrypted bytes. Throws Fault `backup-refused` where it was not encrypted to this opener, and `bad-argument` for
 * an identity that is none. A stream that is no file of age, or is not whole, throws the library's error.
 */
export async function decryptedWith(sealed: AsyncIterable<Uint8Array>, opener: Opener): Promise<AsyncIterable<Uint8Array>> {
  const decrypter = new (await loadAge()).Decrypter();
  if ('passphrase' in opener) decrypter.addPassphrase(opener.passphrase);
  else if ('scalar' in opener) decrypter.addIdentity(await x25519Key(opener.scalar));
  else for (const identity of opener.identities) addIdentity(decrypter, identity);
  try {
    return await decrypter.decrypt(ReadableStream.from(sealed));
  } catch (error) {
    if (!/no identity matched|incorrect passphrase|invalid tag/i.test(messageOf(error))) throw error;
    const what = 'passphrase' in opener ? 'this passphrase' : 'scalar' in opener ? 'this recovery phrase' : 'this identity';
    throw new Fault('backup-refused', `The file was not encrypted for ${what}: give the one that belongs to it`, error);
  }
}

function addIdentity(decrypter: Decrypter, identity: string): void {
  try {
    decrypter.addIdentity(identity);
  } catch (error) {
    throw new Fault('bad-argument', 'The identity is none of age (AGE-SECRET-KEY-1…): name the file that age-keygen made', error);
  }
}

/** The recipient of an X25519 private key. */
export const recipientOf = async (scalar: Uint8Array): Promise<string> => (await loadAge()).identityToRecipient(await x25519Key(scalar));

/** Web Crypto takes a private key with this head of PKCS #8 (RFC 8410). */
const pkcs8Head = Buffer.from('302e020100300506032b656e04220420', 'hex');

async function x25519Key(scalar: Uint8Array) {
  const pkcs8 = Buffer.concat([pkcs8Head, scalar]);
  try {
    return await webcrypto.subtle.importKey('pkcs8', pkcs8, { name: 'X25519' }, false, ['deriveBits']);
  } finally {
    pkcs8.fill(0);
  }
}
