/** Pictures whose names would do harm, or would not be found, at the real command line. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { demoPicture, facelatch, jsonOf, temporaryFolder } from '../facelatch.ts';

const folder = temporaryFolder();
const state = join(folder.path, 'state');
const run = (...args: string[]) => facelatch([...args, '--state', state]);
afterAll(() => folder[Symbol.dispose]());

it('a folder with a name in Latin-1 and one with control characters is enrolled, and nothing reaches the terminal as it is', async () => {
  const pictures = join(folder.path, 'pictures');
  mkdirSync(pictures);
  copyFileSync(demoPicture(1, 'neutral'), join(pictures, 'x\u001b[31mRED\u009b0m.jpg'));
  copyFileSync(demoPicture(1, 'smiling'), Buffer.concat([Buffer.from(`${pictures}/`), Buffer.from('Jürgen.jpg', 'latin1')]));
  const enrolled = await run('enrol', 'Ada', pictures);
  expect(enrolled).toMatchObject({ code: 0, stderr: '' });
  expect(enrolled.stdout).toContain('x\\u001b[31mRED\\u009b0m.jpg');
  expect(enrolled.stdout).toContain('J\\xfcrgen.jpg');
  expect(enrolled.stdout).toContain('2 pictures');
  const [shown, listed] = await Promise.all([run('people', 'show', 'Ada'), run('people', 'show', 'Ada', '--json')]);
  expect(jsonOf(listed).person.pictures).toBe(2);
  for (const text of [enrolled.stdout, shown.stdout, listed.stdout]) expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
});

it('a file that is not there, and a command that does not exist, are named without their control characters', async () => {
  for (const args of [['enrol', 'Ada', 'a\u001b[2J.jpg'], ['c\u001b[2J']]) {
    const { code, stderr } = await run(...args);
    expect(code).toBe(2);
    expect(stderr).toContain('\\u001b[2J');
    expect(stderr).not.toContain('\u001b');
  }
});
