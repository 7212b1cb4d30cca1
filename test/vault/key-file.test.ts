/** The key in a file: how it is made, and what a kill leaves of that. */
import { linkSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../src/base/time.ts';
import { houseVault } from '../../src/house/locked.ts';
import { contentsOf } from '../../src/vault/backup/contents.ts';
import { keyIn, makeKeyFile } from '../../src/vault/key-file.ts';
import { doorConfig } from '../fakes/config.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-key-file-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = () => join(folder, 'vault.key');

it('a key that a kill left beside its file is in no backup and goes at the next start; the key stays', async () => {
  const key = makeKeyFile(file());
  expect(readdirSync(folder)).toEqual(['vault.key']);
  const left = ['.new-vault.key-4711', 'vault.key.4711'];
  for (const name of left) linkSync(file(), join(folder, name));
  writeFileSync(join(folder, 'vault.key.next'), 'a key that is being changed');
  expect(contentsOf(folder, (path) => path === file()).files.map(({ path }) => path)).not.toContain(left[0]);
  const { vault } = await houseVault(doorConfig({ 'state.folder': folder }), systemClock);
  vault[Symbol.dispose]();
  expect(readdirSync(folder).filter((name) => left.includes(name))).toEqual([]);
  expect(readdirSync(folder)).toContain('vault.key.next');
  expect(keyIn(file())).toEqual(key);
});
