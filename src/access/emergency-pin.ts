/**
 * The one PIN that opens a door whose vault is locked: it needs no vault. A PIN as text goes in; a salted hash to store
 * comes out, or whether a PIN matches one. Nothing that is secret while the door is off stands behind the hash, so each
 * try is dear (stretched.ts), and the PIN is longer than others.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { storedCost, stretchCost, stretched } from '../base/data/stretched.ts';
import { parseJson } from '../base/jws.ts';
import { Compile, type Static, Type } from '../base/schema.ts';

const base64url = Type.String({ pattern: '^[\\w-]+$' });
const form = Type.Object({ ...storedCost, salt: base64url, hash: base64url });
const check = Compile(form);

const formOf = (stored: string): Static<typeof form> | undefined => {
  const found = parseJson(Buffer.from(stored));
  return check.Check(found) ? found : undefined;
};

export const isEmergencyHash = (stored: string): boolean => formOf(stored) !== undefined;

/** Why it cannot be one; undefined where it can. */
export function wrongEmergencyPin(text: string): string | undefined {
  if (!/^\d{8,12}$/.test(text)) return 'An emergency PIN is 8 to 12 digits';
  return isGuessable(text)
    ? 'This PIN is among the first that anybody tries (the same digits again, or in a row): take another'
    : undefined;
}

/** Equal steps (11111111, 23456789), or a shorter text again and again (12341234). */
function isGuessable(pin: string): boolean {
  const steps = new Set([...pin.slice(1)].map((digit, at) => (Number(digit) - Number(pin[at]) + 10) % 10));
  const repeats = [1, 2, 3, 4, 5, 6].some((length) => length * 2 <= pin.length && pin.slice(length) === pin.slice(0, -length));
  return steps.size === 1 || repeats;
}

export async function hashEmergencyPin(pin: string): Promise<string> {
  const salt = randomBytes(32);
  const hash = await stretched(pin, salt);
  return JSON.stringify({ kdf: 'scrypt', ...stretchCost, salt: salt.toString('base64url'), hash: hash.toString('base64url') });
}

/** Takes the same time whether or not it is right. */
export async function isTheEmergencyPin(pin: string, stored: string): Promise<boolean> {
  const held = formOf(stored);
  const wanted = Buffer.from(held?.hash ?? '', 'base64url');
  const got = await stretched(pin, Buffer.from(held?.salt ?? '', 'base64url'));
  return wanted.length === got.length && timingSafeEqual(wanted, got);
}
