/** The retraining room of a door on a real state folder: a store with a row that does not fit must not keep the door shut. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { vaultOf } from '../../src/adapters/vault.ts';
import { guardingEmbedder, openRetraining } from '../../src/learning/parts.ts';
import { openRetrainStore } from '../../src/retrain/store.ts';
import { loadConfig } from '../../src/settings/load.ts';
import { temporaryFolder } from '../cli/facelatch.ts';

it('moves a store with a damaged row aside, and the network of the configuration guards', async () => {
  using folder = temporaryFolder();
  const { config } = loadConfig({ flags: new Map([['state.folder', folder.path]]) });
  const file = join(folder.path, 'retrain.sqlite');
  using vault = vaultOf(config);
  using damaged = openRetrainStore(file, vault);
  damaged.db.exec(`UPDATE pointer SET champion = 'a';
    INSERT INTO bundles (id, state, version, recipe, created_at, base, embedder) VALUES ('a', 'emperor', 1, 'adapt', '', '', '')`);
  damaged[Symbol.dispose]();
  const base = guardingEmbedder(config);
  using retraining = await openRetraining(config, vault);
  expect(retraining.movedAway).toMatch(/retrain\.sqlite\.damaged-\d+$/);
  expect(existsSync(retraining.movedAway ?? '')).toBe(true);
  expect([retraining.registry.champion(), retraining.championPlace()]).toEqual([undefined, base]);
});
