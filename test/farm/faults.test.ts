import { expect, test } from 'vitest';
import { faultKinds, runFaults } from './faults.ts';

/** A thousand are in the bench (`npm run bench -- farm`). */
test('no job is lost, and each has one right result, through every kind of fault', { timeout: 240_000 }, async () => {
  const figures = await runFaults({ faults: faultKinds.length, seed: 7 });
  expect(figures).toMatchObject({
    injected: Object.fromEntries(faultKinds.map((kind) => [kind, 1])),
    right: figures.jobs,
    wrong: [],
    leftKeys: 0,
    leftFolders: 0,
  });
});
