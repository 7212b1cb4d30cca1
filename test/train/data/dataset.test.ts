/** Datasets: what is tested on was never trained on, batches are balanced and repeatable, bad folders are named with their remedy. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newRandom } from '../../../src/base/random.ts';
import { batchOf, previewSheet } from '../../../src/train/data/batches.ts';
import { drawPairs, evaluationPairs, type Part, picturesOf, readDataset, splitDataset } from '../../../src/train/data/dataset.ts';
import { openPictures } from '../../../src/train/data/pictures.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facelatch-data-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** People with that many invented paths each. */
const people = (...counts: number[]): Part => ({
  name: 'invented',
  subjects: counts.map((count, person) => {
    const pictures = Array.from({ length: count }, (_, index) => `p${person}/${index}.jpg`);
    return { name: `p${person}`, first: pictures, second: pictures };
  }),
});

async function pictureFolder(name: string, pictures: Record<string, string[]>): Promise<string> {
  const place = join(folder, name);
  for (const [sub, files] of Object.entries(pictures)) {
    await mkdir(join(place, sub), { recursive: true });
    for (const [index, file] of files.entries()) {
      const background = { r: (40 * index) % 256, g: (sub.length * 30) % 256, b: 90 };
      await sharp({ create: { width: 24, height: 30, channels: 3, background } }).toFile(join(place, sub, file));
    }
  }
  return place;
}

const shares = { validation: 0.2, test: 0.2, seed: 4 };

describe('a split', () => {
  const counts = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 15, maxLength: 40 });

  it('by person puts nobody into two parts', () =>
    fc.assert(
      fc.property(counts, fc.nat(), (each, seed) => {
        const all = people(...each, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5);
        const { train, validation, test } = trySplit(all, { by: 'person', ...shares, seed }) ?? {};
        if (!train || !validation || !test) return;
        const names = [train, validation, test].flatMap(({ subjects }) => subjects.map(({ name }) => name));
        expect(new Set(names).size).toBe(all.subjects.length);
        expect(names.length).toBe(all.subjects.length);
      }),
      { numRuns: 50 },
    ));

  it('by picture puts no picture into two parts and loses none', () =>
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 10, max: 30 }), { minLength: 2, maxLength: 8 }), fc.nat(), (each, seed) => {
        const all = people(...each);
        const { train, validation, test } = splitDataset(all, { by: 'picture', ...shares, seed });
        const pictures = [train, validation, test].flatMap(picturesOf);
        expect(new Set(pictures).size).toBe(pictures.length);
        expect(pictures.sort()).toEqual(picturesOf(all).sort());
      }),
      { numRuns: 50 },
    ));

  it('is the same for the same seed and another for another', () => {
    const all = people(...new Array(20).fill(6));
    const split = (seed: number) => splitDataset(all, { by: 'person', ...shares, seed });
    expect(split(1)).toEqual(split(1));
    expect(split(1)).not.toEqual(split(2));
  });

  it('that leaks is everything three times, and says so by its name only', () => {
    const all = people(5, 5, 5);
    const { train, test } = splitDataset(all, { by: 'leaky', ...shares });
    expect(train.subjects).toEqual(test.subjects);
  });

  it('with too few people says how many there are and how many are needed', () => {
    expect(() => splitDataset(people(5, 5), { by: 'person', ...shares })).toThrow(/need at least 2 people.*has \d (?:person|people)/);
  });
});

const trySplit = (...call: Parameters<typeof splitDataset>) => {
  try {
    return splitDataset(...call);
  } catch {
    return undefined; // a part without a pair, which the last test above is about
  }
};

describe('pairs', () => {
  it('are balanced, truly the same or truly not, and never a picture with itself', () =>
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 17 }), fc.nat(), (count, seed) => {
        const pairs = drawPairs(people(1, 4, 2, 1), count, newRandom(seed));
        const person = (path: string) => path.split('/')[0];
        for (const { first, second, same } of pairs) {
          expect(first).not.toBe(second);
          expect(person(first) === person(second)).toBe(same);
        }
        expect(pairs.filter(({ same }) => same).length).toBe(Math.ceil(count / 2));
      }),
      { numRuns: 100 },
    ));

  it('for measuring differ from each other, and are fewer where the part is small', () => {
    const pairs = evaluationPairs(people(2, 2), 100, 1);
    expect(pairs.filter(({ same }) => same).length).toBe(2);
    expect(pairs.filter(({ same }) => !same).length).toBe(4);
    expect(evaluationPairs(people(9, 9, 9), 40, 1).length).toBe(40);
  });
});

describe('a folder', () => {
  it('of people is read with every picture', async () => {
    const place = await pictureFolder('people', { ann: ['1.jpg', '2.png'], bob: ['1.jpg'], empty: [] });
    const part = await readDataset(place);
    expect(part.subjects.map(({ name, first }) => [name, first.length])).toEqual([
      ['ann', 2],
      ['bob', 1],
    ]);
  });

  it('may hold links to folders; a link that leads nowhere is left out', async () => {
    const elsewhere = await pictureFolder('elsewhere', { ann: ['1.jpg', '2.jpg'], bob: ['1.jpg'] });
    await mkdir(join(folder, 'linked', 'cy'), { recursive: true });
    await writeFile(join(folder, 'linked', 'cy', '1.jpg'), '');
    for (const name of ['ann', 'bob', 'gone']) await symlink(join(elsewhere, name), join(folder, 'linked', name));
    const { subjects } = await readDataset(join(folder, 'linked'));
    expect(subjects.map(({ name, first }) => [name, first.length])).toEqual([
      ['ann', 2],
      ['bob', 1],
      ['cy', 1],
    ]);
  });

  it('of the tutorial’s layout pairs anchors with positives and with negatives only', async () => {
    const names = (count: number, prefix: string) => Array.from({ length: count }, (_, index) => `${prefix}_${index}.jpg`);
    const negatives = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'].flatMap((name) => names(2, name));
    const place = await pictureFolder('tutorial', { anchor: names(10, 'x'), positive: names(10, 'y'), negative: negatives });
    const { train, test } = splitDataset(await readDataset(place), { by: 'person', ...shares });
    for (const { first, second, same } of drawPairs(train, 40, newRandom(1))) {
      expect(first).toContain('/anchor/');
      expect(second).toContain(same ? '/positive/' : '/negative/');
    }
    const trained = new Set(picturesOf(train));
    expect(picturesOf(test).filter((path) => trained.has(path))).toEqual([]);
    expect(picturesOf(test).length).toBeGreaterThan(0);
  });

  it('that is missing, or holds one person, or only single pictures, is refused with the remedy', async () => {
    await expect(readDataset(join(folder, 'nowhere'))).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('give as DATA a folder'),
    });
    const one = await pictureFolder('one', { ann: ['1.jpg', '2.jpg'] });
    await expect(readDataset(one)).rejects.toThrow(/has 1 person, 1 with 2 pictures/);
    const singles = await pictureFolder('singles', { ann: ['1.jpg'], bob: ['1.jpg'] });
    await expect(readDataset(singles)).rejects.toThrow(/0 with 2 pictures and 2 with only one/);
  });
});

describe('a batch', () => {
  const options = async (augment: number) => {
    const place = await pictureFolder('batch', { ann: ['1.png', '2.png', '3.png'], bob: ['1.png', '2.png'] });
    return { part: await readDataset(place), pictures: openPictures(12), side: 12, pairs: 4, augment, seed: 5 };
  };

  it.each([0, 0.7])('depends on seed and step alone (augmentation %f)', async (strength) => {
    const [one, two] = [await options(strength), await options(strength)];
    expect(await batchOf(one, 3)).toEqual(await batchOf(two, 3));
    expect((await batchOf(one, 3)).pictures).not.toEqual((await batchOf(one, 4)).pictures);
  });

  it('is read as 0…1 at the network’s side', async () => {
    const { pictures, labels } = await batchOf(await options(0), 1);
    expect(pictures.length).toBe(8 * 12 * 12 * 3);
    expect([...labels]).toEqual([1, 1, 0, 0]);
    expect(pictures[2]).toBeCloseTo(90 / 255, 2);
  });

  it('can be looked at as a contact sheet', async () => {
    const sheet = await sharp(await previewSheet(await options(1), 'png')).metadata();
    expect([sheet.format, sheet.width, sheet.height]).toEqual(['png', 8 * 14 - 2, 12]);
    expect((await sharp(await previewSheet(await options(1), 'jpeg')).metadata()).format).toBe('jpeg');
  });
});

describe('a picture', () => {
  it('may be a PGM, as ORL’s are: grey in all three channels', async () => {
    const path = join(folder, 'grey.pgm');
    await writeFile(path, Buffer.concat([Buffer.from('P5\n# made here\n2 2\n255\n'), Buffer.from([0, 51, 102, 255])]));
    expect([...(await openPictures(2).read(path))].map((value) => Math.round(value * 255))).toEqual([
      0, 0, 0, 51, 51, 51, 102, 102, 102, 255, 255, 255,
    ]);
  });

  it('that is broken or shows no face is refused by its name', async () => {
    const path = join(folder, 'broken.jpg');
    await writeFile(path, 'no picture');
    await expect(openPictures(8).read(path)).rejects.toMatchObject({ code: 'bad-picture', message: expect.stringContaining('broken.jpg') });
    const [plain] = picturesOf(await readDataset(await pictureFolder('faceless', { ann: ['1.png', '2.png'], bob: ['1.png'] })));
    await expect(openPictures(8, async () => undefined).read(plain!)).rejects.toThrow(/No face was found/);
  });

  it('is cut to its face where faces are looked for', async () => {
    const path = join(folder, 'half.png');
    const left = await sharp({ create: { width: 10, height: 20, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    await sharp({ create: { width: 20, height: 20, channels: 3, background: 'blue' } })
      .composite([{ input: left, left: 0, top: 0 }])
      .toFile(path);
    const picture = await openPictures(4, async () => ({ left: 0, top: 0, width: 0.4, height: 0.4 })).read(path);
    expect([...picture.subarray(0, 3)]).toEqual([1, 0, 0]);
    expect([...picture.subarray(-3)]).toEqual([1, 0, 0]);
  });
});
