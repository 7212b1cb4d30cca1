/** The kept figures of ended cells (docs/research/cells) are those of cells as they are defined now: the command takes them. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { convergedCells } from '../../../src/train/paper/converged-cells.ts';
import { readResults } from '../../../src/train/paper/experiment.ts';

const kept = fileURLToPath(new URL('../../../docs/research/cells', import.meta.url));
const ids = readdirSync(kept).map((name) => name.replace(/\.json$/, ''));

it('the kept figures of ended cells are taken by the command that the documents name', async () => {
  const cells = convergedCells(4000, { rate: 3.32e-5, l1: 7.44e-6, augment: 0.28 });
  const results = await readResults(kept, cells);
  expect(results.map(({ cell }) => cell.id).toSorted()).toEqual(ids.toSorted());
  expect(results.map(({ pairs }) => pairs?.honest.length)).toEqual(ids.map(() => 1000));
});

it('a cell with other settings does not take them', async () => {
  expect(await readResults(kept, convergedCells(4000, { rate: 1e-4, l1: 7.44e-6, augment: 0.28 }))).toEqual([]);
});
