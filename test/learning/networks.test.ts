/** Which networks there are, and which of a name is the newest. */
import { appendFileSync, cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { modelFolder } from '../../src/adapters/basics.ts';
import { newestVersion } from '../../src/learning/networks.ts';
import { temporaryFolder } from '../cli/facelatch.ts';
import { doorConfig } from '../fakes/config.ts';

it('the newest of a name is the one with the highest version that is whole, the one in use included', () => {
  using folder = temporaryFolder();
  const own = join(folder.path, 'own');
  cpSync(modelFolder('embedder'), own, { recursive: true });
  const manifest = JSON.parse(readFileSync(join(own, 'manifest.json'), 'utf8'));
  const { name, file } = manifest;
  writeFileSync(join(own, 'manifest.json'), JSON.stringify({ ...manifest, version: '99.10.0' }));
  const config = doorConfig({ 'state.folder': join(folder.path, 'state'), 'face.embedder': own });
  const newest = (version: string) => newestVersion({ name, version }, config);
  expect([newest('0.1.0'), newest('99.9.0'), newest('99.11.0')]).toEqual(['99.10.0', '99.10.0', '99.11.0']);
  expect(newestVersion({ name: 'another', version: '1.0.0' }, config)).toBe('1.0.0');
  appendFileSync(join(own, file), 'x');
  expect(newest('99.9.0')).toBe('99.9.0');
});
