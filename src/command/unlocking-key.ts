/**
 * The key under which the passphrase of a vault travels to a locked door, besides the door's lasting one. It is made in
 * memory, cannot be taken out of it, and is gone when the door has been unlocked or stopped: whoever recorded the
 * traffic and reads the door's keys later opens nothing. Texts go in and come out; it stores nothing.
 */
import type { CryptoKey } from 'jose';
import { loadJose } from '../base/jws.ts';
import { importKey, type PublicKey, publicKeyOf } from './keys.ts';
import { disclose, enclose } from './seal.ts';

export type X25519Key = PublicKey & { readonly crv: 'X25519' };

interface UnlockingKey {
  /** Its public part; made when it is asked for first. */
  card(): Promise<X25519Key>;
  /** The text that was enclosed to it; undefined for any other. */
  disclose(enclosed: string): Promise<string | undefined>;
}

export function unlockingKey(): UnlockingKey {
  let made: Promise<{ readonly publicKey: CryptoKey; readonly privateKey: CryptoKey }> | undefined;
  return {
    card: async () => {
      const { exportJWK, generateKeyPair } = await loadJose();
      made ??= generateKeyPair('ECDH-ES', { crv: 'X25519', extractable: false });
      return { ...publicKeyOf(await exportJWK((await made).publicKey), 'X25519'), crv: 'X25519' };
    },
    disclose: async (enclosed) => made && disclose(enclosed, (await made).privateKey),
  };
}

/** For the door that made the key alone. */
export const enclosedTo = async (key: PublicKey, secret: string): Promise<string> => enclose(secret, await importKey(key));
