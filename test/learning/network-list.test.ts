/** The list of networks for those who ask from afar: what the door itself would find, checked again only when a file has changed. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { networkList } from '../../src/learning/network-list.ts';
import { networks } from '../../src/learning/networks.ts';
import { loadConfig } from '../../src/settings/load.ts';

const folder = mkdtempSync(join(tmpdir(), 'facelatch-networks-'));
afterEach(() => rmSync(folder, { recursive: true }));

it('is what is found at the door; a file that changes is looked at again, one that does not is not', async () => {
  const own = join(folder, 'own');
  mkdirSync(own);
  const { config } = loadConfig({ flags: new Map<string, unknown>([['face.embedder', own]]) });
  await using list = networkList(config);
  const [first, same] = await Promise.all([list.list(), list.list()]);
  expect(first).toEqual(networks(config));
  expect(first?.find((network) => network.folder === own)).toMatchObject({ state: 'missing', usedAs: ['face.embedder'] });
  expect(same).toBe(first);
  expect(await list.list()).toBe(first);
  writeFileSync(join(own, 'manifest.json'), JSON.stringify({ name: 'odd', kind: 'a-kind-of-its-own' }));
  const after = await list.list();
  expect(after).not.toBe(first);
  expect(after?.find((network) => network.folder === own)).toMatchObject({ name: 'odd', state: 'unfit' });
});
