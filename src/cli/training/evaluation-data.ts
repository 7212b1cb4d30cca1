/**
 * What `evaluate` measures on: a list of pairs with its folder, or folders of people, in; labelled pairs and claims
 * out.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { Fault } from '../../base/errors.ts';
import { unreadable } from '../../base/path.ts';
import { type Part, splitDataset } from '../../train/data/dataset.ts';
import { everyPair, type KnownPair, readPeople, readStrangers } from '../../train/data/every-pair.ts';
import { readPairs } from '../../train/data/pairs.ts';
import type { Claim } from '../../train/figures/verification.ts';
import type { TrainedModel } from '../../train/trained-model.ts';
import { counted } from '../words.ts';

export interface EvaluationData {
  /** The folder as it was named; pictures are named relative to it. */
  readonly folder: string;
  /** In words: how many pairs, and of what. */
  readonly about: string;
  /** LFW's view; null for people's folders. */
  readonly view: 1 | 2 | null;
  readonly pairs: readonly KnownPair[];
  /** For the paper's verification; none for a list. */
  readonly claims: readonly Claim[];
  /** Whether pairs share pictures (see `AssessOptions`). */
  readonly shared: boolean;
  /** The name under which manifests state figures of this set, if it has one. */
  readonly set?: string;
}

/** Every picture that is needed, once. */
export const filesOf = ({ pairs, claims }: EvaluationData): string[] => [
  ...new Set([...pairs.flatMap(({ first, second }) => [first, second]), ...claims.flatMap(({ probe, images }) => [probe, ...images])]),
];

/**
 * Pairs of a list.
 * @throws Fault `bad-argument`; `not-found` if pictures are missing: figures on a part of a set mislead.
 */
export function listedPairs(file: string, folder: string): EvaluationData {
  const { view, pairs } = readPairs(readList(file, 'The list of pairs', '--pairs'), file);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw new Fault('not-found', `There is no folder of pictures ${folder}`);
  const known = pairs.map(({ a, b, same, fold }): KnownPair => {
    return { first: join(folder, a), second: join(folder, b), same, fold, people: [dirname(a), dirname(b)] };
  });
  const about = `${counted(pairs.length, 'pair')} (${view === 1 ? 'one list, cross-validated in ten parts' : 'ten folds'})`;
  const data: EvaluationData = { folder, about, view, pairs: known, claims: [], shared: false, ...setOf(view, pairs.length, file) };
  const files = filesOf(data);
  const missing = files.filter((path) => !existsSync(path));
  if (missing.length === 0) return data;
  throw new Fault(
    'not-found',
    `${counted(missing.length, 'picture')} of the ${files.length} that the list names cannot be found in ${folder}, such as ${missing[0]}`,
  );
}

function readList(file: string, what: string, option: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Fault('bad-argument', `${what} (${option}): ${unreadable(file, error)}`, error);
  }
}

/** LFW's own lists are recognised by file name and size. */
function setOf(view: 1 | 2, pairs: number, file: string): { set?: string } {
  const known = { 1: { name: 'pairsDevTest.txt', pairs: 1000 }, 2: { name: 'pairs.txt', pairs: 6000 } }[view];
  return basename(file) === known.name && pairs === known.pairs ? { set: `lfw-view${view}` } : {};
}

export interface PeopleOptions {
  readonly peopleBy: 'folder' | 'name';
  /** A file that names the people to measure, one in each line. */
  readonly people?: string;
  readonly strangers?: string;
  readonly part: 'all' | 'test' | 'auto';
  readonly mostPairs: number;
  readonly seed: number;
}

/** Pairs of people's pictures. @throws Fault `not-found`, `bad-argument`. */
export async function peoplePairs(folder: string, options: PeopleOptions, model: TrainedModel | undefined): Promise<EvaluationData> {
  if (options.peopleBy === 'folder') refuseFlat(folder);
  const { part, words } = partOf(await ownOf(folder, options.peopleBy), folder, options, model);
  const own = options.people === undefined ? part : chosenOf(part, options.people);
  const strangers = options.strangers === undefined ? [] : await strangersOf(options.strangers, options.peopleBy);
  const all: Part = {
    ...own,
    subjects: [...own.subjects, ...strangers.map((each) => ({ ...each, name: `${each.name} (stranger)`, first: [] }))],
  };
  const { pairs, mated, impostors } = everyPair(all, options.mostPairs, options.seed);
  const kinds = `${kindText(pairs.filter(({ same }) => same).length, mated, 'of one person')}, ${kindText(pairs.filter(({ same }) => !same).length, impostors, 'of two')}`;
  const about = `${counted(pairs.length, 'pair')} of ${counted(all.subjects.length, 'person', 'people')}${words} (${kinds})`;
  return { folder, about, view: null, pairs, claims: claimsOf(all), shared: true };
}

function ownOf(folder: string, by: PeopleOptions['peopleBy']): Promise<Part> {
  return readPeople(folder, by).catch((error: unknown) => {
    if (by === 'name' || !(error instanceof Fault) || error.code !== 'bad-argument') throw error;
    throw new Fault(error.code, `${error.message} Where the files' names say who it is: --people-by name.`, error);
  });
}

/** @throws Fault `bad-argument` where there is nobody. */
async function strangersOf(folder: string, by: PeopleOptions['peopleBy']): Promise<Part['subjects']> {
  const { subjects } = await readStrangers(folder, by);
  if (subjects.length > 0) return subjects;
  throw new Fault(
    'bad-argument',
    `There is no picture of anybody in ${folder} (--strangers): ${by === 'name' ? 'their files would be Ada_1.jpg, Ben_1.jpg' : 'a folder for each person is needed, or --people-by name'}`,
  );
}

/** @throws Fault `bad-argument` for pictures that lie directly in the folder, without a folder for each person. */
function refuseFlat(folder: string): void {
  const entries = existsSync(folder) && statSync(folder).isDirectory() ? readdirSync(folder, { withFileTypes: true }) : [];
  const flat = entries.filter((entry) => entry.isFile() && /\.(jpe?g|png|webp|pgm|bmp)$/i.test(entry.name)).length;
  if (flat === 0 || entries.some((entry) => !entry.isFile())) return;
  throw new Fault(
    'bad-argument',
    `${folder} has ${counted(flat, 'picture')} and no folder for each person. If file names say who it is (Ada_1.jpg, Ada_2.jpg), add --people-by name`,
  );
}

const kindText = (used: number, there: number, what: string) =>
  used === there ? `${used.toLocaleString('en')} ${what}` : `${used.toLocaleString('en')} drawn of ${there.toLocaleString('en')} ${what}`;

/** Of pictures that a network was trained on, only the test part counts, unless all are asked for. */
function partOf(all: Part, folder: string, options: PeopleOptions, model: TrainedModel | undefined): { part: Part; words: string } {
  const trainedHere = model !== undefined && resolve(folder) === resolve(model.data);
  if (options.part === 'all') return { part: all, words: trainedHere ? ', most of them trained on' : '' };
  if (options.part === 'auto' && !trainedHere) return { part: all, words: '' };
  if (!model || !trainedHere)
    throw new Fault(
      'bad-argument',
      `--part test is the test part of the pictures that a network (--model) was trained on${model ? `: ${model.data}` : ''}`,
    );
  return {
    part: { ...splitDataset(all, model.split).test, name: folder },
    words: ', the test part: none of these pictures was trained on',
  };
}

/** `pins112/Ada` and `Ada` both name Ada. @throws Fault `bad-argument` where nobody is left. */
function chosenOf(part: Part, file: string): Part {
  const names = new Set(
    readList(file, 'The list of people', '--people')
      .split(/\r?\n/)
      .filter(Boolean)
      .map((line) => basename(line.trim())),
  );
  const subjects = part.subjects.filter(({ name }) => names.has(name));
  if (subjects.length < 2)
    throw new Fault('bad-argument', `${file} (--people) names ${subjects.length} of the people in ${part.name}: at least 2 are needed`);
  return { ...part, subjects };
}

/** As many pictures as the paper takes, and as many people as are read in a moment. */
const [mostImages, mostClaims] = [50, 100];

function claimsOf({ subjects }: Part): Claim[] {
  return subjects.slice(0, mostClaims).flatMap(({ first, second }) => {
    const probe = first[0] ?? second[0];
    if (probe === undefined) return [];
    return [{ probe, images: first.length === 0 ? [] : second.filter((path) => path !== probe).slice(0, mostImages) }];
  });
}
