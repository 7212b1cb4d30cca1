/**
 * Pictures of people in folders, to measure on: every pair of one person and of two, or a number drawn of them; and
 * who is in a picture, by the name of its file.
 */
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Fault } from '../../base/errors.ts';
import { below, newRandom } from '../../base/random.ts';
import { type Part, type PicturePair, readDataset, readPictureFolder, readSubjects, type Subject } from './dataset.ts';

/** Two pictures by path, and whose they are. */
export interface KnownPair extends PicturePair {
  readonly people: readonly [string, string];
  /**
   * Part of the cross-validation, 0…9. It is a part of the people, so that a person's habits are in one; with fewer
   * than ten people, every tenth pair.
   */
  readonly fold: number;
}

export interface EveryPair {
  readonly pairs: readonly KnownPair[];
  /** How many of each kind there are; more than `pairs` has where they were drawn. */
  readonly mated: number;
  readonly impostors: number;
}

const parts = 10;

/** At most `most` pairs of each kind; drawn at random (the same for the same seed) where there are more. */
export function everyPair({ subjects }: Part, most: number, seed: number): EveryPair {
  const random = newRandom(seed);
  const known = (one: number, other: number, first: string, second: string): KnownPair => ({
    ...{ first, second, same: one === other, fold: one === other ? one % parts : (one + other) % parts },
    people: [subjects[one]?.name ?? '', subjects[other]?.name ?? ''],
  });
  const mates = subjects.flatMap((subject, index) => matesOf(subject).map(([first, second]) => known(index, index, first, second)));
  const mated = mates.length > most ? drawn(mates, most, random) : mates;
  const impostors = countImpostors(subjects);
  const strangers = impostors > most ? drawImpostors(subjects, most, random, known) : allImpostors(subjects, known);
  const pairs = [...mated, ...strangers];
  // With few people the parts cannot be people: some would have pairs of one kind only.
  return {
    pairs: subjects.length < parts ? pairs.map((pair, index) => ({ ...pair, fold: index % parts })) : pairs,
    mated: mates.length,
    impostors,
  };
}

type Known = (one: number, other: number, first: string, second: string) => KnownPair;

/** All pairs of a person's pictures, each once. */
function matesOf({ first, second }: Subject): (readonly [string, string])[] {
  if (first === second) return first.flatMap((one, index) => first.slice(index + 1).map((other) => [one, other] as const));
  return first.flatMap((one) => second.filter((other) => other !== one).map((other) => [one, other] as const));
}

/**
 * Whether the first pictures of `one` are paired with the second pictures of `other`. In folders of people both are
 * the same list, so a pair and its reverse are equal and only one of them is formed.
 */
function arePaired(subjects: readonly Subject[], one: number, other: number): boolean {
  const isSymmetric = [one, other].every((person) => subjects[person]?.first === subjects[person]?.second);
  return one !== other && !(isSymmetric && other < one);
}

function countImpostors(subjects: readonly Subject[]): number {
  let count = 0;
  for (const [one, { first }] of subjects.entries())
    for (const [other, { second }] of subjects.entries()) if (arePaired(subjects, one, other)) count += first.length * second.length;
  return count;
}

function allImpostors(subjects: readonly Subject[], known: Known): KnownPair[] {
  return subjects.flatMap(({ first }, one) =>
    subjects.flatMap(({ second }, other) =>
      arePaired(subjects, one, other) ? first.flatMap((a) => second.map((b) => known(one, other, a, b))) : [],
    ),
  );
}

/** There must be more than `count`. */
function drawImpostors(subjects: readonly Subject[], count: number, random: () => number, known: Known): KnownPair[] {
  const flat = (kind: 'first' | 'second') => subjects.flatMap((subject, person) => subject[kind].map((path) => ({ person, path })));
  const [firsts, seconds] = [flat('first'), flat('second')];
  const found = new Map<string, KnownPair>();
  while (found.size < count) {
    const one = firsts[below(random, firsts.length)];
    const other = seconds[below(random, seconds.length)];
    if (one && other && arePaired(subjects, one.person, other.person))
      found.set(`${one.path}\n${other.path}`, known(one.person, other.person, one.path, other.path));
  }
  return [...found.values()];
}

function drawn<T>(items: readonly T[], count: number, random: () => number): T[] {
  const rest = [...items];
  for (let at = 0; at < count; at++) {
    const from = at + below(random, rest.length - at);
    [rest[at], rest[from]] = [rest[from] as T, rest[at] as T];
  }
  return rest.slice(0, count);
}

/** The tutorial's verification: the probe in `input_image/` against the person of `verification_images/`. */
const probeFolders = ['input_image', 'verification_images'] as const;

/**
 * Who is in the pictures of `folder`. By `folder`: a folder for each person, the tutorial's training folders, or its
 * `input_image/` and `verification_images/`. By `name`: the names of the files up to the last `_` and number, in
 * `folder` and its subfolders (`001_03.jpg`). Throws Fault `not-found`, `bad-argument`.
 */
export async function readPeople(folder: string, by: 'folder' | 'name'): Promise<Part> {
  if (by === 'name') return peopleByName(folder);
  const names = await readdir(folder).catch((): string[] => []);
  if (!probeFolders.every((name) => names.includes(name))) return readDataset(folder);
  const [first, second] = await Promise.all(probeFolders.map((name) => readPictureFolder(join(folder, name))));
  return { name: folder, subjects: [{ name: basename(folder), first: first ?? [], second: second ?? [] }] };
}

async function peopleByName(folder: string): Promise<Part> {
  const part = await subjectsByName(folder);
  if (part.subjects.length < 2)
    throw new Fault(
      'bad-argument',
      `The names of the pictures in ${folder} name ${part.subjects.length === 0 ? 'nobody' : 'one person'}, and at least two people are needed; Ada_1.jpg and Ada_2.jpg would be two of Ada.`,
    );
  return part;
}

/** Who is in the pictures of a folder, where nobody need have two of them. Throws Fault `not-found`. */
export const readStrangers = (folder: string, by: 'folder' | 'name'): Promise<Part> =>
  by === 'name' ? subjectsByName(folder) : readSubjects(folder);

async function subjectsByName(folder: string): Promise<Part> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw new Fault('not-found', `The folder of pictures ${folder} cannot be read: check its name and who may read it.`, error);
  });
  const inside = entries.filter((entry) => !entry.isFile() && !entry.name.startsWith('.')).map(({ name }) => join(folder, name));
  const files = (await Promise.all([folder, ...inside].map((place) => readPictureFolder(place).catch(() => [])))).flat();
  const people = Map.groupBy(files, (path) => basename(path).replace(/(_\d+)?\.\w+$/, ''));
  return { name: folder, subjects: [...people].map(([name, pictures]) => ({ name, first: pictures, second: pictures })) };
}
