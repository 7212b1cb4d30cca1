/** What is said of a consent on the command line: texts go in, a consent or a fault comes out. */
import { Fault } from '../base/errors.ts';
import { type ConsentWay, consentWays } from '../events.ts';
import type { Consent } from '../identity/port.ts';

/** @throws Fault `bad-argument`. */
export function consentVersion(text: string): string {
  if (/^[A-Za-z0-9._-]{1,64}$/.test(text)) return text;
  throw new Fault('bad-argument', `"${text}" is no version of a text: give 1 to 64 of A–Z a–z 0–9 . _ -, such as 2026-01`);
}

/** @throws Fault `bad-argument`. */
export function consentWay(text: string): ConsentWay {
  const way = consentWays.find((one) => one === text);
  if (way && way !== 'command') return way;
  throw new Fault('bad-argument', `--how takes paper or console, not "${text}"`);
}

/** The consent that the options of a command name. */
export function consentGiven({ consent, how }: { readonly consent?: string; readonly how: ConsentWay }): Consent | undefined {
  return consent === undefined ? undefined : { version: consent, how };
}
