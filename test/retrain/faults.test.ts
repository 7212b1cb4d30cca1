/** A few dozen injected faults of each kind; `npm run bench -- faults` injects a thousand. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../cli/facelatch.ts';
import { injectFaults, innerFaults, processFaults } from './faults.ts';

it('cuts, flipped bits, wrong signatures, doors and versions, dying and failing trainers: a whole network guards, and no job is lost', async () => {
  using folder = temporaryFolder();
  const kinds = [1, 2, 3].flatMap(() => innerFaults);
  const { injected, jobs, guards } = await injectFaults(join(folder.path, 'state'), kinds, 7);
  expect(Object.values(injected).reduce((sum, n) => sum + n, 0)).toBe(kinds.length);
  expect(guards.trained).toBeGreaterThan(0);
  expect(Object.keys(jobs)).toContain('promoted');
}, 120_000);

it('kill -9 in the middle, and a disk that is full: the same', async () => {
  using folder = temporaryFolder();
  const { guards } = await injectFaults(join(folder.path, 'state'), [...processFaults, ...processFaults], 11);
  expect(guards.base + guards.trained).toBe(6);
}, 180_000);
