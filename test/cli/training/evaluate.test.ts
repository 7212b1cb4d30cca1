/** `facelatch evaluate` on a set of pairs made of the synthetic people. */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluateCommand } from '../../../src/cli/training/evaluate.ts';
import { inventPeople } from '../../train/runs.ts';
import { demoPicture, facelatch, jsonOf, temporaryFolder } from '../facelatch.ts';

const folder = temporaryFolder();
const list = join(folder.path, 'pairs.txt');
afterAll(() => folder[Symbol.dispose]());

/** As few as give the 30 pairs of one person and the 30 of two that an accuracy needs. */
const count = 10;
const people = Array.from({ length: count }, (_, i) => i + 1);

/** Three pictures of each: neutral, smiling, and smiling in the dark (the last person's is a bare wall); 30 pairs of one and 30 of two people. */
beforeAll(async () => {
  for (const person of people) {
    const own = join(folder.path, `P${person}`);
    mkdirSync(own);
    const small = (shot: 'neutral' | 'smiling') => sharp(demoPicture(person, shot)).resize(240);
    await small('neutral').toFile(join(own, `P${person}_0001.jpg`));
    await small('smiling').toFile(join(own, `P${person}_0002.jpg`));
    const third =
      person === count ? sharp({ create: { width: 99, height: 99, channels: 3, background: '#a88' } }) : small('smiling').linear(0.5, 0);
    await third.jpeg().toFile(join(own, `P${person}_0003.jpg`));
  }
  const matched = people.flatMap((p) => [`P${p}\t1\t2`, `P${p}\t1\t3`, `P${p}\t2\t3`]);
  const mismatched = people.flatMap((p) => [1, 2, 3].map((step) => `P${p}\t1\tP${((p + step * 4 - 1) % count) + 1}\t2`));
  // step 4, 8 and 12 never lead back to the same person
  writeFileSync(list, `30\n${[...matched, ...mismatched].join('\n')}\n`);
});

it('measures both scores, counts the picture without a face as wrong, and names it', async () => {
  const result = await facelatch(['evaluate', folder.path, '--pairs', list, '--json']);
  const figures = jsonOf(result);
  expect(result.code).toBe(0);
  expect(figures).toMatchObject({
    score: 'head',
    view: 1,
    pairs: 60,
    pictures: 30,
    noFace: 1,
    withoutFace: ['P10/P10_0003.jpg'],
    unreadable: [],
    repeated: [],
    failureToAcquire: { rate: 1 / 30 },
    verification: [],
    stated: {},
  });
  expect(figures.head.atThresholds.map(({ detection }: { detection: number }) => detection)).toEqual([0.5, 0.9, 0.99]);
  expect(figures.head.atThresholds[0].recall.value).toBeLessThanOrEqual(28 / 30);
  // Two of 60 pairs have no score; the others are told apart.
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

it('takes strangers with a single picture each, and says by name of the option where there are none', async () => {
  using place = temporaryFolder();
  const strangers = join(place.path, 'strangers');
  mkdirSync(join(strangers, 'S1'), { recursive: true });
  const nobody = await facelatch(['evaluate', folder.path, '--strangers', strangers]);
  expect([nobody.code, nobody.stderr]).toEqual([
    2,
    expect.stringMatching(/no picture of anybody in .*strangers \(--strangers\): a folder for each/),
  ]);
  await sharp(demoPicture(1, 'neutral'))
    .resize(240)
    .toFile(join(strangers, 'S1', '1.jpg'));
  const one = await facelatch(['evaluate', folder.path, '--strangers', strangers]);
  expect([one.code, one.stdout]).toEqual([0, expect.stringMatching(/pairs of 11 people/)]);
});

it('names files that hold the same picture, of one person and of two', async () => {
  using place = temporaryFolder();
  for (const [to, person] of [
    ['A/1', 1],
    ['A/2', 1],
    ['B/1', 3],
    ['B/2', 1],
  ] as const) {
    mkdirSync(join(place.path, to[0]!), { recursive: true });
    cpSync(demoPicture(person, 'neutral'), join(place.path, `${to}.jpg`));
  }
  expect(jsonOf(await facelatch(['evaluate', place.path, '--json'])).repeated).toEqual([['A/1.jpg', 'A/2.jpg', 'B/2.jpg']]);
  expect((await facelatch(['evaluate', place.path])).stdout).toMatch(
    /1 picture lies here more than once.*: A\/1\.jpg = A\/2\.jpg = B\/2\.jpg$/m,
  );
});

it('says it in words, for the score that was asked for', async () => {
  const { stdout } = await facelatch(['evaluate', folder.path, '--pairs', list, '--score', 'cosine']);
  expect(stdout).toMatch(/^60 pairs .*30 pictures read in \d+ s by retail-0095/);
  expect(stdout).toMatch(/accuracy +9\d\.\d\d % ± \d\.\d\d\n/);
  expect(stdout).toMatch(/1 picture without a face:\n {2}P10\/P10_0003\.jpg\n/);
  expect(stdout).not.toContain('head');
});

it('refuses a set of which pictures are missing: figures on a part of it would mislead', async () => {
  const short = join(folder.path, 'short.txt');
  writeFileSync(short, '1\nP1\t1\t9\nP1\t1\tP2\t1\n');
  const result = await facelatch(['evaluate', folder.path, '--pairs', short]);
  expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining('1 picture of the 3 that the list names cannot be found in') });
});

describe('on people’s folders', () => {
  const page = join(folder.path, 'report.html');

  it('forms every pair, draws people for its intervals, and verifies as the paper does; the page holds all of it', async () => {
    writeFileSync(join(folder.path, 'P1', 'broken.jpg'), 'no picture');
    const result = await facelatch(['evaluate', folder.path, '--report', page, '--json']);
    const figures = jsonOf(result);
    // 10 people of 3 pictures, one of 4.
    expect(figures).toMatchObject({ view: null, pairs: (31 * 30) / 2, pictures: 31, unreadable: ['P1/broken.jpg'], noFace: 2 });
    expect(figures.head).toMatchObject({ intervals: 'people', people: count, genuine: 9 * 3 + 6 });
    expect(figures.head.worst.impostors).toHaveLength(8);
    expect(figures.head.worst.impostors[0].a).toMatch(/^P\d+\/P\d+_000\d\.jpg$/);
    expect(figures.verification.map(({ people: owners, strangers }: Record<string, number>) => [owners, strangers])).toEqual(
      Array.from({ length: 3 }, () => [count, count * 9]),
    );
    const [, half] = figures.verification;
    expect(half.verified / half.people).toBeGreaterThan((3 * half.strangersVerified) / half.strangers);
    expect(result.stderr).toBe(`the report is ${page} (it shows pictures of people)\n`);
  });

  it('the page needs nothing beside it, and names no folder above the pictures', () => {
    const html = readFileSync(page, 'utf8');
    expect(html).toMatch(/^<!doctype html>[\s\S]*<h1>retail-0095 on facelatch-cli-[\s\S]*<\/html>\n$/);
    for (const part of [
      'ROC',
      'DET',
      'scores of pairs',
      'equal error rate',
      'paper’s verification',
      'most alike',
      'least alike',
      'P1/broken.jpg',
    ])
      expect(html).toContain(part);
    expect(html.match(/<img [^>]*src="data:image\/jpeg;base64,/g)?.length).toBe(32);
    expect(html.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|<script|<link|url\(|src="(?!data:)/);
    // In the letters of a picture there may be anything.
    expect(html.replaceAll(/src="data:[^"]*"/g, '')).not.toMatch(/NaN|undefined|Infinity/);
    expect(html).not.toContain(folder.path);
  });

  it('leaves pictures out when told to, and measures some of the people', async () => {
    const [some, bare] = [join(folder.path, 'some.txt'), join(folder.path, 'bare.html')];
    writeFileSync(some, 'demo/P2\nP3\n');
    const { code, stdout, stderr } = await facelatch(['evaluate', folder.path, '--people', some, '--report', bare, '--no-pictures']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: `the report is ${bare}\n` });
    expect(stdout).toMatch(/^15 pairs of 2 people \(6 of one person, 9 of two\), 6 pictures/);
    expect(stdout).toContain('needs at least 30 matched and 30 mismatched pairs');
    expect(readFileSync(bare, 'utf8')).not.toContain('<img');
  });
});

describe('a network trained here', () => {
  const [invented, twin] = [join(folder.path, 'invented'), join(folder.path, 'twin')];

  it('is measured on the test part of what it was trained on, unless all of it is asked for', async () => {
    await inventPeople(invented, 12, 4);
    const quick = [
      '--size',
      'small',
      '--batch',
      '4',
      '--batches-per-epoch',
      '3',
      '--validation-pairs',
      '0',
      '--threads',
      '1',
      '--epochs',
      '1',
    ];
    expect(await facelatch(['train', invented, '--out', twin, ...quick, '--json'])).toMatchObject({ code: 0 });
    const part = await facelatch(['evaluate', invented, '--model', twin]);
    expect(part.stdout).toMatch(
      /^66 pairs of 3 people, the test part: none of these pictures was trained on \(18 of one person, 48 of two\), 12 pictures.* by small 3 steps, binary/,
    );
    const all = jsonOf(await facelatch(['evaluate', invented, '--model', twin, '--part', 'all', '--json']));
    expect(all).toMatchObject({ score: 'head', pairs: (48 * 47) / 2, noFace: 0, embedder: { name: 'small' } });
    expect(all.head.atThresholds.map(({ threshold }: { threshold: number }) => threshold)).toEqual([0.5, 0.9, 0.99]);
    expect(all.cosine).toBeUndefined();
  });

  it.each([
    { args: ['--pairs', list, '--most-pairs', '50'], says: '--most-pairs cannot be used with --pairs' },
    { args: ['--model', twin, '--score', 'cosine'], says: '--score cannot be used with --model' },
    { args: ['--report', 'report.pdf'], says: '--report writes .html, not report.pdf' },
    { args: ['--part', 'test'], says: '--part test is the test part of the pictures that a network (--model) was trained on' },
    { args: ['--people', '/nowhere.txt'], says: 'The list of people (--people): /nowhere.txt does not exist' },
    { args: ['--model', '/nowhere'], says: 'There is no trained model /nowhere' },
  ])('refuses $args', async ({ args, says }) => {
    const command = evaluateCommand(new AbortController().signal, () => undefined);
    await expect(command.parseAsync([invented, ...args], { from: 'user' })).rejects.toThrow(says);
    expect(existsSync('report.pdf')).toBe(false);
  });
});
