/**
 * PINs. In: a PIN as text, and the vault. Out: a salted scrypt hash to store (RFC 7914; Node's N = 16384, r = 8,
 * p = 1) of the PIN's HMAC under the door's key, or whether the PIN matches a stored hash. A PIN has few digits: at the
 * keypad the back-off protects it; on the disk nobody can try PINs without the key of the vault.
 */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { Vault } from '../vault/port.ts';

const derive = promisify<string | Uint8Array, Buffer, number, Buffer>(scrypt);
const length = 32;
const peppered = 'scrypt-hmac';

export type PinVault = Pick<Vault, 'pseudonym'>;

/** At least `digits` and at most twelve digits. */
export const isNewPin = (text: string, digits: number): boolean => /^\d{4,12}$/.test(text) && text.length >= digits;

/** `scrypt-hmac$<salt>$<hash>`, base64url. Throws the vault's Faults. */
export async function hashPin(vault: PinVault, pin: string): Promise<string> {
  const salt = randomBytes(16);
  return `${peppered}$${salt.toString('base64url')}$${(await derive(pepperOf(vault, pin), salt, length)).toString('base64url')}`;
}

/** A hash of the PIN alone, as versions before the vault made it (`scrypt$…`). It is replaced at the next right PIN. */
export const isPlainHash = (stored: string): boolean => !stored.startsWith(`${peppered}$`);

/** Takes the same time whether or not the PIN is right. Throws the vault's Faults. */
export async function isThePin(vault: PinVault, pin: string, stored: string): Promise<boolean> {
  const [, salt = '', hash = ''] = stored.split('$');
  const wanted = Buffer.from(hash, 'base64url');
  const got = await derive(isPlainHash(stored) ? pin : pepperOf(vault, pin), Buffer.from(salt, 'base64url'), length);
  return wanted.length === got.length && timingSafeEqual(wanted, got);
}

/** The key of the door is always there: without it the vault does not open. */
const pepperOf = (vault: PinVault, pin: string): Uint8Array => vault.pseudonym('door', 'pin', pin) as Uint8Array;
