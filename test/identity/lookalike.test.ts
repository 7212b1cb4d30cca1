import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isVisible, looksLike, withName } from '../../src/identity/lookalike.ts';
import { personName } from '../../src/identity/name.ts';

describe('two names look alike', () => {
  it.each([
    ['with a Cyrillic letter', 'Anna', '\u0410nna'],
    ['wholly in Cyrillic letters', 'Papa', 'Рара'],
    ['with a Greek letter', 'Otto', '\u039ftto'],
    ['with full-width letters', 'Ada', 'Ａｄａ'],
    ['with mathematical letters', 'Ada', '𝐀𝐝𝐚'],
    ['with a zero-width space', 'Ada', 'A\u200bda'],
    ['with a soft hyphen', 'Ada', 'Ad\u00ada'],
    ['with a variation selector', 'Ada', 'Ada\ufe0f'],
    ['with a tag character', 'Ada', 'Ada\u{e0041}'],
    ['with a blank Hangul letter', 'Ada', 'Ada\u3164'],
    ['with a blank Braille pattern', 'Ada L', 'Ada\u2800L'],
    ['with another kind of space', 'Ada L', 'Ada\u00a0\u2003L'],
    ['with a capital i for a small L', 'Paul', 'PauI'],
    ['with a figure for a letter', 'Otto', '0tto'],
    ['with the mark of a letter written apart', 'Zoë', 'Zoe\u0308'],
    ['with another hyphen', 'Anne-Marie', 'Anne\u2010Marie'],
    ['with a dotless i that has a dot', 'Tim', 'Tı\u0307m'],
  ])('%s', (_, one, other) => expect(looksLike(one, other)).toBe(true));

  it.each([
    ['Ada', 'Ida'],
    ['Zoë', 'Zoe'],
    ['Arno', 'Amo'],
    ['Σοφία', 'Οοφία'],
    ['Юля', 'Оля'],
    ['ada', 'Ada'],
    ['李', '王'],
    ['Ada L', 'AdaL'],
  ])('not %s and %s', (one, other) => expect(looksLike(one, other)).toBe(false));
});

it('every name looks like what is stored of it, whatever was typed', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
      let stored: string;
      try {
        stored = personName(text);
      } catch {
        return true;
      }
      return looksLike(stored, text) && isVisible(stored) && personName(stored) === stored;
    }),
    { numRuns: 2000 },
  );
});

it.each(['\u200b', '\u3164', '\u2800', '\u00ad', '\ufe0f', '\u115f\u1160', '\u0301', '\u{e0041}', '\ue000', '\u00a0'])(
  'refuses %j, a name of nothing that can be seen',
  (text) => expect(() => personName(text)).toThrow(expect.objectContaining({ code: 'bad-argument' })),
);

it('keeps the joiners inside a word, which some scripts need, and drops those outside', () => {
  expect(personName('می\u200cخواهم')).toBe('می\u200cخواهم');
  expect(personName('\u200cAda\u200d')).toBe('Ada');
});

it('finds the very name before one that looks like it, and all that look like it where there is none', () => {
  const people = [{ name: 'Anna' }, { name: '\u0410nna' }, { name: 'Bob' }];
  expect(withName(people, ' Anna ')).toEqual([people[0]]);
  expect(withName(people, '\u0410nna')).toEqual([people[1]]);
  expect(withName(people, 'Ann\u0430')).toEqual([people[0], people[1]]);
  expect(withName(people, 'Cy')).toEqual([]);
});

it.each(['\u200b', '\u200d', 'a\u200c', ' ', 'I'])('refuses a name of a million characters: %j', (part) => {
  expect(() => personName(part.repeat(1_000_000))).toThrow(expect.objectContaining({ code: 'bad-argument' }));
});
