import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { keyOfPhrase, looksLikePhrase, phraseOf } from '../../src/vault/phrase.ts';

const zeros = `${'abandon '.repeat(23)}art`;

it('a key is 24 words, and the words are the key (BIP-39)', () => {
  expect(phraseOf(new Uint8Array(32))).toBe(zeros);
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (kek) => {
      expect(keyOfPhrase(phraseOf(kek))).toEqual(kek);
    }),
    { numRuns: 50 },
  );
});

it('words are read as people type them', () => {
  expect(keyOfPhrase(`\n ${zeros.toUpperCase().replaceAll(' ', '  \t')}\r\n`)).toEqual(new Uint8Array(32));
});

it('a wrong phrase is one clear error that repeats no word', () => {
  const words = phraseOf(randomBytes(32)).split(' ');
  const wrong = [
    ['', 'it has 24 words, not 0'],
    [words.slice(1).join(' '), 'it has 24 words, not 23'],
    [words.with(4, 'secretly').join(' '), 'word 5 is not in the list'],
    [`${'abandon '.repeat(23)}abandon`, 'a word is wrong'],
  ];
  for (const [phrase = '', why = ''] of wrong) {
    const thrown = fault(() => keyOfPhrase(phrase));
    expect(thrown).toMatchObject({ code: 'bad-argument', message: expect.stringContaining(why) });
    expect(thrown.message).not.toMatch(/secretly|abandon/);
  }
});

it('a phrase with a slip is taken for a phrase, a passphrase is not', () => {
  expect(looksLikePhrase(zeros.replace('art', 'arrt'))).toBe(true);
  expect(looksLikePhrase('correct horse battery staple')).toBe(false);
});

function fault(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}
