/**
 * PINs. In: a PIN as text. Out: a salted scrypt hash to store (RFC 7914; Node's N = 16384, r = 8, p = 1), or whether
 * the PIN matches a stored hash. A PIN has few digits: at the keypad the back-off protects it, on the disk the mode
 * of the file.
 */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify<string, Buffer, number, Buffer>(scrypt);
const length = 32;

/** At least `digits` and at most twelve digits. */
export const isNewPin = (text: string, digits: number): boolean => /^\d{4,12}$/.test(text) && text.length >= digits;

/** `scrypt$<salt>$<hash>`, base64url. */
export async function hashPin(pin: string): Promise<string> {
  const salt = randomBytes(16);
  return `scrypt$${salt.toString('base64url')}$${(await derive(pin, salt, length)).toString('base64url')}`;
}

/** Takes the same time whether or not the PIN is right. */
export async function isThePin(pin: string, stored: string): Promise<boolean> {
  const [, salt = '', hash = ''] = stored.split('$');
  const wanted = Buffer.from(hash, 'base64url');
  const got = await derive(pin, Buffer.from(salt, 'base64url'), length);
  return wanted.length === got.length && timingSafeEqual(wanted, got);
}
