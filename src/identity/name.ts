/** People's names as they are stored: typed text goes in, a trimmed and normalised name or a Fault comes out. */
import { Fault } from '../base/errors.ts';
import { isVisible } from './lookalike.ts';
import type { Person } from './port.ts';

// Control characters, half surrogates, line separators, and marks that change the writing direction.
const unfit = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;
/**
 * Characters without a shape. The joiners stay inside a word: Persian and many scripts of India are written with them,
 * and emoji.
 */
const shapeless =
  /(?![\u200c\u200d])\p{Default_Ignorable_Code_Point}|(?<![\p{L}\p{M}\p{So}])[\u200c\u200d]|[\u200c\u200d](?![\p{L}\p{M}\p{So}])/gu;
/** Longer text is no name; what follows reads it several times. */
const longest = 1000;

/**
 * 1–80 visible characters without controls, in Unicode form C (so that one name is not two). Throws Fault
 * `bad-argument`.
 */
export function personName(text: string): string {
  if (text.length <= longest && !unfit.test(text.trim())) {
    const name = text
      .normalize('NFC')
      .replace(shapeless, '')
      .replace(/[\s\u2800]+/gu, ' ')
      .trim();
    const { length } = [...name];
    if (length <= 80 && isVisible(name)) return name;
  }
  throw new Fault('bad-argument', 'A name has 1 to 80 characters that can be seen, and no control characters: choose another name.');
}

/** The only one; undefined where there is none, or where it is not clear who is meant. */
export const onlyOne = (people: readonly Person[]): Person | undefined => (people.length === 1 ? people[0] : undefined);

/**
 * Whom pictures under `name` are added to; undefined: a new person. Throws Fault `bad-argument` where it is not clear
 * who is meant.
 */
export function bearerOf<P extends Pick<Person, 'id'>>(name: string, alike: readonly P[]): P | undefined {
  if (alike.length < 2) return alike[0];
  const ids = alike.map(({ id }) => id).join(' and ');
  const rest = `looks like the names of several people (${ids}): rename one of them, or give the name exactly.`;
  throw new Fault('bad-argument', `${name} ${rest}`, undefined, `This name ${rest}`);
}
