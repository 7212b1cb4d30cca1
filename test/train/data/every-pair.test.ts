/** Pairs of people's pictures: each once, of whom they say, and drawn evenly where there are too many. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Part } from '../../../src/train/data/dataset.ts';
import { everyPair, readPeople } from '../../../src/train/data/every-pair.ts';

const people = (...counts: number[]): Part => ({
  name: 'invented',
  subjects: counts.map((count, person) => {
    const pictures = Array.from({ length: count }, (_, index) => `p${person}/${index}.jpg`);
    return { name: `p${person}`, first: pictures, second: pictures };
  }),
});

describe('every pair', () => {
  it('of people’s folders is formed once, and says the truth', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 2, maxLength: 7 }), fc.constantFrom(30, 1e6), (counts, most) => {
        const { pairs, mated, impostors } = everyPair(people(...counts), most, 1);
        const all = counts.reduce((sum, count) => sum + count, 0);
        expect(mated).toBe(counts.reduce((sum, count) => sum + (count * (count - 1)) / 2, 0));
        expect(mated + impostors).toBe(Math.max(0, (all * (all - 1)) / 2));
        expect(pairs.filter(({ same }) => same).length).toBe(Math.min(mated, most));
        expect(pairs.filter(({ same }) => !same).length).toBe(Math.min(impostors, most));
        expect(new Set(pairs.map(({ first, second }) => [first, second].sort().join())).size).toBe(pairs.length);
        for (const { first, second, same, people: whose, fold } of pairs) {
          expect([first.split('/')[0], second.split('/')[0]]).toEqual(whose);
          expect(same).toBe(whose[0] === whose[1]);
          expect(fold).toBeGreaterThanOrEqual(0);
          expect(fold).toBeLessThan(10);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('with strangers beside is formed once, too, and no two strangers are compared', () => {
    const own = people(3, 2);
    const strangers = people(0, 0, 4, 2)
      .subjects.slice(2)
      .map((each) => ({ ...each, first: [] }));
    const { pairs, impostors } = everyPair({ name: 'both', subjects: [...own.subjects, ...strangers] }, 1e6, 1);
    expect(impostors).toBe(3 * 2 + 5 * 6);
    expect(new Set(pairs.map(({ first, second }) => [first, second].sort().join())).size).toBe(pairs.length);
    expect(pairs.length).toBe(3 + 1 + impostors);
  });

  it('is in a part of the cross-validation that holds both kinds', () => {
    for (const part of [people(...new Array<number>(25).fill(3)), people(9, 9)]) {
      const { pairs } = everyPair(part, 1e6, 1);
      for (const same of [true, false]) expect(new Set(pairs.filter((pair) => pair.same === same).map(({ fold }) => fold)).size).toBe(10);
    }
  });

  it('is drawn from all of them alike, and the same for the same seed', () => {
    const part = people(40, 40, 40);
    const drawn = everyPair(part, 300, 7);
    expect(everyPair(part, 300, 7)).toEqual(drawn);
    expect(everyPair(part, 300, 8)).not.toEqual(drawn);
    const kinds = Map.groupBy(drawn.pairs, ({ people: whose }) => whose.join());
    expect(kinds.size).toBe(6);
    for (const some of kinds.values()) expect(Math.abs(some.length - 100)).toBeLessThan(35);
  });

  it('of anchors is with positives and with strangers only', () => {
    const subjects = [
      { name: 'me', first: ['a1', 'a2'], second: ['p1', 'p2', 'p3'] },
      { name: 'other', first: [], second: ['n1', 'n2'] },
    ];
    const { pairs } = everyPair({ name: 'tutorial', subjects }, 1000, 1);
    expect(pairs.filter(({ same }) => same).length).toBe(6);
    expect(pairs.filter(({ same }) => !same).map(({ first, second }) => first + second)).toEqual(['a1n1', 'a1n2', 'a2n1', 'a2n2']);
  });
});

describe('people', () => {
  let folder = '';
  const put = async (...files: string[]) => {
    for (const file of files) {
      await mkdir(join(folder, file, '..'), { recursive: true });
      await writeFile(join(folder, file), '');
    }
  };
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'facelatch-people-'));
    await put('london/neutral/001_03.jpg', 'london/neutral/002_03.jpg', 'london/smiling/001_08.jpg', 'london/Ada.png', 'london/notes.txt');
    await put('webcam/input_image/probe.jpg', 'webcam/verification_images/1.jpg', 'webcam/verification_images/2.jpg');
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('are told by their files’ names, wherever these lie', async () => {
    const { subjects } = await readPeople(join(folder, 'london'), 'name');
    expect(subjects.map(({ name, first }) => [name, first.length])).toEqual([
      ['Ada', 1],
      ['001', 2],
      ['002', 1],
    ]);
    await expect(readPeople(join(folder, 'webcam', 'input_image'), 'name')).rejects.toThrow(
      /name one person, and at least two people are needed/,
    );
    await expect(readPeople(join(folder, 'nowhere'), 'name')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('of the tutorial’s verification are one: the probe and who it claims to be', async () => {
    const { subjects } = await readPeople(join(folder, 'webcam'), 'folder');
    expect(subjects.map(({ name, first, second }) => [name, first.length, second.length])).toEqual([['webcam', 1, 2]]);
  });
});
