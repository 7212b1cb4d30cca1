/**
 * Pictures of people in folders, split by person and by picture before any pair is formed, so that nothing that is
 * tested on was trained on; and the balanced pairs drawn from a part. Two layouts: a folder for each person, or the
 * tutorial's `anchor`, `positive` and `negative`.
 */
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Fault } from '../../base/errors.ts';
import { below, newRandom, type Random, shuffled } from '../../base/random.ts';

/** One person's pictures: a pair takes its first picture from `first` and its second from `second`. */
export interface Subject {
  readonly name: string;
  readonly first: readonly string[];
  readonly second: readonly string[];
}

/** A part of a dataset, or all of it. */
export interface Part {
  readonly name: string;
  readonly subjects: readonly Subject[];
}

export interface Split {
  readonly train: Part;
  readonly validation: Part;
  readonly test: Part;
}

/** Paths of two pictures, and whether they show one person. */
export interface PicturePair {
  readonly first: string;
  readonly second: string;
  readonly same: boolean;
}

export interface SplitOptions {
  /**
   * `person`: people of one part are in no other; it measures strangers. `picture`: everyone is in each part, with
   * other pictures. `leaky`: all three parts are everything, as where pairs are formed before the split; it shows
   * what that does to figures.
   */
  readonly by: 'person' | 'picture' | 'leaky';
  /** Shares of validation and test: each 0…1, together below 1. */
  readonly validation: number;
  readonly test: number;
  readonly seed: number;
}

const pictureNames = /\.(jpe?g|png|webp|pgm|ppm)$/i;
const tutorialFolders = ['anchor', 'positive', 'negative'] as const;

/**
 * Reads the names in `folder` and opens no picture. Throws Fault `not-found`, or `bad-argument` where there is
 * nothing to pair.
 */
export async function readDataset(folder: string): Promise<Part> {
  const part = await readSubjects(folder);
  requirePairs(part, folder, 'add pictures there, a folder for each person');
  return part;
}

/** As `readDataset`, of people who need not make pairs. Throws Fault `not-found`. */
export async function readSubjects(folder: string): Promise<Part> {
  const folders = await subfolders(folder);
  const isTutorial = tutorialFolders.every((name) => folders.includes(name));
  const subjects = isTutorial ? await tutorialSubjects(folder) : await Promise.all(folders.map((name) => personFolder(folder, name)));
  return { name: folder, subjects: subjects.filter(({ first, second }) => first.length + second.length > 0) };
}

async function personFolder(folder: string, name: string): Promise<Subject> {
  const pictures = await readPictureFolder(join(folder, name));
  return { name, first: pictures, second: pictures };
}

/**
 * The person of `anchor` and `positive`, and everyone in `negative`; `Name_0001.jpg` names who is in a picture, as in
 * LFW.
 */
async function tutorialSubjects(folder: string): Promise<Subject[]> {
  const [anchors, positives, negatives] = await Promise.all(tutorialFolders.map((name) => readPictureFolder(join(folder, name))));
  const strangers = Map.groupBy(negatives ?? [], (path) => basename(path).replace(/(_\d+)?\.\w+$/, ''));
  return [
    { name: 'anchor', first: anchors ?? [], second: positives ?? [] },
    ...[...strangers].map(([name, pictures]) => ({ name: `negative/${name}`, first: [], second: pictures })),
  ];
}

async function subfolders(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const linked = entries.filter((entry) => entry.isSymbolicLink()).map(({ name }) => name);
    const folders = await Promise.all(linked.map(async (name) => ((await isFolder(join(folder, name))) ? [name] : [])));
    return [...entries.filter((entry) => entry.isDirectory()).map(({ name }) => name), ...folders.flat()].filter(isNameable).sort(byNumber);
  } catch (error) {
    throw new Fault(
      'not-found',
      `The folder of pictures ${folder} cannot be read: give as DATA a folder with one folder per person.`,
      error,
    );
  }
}

/** Follows a link; false where its target is missing. */
const isFolder = (path: string) =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** Paths of the pictures in one folder, `2.jpg` before `10.jpg`. Throws Fault `not-found`. */
export async function readPictureFolder(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw new Fault('not-found', `The folder of pictures ${folder} cannot be read: check its name and who may read it.`, error);
  });
  return names
    .filter((name) => pictureNames.test(name) && isNameable(name))
    .sort(byNumber)
    .map((name) => join(folder, name));
}

/**
 * A name that is not UTF-8 reads like this, and no file has the changed name. It is left out, so that the others can be
 * used.
 */
const isNameable = (name: string): boolean => !name.includes('\ufffd');

const byNumber = new Intl.Collator('en', { numeric: true }).compare;

/**
 * Divides the subjects, or the pictures of each. Throws Fault `bad-argument` where a part would have no pair of
 * either kind.
 */
export function splitDataset(all: Part, options: SplitOptions): Split {
  const random = newRandom(options.seed);
  const names = ['train', 'validation', 'test'] as const;
  const shares = [1 - options.validation - options.test, options.validation, options.test] as const;
  const subjects =
    options.by === 'leaky'
      ? names.map(() => all.subjects)
      : options.by === 'person'
        ? bySubject(all.subjects, shares, random)
        : byPicture(all.subjects, shares, random);
  const parts = names.map((name, index) => ({ name, subjects: subjects[index] ?? [] }));
  for (const part of parts) requirePairs(part, `the ${part.name} part of ${all.name}, split by ${options.by},`);
  const [train, validation, test] = parts as [Part, Part, Part];
  return { train, validation, test };
}

type Shares = readonly [number, number, number];

/** Where only one person has anchors (the tutorial's layout), that person is in every part, with other pictures. */
function bySubject(subjects: readonly Subject[], shares: Shares, random: Random): Subject[][] {
  const anchors = subjects.filter(({ first }) => first.length > 0);
  const lone = anchors.length === 1;
  const parts = cut(shuffled(lone ? subjects.filter((subject) => subject !== anchors[0]) : subjects, random), shares);
  if (!lone) return parts;
  const anchor = byPicture(anchors, shares, random);
  return parts.map((part, index) => [...(anchor[index] ?? []), ...part]);
}

function byPicture(subjects: readonly Subject[], shares: Shares, random: Random): Subject[][] {
  const cuts = subjects.map((subject) => {
    const second = cut(shuffled(subject.second, random), shares);
    const first = subject.first === subject.second ? second : cut(shuffled(subject.first, random), shares);
    return shares.map((_, index) => ({ name: subject.name, first: first[index] ?? [], second: second[index] ?? [] }));
  });
  return shares.map((_, index) =>
    cuts.map((parts) => parts[index] as Subject).filter(({ first, second }) => first.length + second.length > 0),
  );
}

function cut<T>(items: readonly T[], [train, validation]: Shares): T[][] {
  const from = Math.round(items.length * train);
  const to = Math.round(items.length * (train + validation));
  return [items.slice(0, from), items.slice(from, to), items.slice(to)];
}

const hasMatch = ({ first, second }: Subject) => first.some((a) => second.some((b) => a !== b));

/** Throws Fault `bad-argument` that says how many people and pictures are needed and how many there are. */
export function requirePairs(part: Part, what = part.name, remedy = 'add pictures to DATA, or choose other shares'): void {
  const matched = part.subjects.filter(hasMatch).length;
  if (matched > 0 && part.subjects.length > 1) return;
  const single = part.subjects.filter(({ first, second }) => new Set([...first, ...second]).size === 1).length;
  throw new Fault(
    'bad-argument',
    `Pairs need at least 2 people, one of them with 2 pictures; ${what} has ${part.subjects.length === 1 ? '1 person' : `${part.subjects.length} people`}, ${matched} with 2 pictures ` +
      `and ${single} with only one: ${remedy}.`,
  );
}

/** A balanced batch: the first half of the pairs (the larger half of an odd number) show one person, the rest two. */
export function drawPairs(part: Part, pairs: number, random: Random): PicturePair[] {
  const matchable = part.subjects.filter(hasMatch);
  const firsts = part.subjects.filter(({ first }) => first.length > 0);
  const pick = <T>(items: readonly T[]) => items[below(random, items.length)] as T;
  const same = (): PicturePair => {
    const { first, second } = pick(matchable);
    for (;;) {
      const pair = { first: pick(first), second: pick(second), same: true };
      if (pair.first !== pair.second) return pair;
    }
  };
  const other = (): PicturePair => {
    for (;;) {
      const [one, two] = [pick(firsts), pick(part.subjects)];
      if (one !== two && two.second.length > 0) return { first: pick(one.first), second: pick(two.second), same: false };
    }
  };
  return Array.from({ length: pairs }, (_, index) => (index < Math.ceil(pairs / 2) ? same() : other()));
}

/**
 * Up to `count` different pairs to measure a part on, balanced as far as there are enough; the same for the same
 * seed.
 */
export function evaluationPairs(part: Part, count: number, seed: number): PicturePair[] {
  const random = newRandom(seed);
  const found = { same: new Map<string, PicturePair>(), other: new Map<string, PicturePair>() };
  // Small parts have fewer pairs than `count`: after many tries all of them have come up.
  for (let tries = 0; found.same.size + found.other.size < count && tries < 20 * count; tries++)
    for (const pair of drawPairs(part, 2, random)) {
      const kind = pair.same ? found.same : found.other;
      if (kind.size < Math.ceil(count / 2)) kind.set([pair.first, pair.second].sort().join('\n'), pair);
    }
  return [...found.same.values(), ...found.other.values()];
}

/** Every picture of a part once. */
export const picturesOf = (part: Part): string[] => [...new Set(part.subjects.flatMap(({ first, second }) => [...first, ...second]))];
