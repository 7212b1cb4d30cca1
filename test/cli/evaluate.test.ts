/** `facelatch evaluate` on a set of pairs made of the synthetic people. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { demoPicture, facelatch, jsonOf, temporaryFolder } from './facelatch.ts';

const folder = temporaryFolder();
const list = join(folder.path, 'pairs.txt');
afterAll(() => folder[Symbol.dispose]());

const people = Array.from({ length: 16 }, (_, i) => i + 1);

/** Three pictures of each of 16 people: neutral, smiling, and smiling in the dark (person 16's is a bare wall); 48 pairs of one and 48 of two people. */
beforeAll(async () => {
  for (const person of people) {
    const own = join(folder.path, `P${person}`);
    mkdirSync(own);
    copyFileSync(demoPicture(person, 'neutral'), join(own, `P${person}_0001.jpg`));
    copyFileSync(demoPicture(person, 'smiling'), join(own, `P${person}_0002.jpg`));
    const third =
      person === 16
        ? sharp({ create: { width: 99, height: 99, channels: 3, background: '#a88' } })
        : sharp(demoPicture(person, 'smiling')).linear(0.5, 0);
    await third.jpeg().toFile(join(own, `P${person}_0003.jpg`));
  }
  const matched = people.flatMap((p) => [`P${p}\t1\t2`, `P${p}\t1\t3`, `P${p}\t2\t3`]);
  const mismatched = people.flatMap((p) => [1, 2, 3].map((step) => `P${p}\t1\tP${((p + step * 4 - 1) % 16) + 1}\t2`));
  // step 4, 8 and 12 never lead back to the same person
  writeFileSync(list, `48\n${[...matched, ...mismatched].join('\n')}\n`);
});

it('measures both scores, counts the picture without a face as wrong, and names it', async () => {
  const result = await facelatch(['evaluate', folder.path, '--pairs', list, '--json']);
  const figures = jsonOf(result);
  expect(result.code).toBe(0);
  expect(figures).toMatchObject({
    score: 'head',
    view: 1,
    pairs: 96,
    pictures: 48,
    noFace: 1,
    withoutFace: ['P16/P16_0003.jpg'],
    stated: {},
  });
  // Two of 96 pairs have no score; the others are told apart.
  for (const score of ['head', 'cosine']) {
    expect(figures[score]).toMatchObject({ notCompared: 2, noFace: 1 });
    expect(figures[score].accuracy).toBeGreaterThan(90);
    expect(figures[score].accuracy).toBeLessThan(98);
  }
  expect(figures.accuracy).toBe(figures.head.accuracy);
  expect(figures.standardError).toBeGreaterThan(0);
  expect(figures.rates[0].fnmr.interval[1]).toBeGreaterThan(figures.rates[0].fnmr.rate);
  expect(figures.rates[3]).toMatchObject({ fnmr: null, reason: expect.stringContaining('rule of three') });
});

it('says it in words, for the score that was asked for', async () => {
  const { stdout } = await facelatch(['evaluate', folder.path, '--pairs', list, '--score', 'cosine']);
  expect(stdout).toMatch(/^96 pairs .*48 pictures read in \d+ s by facelatch-twin/);
  expect(stdout).toMatch(/accuracy +9\d\.\d\d % ± \d\.\d\d\n/);
  expect(stdout).toMatch(/1 picture without a face:\n {2}P16\/P16_0003\.jpg\n/);
  expect(stdout).not.toContain('head');
});

it('refuses a set of which pictures are missing: figures on a part of it would mislead', async () => {
  const short = join(folder.path, 'short.txt');
  writeFileSync(short, '1\nP1\t1\t9\nP1\t1\tP2\t1\n');
  const result = await facelatch(['evaluate', folder.path, '--pairs', short]);
  expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining('1 picture of the 3 that the list names cannot be found in') });
});
