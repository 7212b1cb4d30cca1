/**
 * Lists of picture pairs in the format of LFW. In: the text of View 1 (`500`: one fold) or View 2 (`10<tab>300`: ten
 * folds). Out: pairs with the paths of their pictures, truth and fold.
 *
 * Format: http://vis-www.cs.umass.edu/lfw/README.txt, sections "pairs.txt format" and "pairsDevTrain.txt format". A
 * line `name n1 n2` is one person twice, `name1 n1 name2 n2` two people. Tabs separate the fields. In each fold all
 * matched pairs come first.
 */
import { Fault } from '../../base/errors.ts';

export interface Pair {
  /** Paths of the two pictures inside the folder of pictures: `Name/Name_0001.jpg`. */
  readonly a: string;
  readonly b: string;
  /** Whether both show one person. */
  readonly same: boolean;
  /** 0…9. A list of one fold is cross-validated in ten parts, pair i in part i mod 10, as in the reference pipeline. */
  readonly fold: number;
}

export interface PairList {
  readonly view: 1 | 2;
  readonly pairs: readonly Pair[];
}

const parts = 10;

/**
 * Reads a list. Throws Fault `bad-argument` with the number of the line that does not fit. `file` is its name in
 * messages.
 */
export function readPairs(text: string, file: string): PairList {
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
  while (lines.at(-1)?.trim() === '') lines.pop();
  const header = /^(?:([1-9]\d{0,4})\t)?([1-9]\d{0,6})$/.exec(lines[0]?.trimEnd() ?? '');
  if (!header) throw bad(file, 1, 'must be the number of matched pairs, or the number of folds, a tab, and the pairs of each');
  const folds = Number(header[1] ?? 1);
  const perKind = Number(header[2]);
  const promised = 2 * folds * perKind;
  const pairs = lines.slice(1, promised + 1).map((line, i): Pair => {
    const same = i % (2 * perKind) < perKind;
    const pictures = picturesOf(line.trimEnd().split('\t'), same);
    if (!pictures) {
      const form = same ? 'name, number, number (one person twice)' : 'name, number, name, number (two people)';
      throw bad(file, i + 2, `must be ${form}, separated by tabs`);
    }
    return { ...pictures, same, fold: folds === 1 ? i % parts : Math.floor(i / (2 * perKind)) };
  });
  if (pairs.length < promised) throw bad(file, lines.length, `is the last, but the first announces ${promised} pairs`);
  if (lines.length - 1 > promised) throw bad(file, promised + 2, `is one more than the ${promised} pairs that the first announces`);
  return { view: folds === 1 ? 1 : 2, pairs };
}

function picturesOf(fields: readonly string[], same: boolean): { a: string; b: string } | undefined {
  const [name, first, third, fourth] = fields;
  if (fields.length !== (same ? 3 : 4)) return undefined;
  const a = pathOf(name, first);
  const b = same ? pathOf(name, third) : pathOf(third, fourth);
  return a && b && (same || name !== third) ? { a, b } : undefined;
}

/**
 * Undefined unless the name is that of one folder and the number that of a picture: no list leads out of the folder.
 */
function pathOf(name = '', number = ''): string | undefined {
  if (!/^[^./\\][^/\\]*$/.test(name) || !/^[1-9]\d{0,3}$/.test(number)) return undefined;
  return `${name}/${name}_${number.padStart(4, '0')}.jpg`;
}

function bad(file: string, line: number, what: string): Fault {
  return new Fault('bad-argument', `${file}, line ${line}: ${what}.`);
}
