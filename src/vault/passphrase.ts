/**
 * A key wrapped by a passphrase: a key and a passphrase go in, a text for the keyring's notes comes out, and back.
 * Each try takes 128 MiB and about half a second, on a thread of its own (stretched.ts).
 */
import { randomBytes } from 'node:crypto';
import { storedCost, stretchCost, stretched } from '../base/data/stretched.ts';
import { Fault } from '../base/errors.ts';
import { parseJson } from '../base/jws.ts';
import { Compile, Type } from '../base/schema.ts';
import { decrypted, encrypted } from './sealing.ts';

const base64url = Type.String({ pattern: '^[\\w-]+$' });
const wrappedForm = Compile(Type.Object({ ...storedCost, salt: base64url, key: base64url }));
const bound = Buffer.from('facelatch key wrapped by passphrase 1');
export const leastPassphrase = 12;

/** Throws Fault `bad-argument` for a passphrase that is too short. */
export async function wrapByPassphrase(kek: Uint8Array, passphrase: string): Promise<string> {
  if ([...passphrase].length < leastPassphrase)
    throw new Fault(
      'bad-argument',
      `A passphrase needs at least ${leastPassphrase} characters: take four or more words that nobody guesses`,
    );
  const salt = randomBytes(32);
  const key = await stretchedAsTyped(passphrase, salt);
  try {
    const wrapped = Buffer.from(encrypted(key, bound, kek));
    return JSON.stringify({ kdf: 'scrypt', ...stretchCost, salt: salt.toString('base64url'), key: wrapped.toString('base64url') });
  } finally {
    key.fill(0);
  }
}

/** Undefined for another passphrase. Throws Fault `vault-damaged` for a text that nobody wrapped. */
export async function unwrapByPassphrase(wrapped: string, passphrase: string): Promise<Uint8Array | undefined> {
  const form = parseJson(Buffer.from(wrapped));
  if (!wrappedForm.Check(form))
    throw new Fault('vault-damaged', 'The wrapped key in the keyring is damaged: give the recovery phrase (facelatch vault recover)');
  const key = await stretchedAsTyped(passphrase, Buffer.from(form.salt, 'base64url'));
  try {
    return decrypted(key, bound, Buffer.from(form.key, 'base64url'));
  } finally {
    key.fill(0);
  }
}

/** As typed on any keyboard: NFKD (Unicode), as BIP-39 has it. */
function stretchedAsTyped(passphrase: string, salt: Uint8Array): Promise<Buffer> {
  const typed = Buffer.from(passphrase.normalize('NFKD'));
  return stretched(typed, salt).finally(() => typed.fill(0));
}
