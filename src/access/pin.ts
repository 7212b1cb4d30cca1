/**
 * PINs: text in, a salted scrypt hash to store out (RFC 7914; Node's N = 16384, r = 8, p = 1), and whether an entered one is it. A PIN has few digits, so
 * what protects it at the keypad is the back-off, and in the file the file's own rights.
 */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify(scrypt) as (pin: string, salt: Buffer, length: number) => Promise<Buffer>;
const length = 32;

/** Four to twelve digits. */
export const isPin = (text: string): boolean => /^\d{4,12}$/.test(text);

/** `scrypt$<salt>$<hash>`, base64url. */
export async function hashPin(pin: string): Promise<string> {
  const salt = randomBytes(16);
  return `scrypt$${salt.toString('base64url')}$${(await derive(pin, salt, length)).toString('base64url')}`;
}

/** Takes the same time whether or not it is right. */
export async function isThePin(pin: string, stored: string): Promise<boolean> {
  const [, salt = '', hash = ''] = stored.split('$');
  const wanted = Buffer.from(hash, 'base64url');
  const got = await derive(pin, Buffer.from(salt, 'base64url'), length);
  return wanted.length === got.length && timingSafeEqual(wanted, got);
}
