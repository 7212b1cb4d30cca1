/** Private SQLite files that several processes open. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../cli/facelatch.ts';

const opener = fileURLToPath(new URL('sqlite-openers.ts', import.meta.url));

it('new files that three processes open at the same moment are opened by each of them', async () => {
  using folder = temporaryFolder();
  // All of them go through the same files in step, so that some openings meet at each stage of making the tables.
  const args = [opener, folder.path, '150', String(Date.now() + 1500)];
  const openers = Array.from({ length: 3 }, () => promisify(execFile)(process.execPath, args, { encoding: 'utf8' }));
  expect((await Promise.all(openers)).map(({ stdout }) => stdout)).toEqual(['', '', '']);
}, 60_000);
