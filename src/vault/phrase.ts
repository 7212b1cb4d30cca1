/** The recovery phrase (BIP-39): a key of 32 bytes goes in, 24 words come out, and back. */
import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { Fault } from '../base/errors.ts';

const count = 24;
const known = new Set(wordlist);

export const phraseOf = (kek: Uint8Array): string => entropyToMnemonic(kek, wordlist);

const wordsOf = (phrase: string): string[] => phrase.normalize('NFKD').toLowerCase().split(/\s+/).filter(Boolean);

/** Whether somebody means a recovery phrase: then another number of words, or a wrong one, is a slip. */
export const looksLikePhrase = (text: string): boolean => {
  const words = wordsOf(text);
  return words.length === count && words.filter((word) => known.has(word)).length >= count - 2;
};

/** Throws Fault `bad-argument`, which never repeats a word. */
export function keyOfPhrase(phrase: string): Uint8Array {
  const words = wordsOf(phrase);
  const unknown = words.flatMap((word, at) => (known.has(word) ? [] : [at + 1]));
  if (words.length !== count) throw notAPhrase(`it has ${count} words, not ${words.length}`);
  if (unknown.length > 0) throw notAPhrase(`word ${unknown.join(', ')} is not in the list`);
  try {
    return mnemonicToEntropy(words.join(' '), wordlist);
  } catch {
    throw notAPhrase('a word is wrong, or two stand in each other’s place');
  }
}

const notAPhrase = (why: string): Fault =>
  new Fault(
    'bad-argument',
    `This is not the recovery phrase as "facelatch vault" showed it (${why}): compare every word with what you wrote down`,
  );
