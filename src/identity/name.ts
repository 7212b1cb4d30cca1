/** People's names as they are stored: typed text goes in, a trimmed and normalised name or a Fault comes out. */
import { Fault } from '../base/errors.ts';

// Control characters, half surrogates, line separators, and marks that change the writing direction.
const unfit = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;

/** 1–80 characters without controls, in Unicode form C (so that one name is not two). Throws Fault `bad-argument`. */
export function personName(text: string): string {
  const name = text.trim().normalize('NFC');
  const { length } = [...name];
  if (length >= 1 && length <= 80 && !unfit.test(name)) return name;
  throw new Fault('bad-argument', 'A name has 1 to 80 characters and no control characters: choose another name.');
}
