/** The program as a process: what the tests of commands, which run them in their own process, rely on. */
import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { demoPicture, facelatch, facelatchProcess, start } from './cli/facelatch.ts';

// One of each way to end: printed help, a wrong word, a wrong input, a fault outside.
it.each([
  { args: ['--help'], code: 0 },
  { args: ['verify', '--bogus', '--json'], code: 2 },
  { args: ['compare', '/nowhere.jpg', 'a.jpg', '--json'], code: 2 },
  { args: ['verify', demoPicture(1, 'neutral'), '--embedder', '/nowhere', '--state', tmpdir()], code: 3 },
])('$args writes the same, and ends with the same code, as a process and in the process of a test', async ({ args, code }) => {
  const own = await facelatchProcess(args);
  expect(own.code).toBe(code);
  expect(own.stdout + own.stderr).not.toBe('');
  expect(await facelatch(args)).toEqual(own);
});

it('a reader that goes away is no error', async () => {
  const { child, done } = start(['config', '--reference']);
  child.stdout?.destroy();
  expect(await done).toMatchObject({ code: 0, stderr: '' });
});

it('a setting comes from the environment of the process', async () => {
  const args = ['config', '--json'];
  const { code, stderr } = await facelatchProcess(args, { FACELATCH_CAMERA_FPS: 'often' });
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('FACELATCH_CAMERA_FPS') });
});
