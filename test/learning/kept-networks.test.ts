/** Copies of embedders in the state folder: only what this door sealed, or facelatch shipped, may guard again. */
import { appendFileSync, cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { modelFolder } from '../../src/adapters/basics.ts';
import { rowSeal } from '../../src/base/data/row-seal.ts';
import { keptNetworks } from '../../src/learning/kept-networks.ts';
import { temporaryFolder } from '../cli/facelatch.ts';

const seal = rowSeal(Buffer.from('a secret of this door'), 'test');
let place: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  place = temporaryFolder();
});
afterEach(() => place[Symbol.dispose]());

const before = () => join(place.path, 'before', 'embedder');
const open = (by = seal) => keptNetworks({ folder: join(place.path, 'networks'), before: before(), seal: by });
const another = (name: string): string => {
  const folder = join(place.path, name);
  cpSync(modelFolder('embedder'), folder, { recursive: true });
  writeFileSync(
    join(folder, 'manifest.json'),
    JSON.stringify({ ...JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')), name }),
  );
  return folder;
};

it('keeps one whole copy of a network, and of another another', () => {
  const kept = open();
  kept.keep(modelFolder('embedder'));
  open().keep(modelFolder('embedder'));
  expect(kept.folders()).toHaveLength(1);
  const [copy = ''] = kept.folders();
  for (const file of ['manifest.json', 'twin.onnx'])
    expect(readFileSync(join(copy, file)).equals(readFileSync(join(modelFolder('embedder'), file)))).toBe(true);
  kept.keep(another('other'));
  expect(kept.folders()).toHaveLength(2);
  kept.keepOnly(modelFolder('embedder'));
  expect(open().folders()).toEqual([copy]);
});

it('a folder that is no network is not kept', () => {
  const kept = open();
  kept.keep(place.path);
  expect(kept.folders()).toEqual([]);
});

it.each<[string, (copy: string) => void]>([
  [
    'other thresholds',
    (copy) => writeFileSync(join(copy, 'manifest.json'), readFileSync(join(copy, 'manifest.json'), 'utf8').replace('0.0001', '0.1')),
  ],
  ['another network', (copy) => appendFileSync(join(copy, 'twin.onnx'), 'x')],
  ['a seal of something else', (copy) => writeFileSync(join(copy, 'seal'), seal.of(['embedder', 'other']))],
  ['another name', (copy) => cpSync(copy, join(copy, '..', 'f'.repeat(64)), { recursive: true })],
])('a copy with %s does not count', (_, alter) => {
  const kept = open();
  kept.keep(another('mine'));
  const [copy = ''] = kept.folders();
  alter(copy);
  expect(
    open()
      .folders()
      .map((folder) => basename(folder)),
  ).not.toContain('f'.repeat(64));
  expect(open().folders()).toHaveLength(readdirSync(join(place.path, 'networks')).length - 1);
});

it('a copy that another door sealed does not count', () => {
  open(rowSeal(Buffer.from('another door'), 'test')).keep(another('mine'));
  expect(open().folders()).toEqual([]);
});

it('what a package left counts where facelatch has shipped it, and nothing else in its place', () => {
  cpSync(modelFolder('embedder'), before(), { recursive: true });
  expect(open().folders()).toEqual([before()]);
  appendFileSync(join(before(), 'manifest.json'), ' ');
  expect(open().folders()).toEqual([]);
});
