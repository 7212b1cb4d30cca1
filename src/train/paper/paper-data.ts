/**
 * The paper's pictures as this project has them. In: the folder `shared/data`. Out: one split for each cell of the
 * experiment. People or pictures that are tested on are in no other part.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../../base/errors.ts';
import { newRandom, shuffled } from '../../base/random.ts';
import { type Part, readDataset, readPictureFolder, type Split, type Subject, splitDataset } from '../data/dataset.ts';
import type { DataName } from './paper.ts';

export interface CellData {
  readonly split: Split;
  /**
   * The paper's verification, for the webcam person: one probe, the verification images, and a picture of each
   * stranger.
   */
  readonly verification?: { readonly probe: string; readonly gallery: readonly string[]; readonly strangers: readonly string[] };
}

/** Gives each cell its pictures. The same name and number of images give the same split. */
export type Supply = (data: DataName, images: number) => Promise<CellData>;

const shares = { validation: 0.15, test: 0.25 } as const;

/** Reads from a folder laid out as `shared/data`. Throws Fault `not-found` that names the missing folder. */
export function openPaperData(folder: string, seed: number): Supply {
  const limited = (part: Part, images: number): Part => ({
    ...part,
    subjects: part.subjects.map((subject) => {
      const some = shuffled(subject.first, newRandom(seed)).slice(0, images);
      return { name: subject.name, first: some, second: some };
    }),
  });
  const supply: Record<DataName, (images: number) => Promise<CellData>> = {
    orl: async (images) => ({
      split: splitDataset(limited(await readDataset(join(folder, 'orl')), images), { by: 'person', ...shares, seed }),
    }),
    pins: async (images) => ({ split: await pinsSplit(folder, (part) => limited(part, images), seed) }),
    webcam: (images) => webcam(folder, images, seed),
  };
  return (data, images) => supply[data](images);
}

/** The people of `held-out-people.txt` are the test part; none of them is trained on. */
async function pinsSplit(folder: string, limit: (part: Part) => Part, seed: number): Promise<Split> {
  const everyone = limit(await readDataset(join(folder, 'faces-train', 'pins112')));
  const heldOut = await heldOutPeople(folder);
  const test = everyone.subjects.filter(({ name }) => heldOut.has(name));
  const others = shuffled(
    everyone.subjects.filter(({ name }) => !heldOut.has(name)),
    newRandom(seed),
  );
  const cut = Math.round(others.length * shares.validation);
  const part = (name: string, subjects: readonly Subject[]): Part => ({ name, subjects });
  return { train: part('train', others.slice(cut)), validation: part('validation', others.slice(0, cut)), test: part('test', test) };
}

async function heldOutPeople(folder: string): Promise<Set<string>> {
  const file = join(folder, 'faces-train', 'held-out-people.txt');
  try {
    const lines = (await readFile(file, 'utf8')).split('\n').map((line) => line.trim());
    return new Set(lines.map((line) => line.slice(line.lastIndexOf('/') + 1)));
  } catch (error) {
    throw new Fault('not-found', `${file} is missing: give --data the folder that holds faces-train.`, error);
  }
}

/** Anchors and positives are the webcam person's pictures; negatives the people of pins112, four pictures each. */
async function webcam(folder: string, images: number, seed: number): Promise<CellData> {
  const place = join(folder, 'tutorial-webcam');
  const pictures = await readPictureFolder(join(place, 'verification_images'));
  const [probe] = await readPictureFolder(join(place, 'input_image'));
  if (!probe) throw new Fault('not-found', `${place} holds no input_image: give --data the folder that holds tutorial-webcam.`);
  const some = shuffled(pictures, newRandom(seed)).slice(0, images);
  const strangers = (await readDataset(join(folder, 'faces-train', 'pins112'))).subjects.map(({ name, first }) => ({
    name,
    first: [],
    second: shuffled(first, newRandom(seed)).slice(0, 4),
  }));
  const all: Part = { name: place, subjects: [{ name: 'webcam', first: some, second: some }, ...strangers] };
  const split = splitDataset(all, { by: 'person', ...shares, seed });
  const unseen = split.test.subjects.flatMap(({ first, second }) => (first.length === 0 ? second.slice(0, 1) : []));
  return { split, verification: { probe, gallery: some, strangers: unseen } };
}
