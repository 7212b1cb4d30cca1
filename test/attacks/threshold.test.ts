/**
 * Whoever can write in the state folder cannot loosen the door: evidence that it did not write counts for nothing. Nor
 * does a damaged file of strangers loosen it.
 */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { galleryOf, modelFolder } from '../../src/adapters/basics.ts';
import { keepKnownOfDoor } from '../../src/adapters/evidence.ts';
import { vaultOf } from '../../src/adapters/vault.ts';
import type { EvidenceRequest } from '../../src/adapters/worker.ts';
import { sideThread } from '../../src/base/side-thread.ts';
import { openEmbedderNetwork } from '../../src/face/manifest/embedder.ts';
import { digestOf } from '../../src/identity/evidence/door.ts';
import { sampleOf } from '../../src/identity/evidence/measure.ts';
import type { DoorEvidence } from '../../src/identity/port.ts';
import { loadConfig } from '../../src/settings/load.ts';
import { temporaryFolder } from '../cli/facelatch.ts';
import { randomOf, unitVector } from '../fakes/embeddings.ts';

const embedder = openEmbedderNetwork(modelFolder('embedder')).info;

it('evidence of another hand, or of another door, leaves the threshold at the table', () => {
  using folder = temporaryFolder();
  using other = temporaryFolder();
  const { config } = loadConfig({ flags: new Map([['state.folder', folder.path]]) });
  const random = randomOf(3);
  const known = () => {
    using vault = vaultOf(config);
    using gallery = galleryOf(config, embedder, vault);
    for (let i = gallery.list().length; i < 10; i++) {
      const template = unitVector(random, embedder.dimension);
      gallery.enrol({ name: `P${i}`, pictures: [{ picture: Buffer.from(`${i}`), template, source: 'test' }] });
    }
    const { sha256 } = embedder;
    const residents = { people: 10, share: 0, excess: 0 };
    const evidence = { embedder: sha256, digest: digestOf(gallery.enrolled()), residents, visitors: { visits: 0, share: 0 } };
    return { embedder: sha256, evidence, visits: [], fitness: [] };
  };
  const effect = () => {
    using vault = vaultOf(config);
    using gallery = galleryOf(config, embedder, vault);
    return gallery.threshold.layers?.door?.effect;
  };
  const own = known();
  expect(effect()).toBeUndefined();
  keepKnownOfDoor(folder.path, own);
  expect(effect()).toBe('loosened');
  const file = join(folder.path, 'evidence.json');
  const text = readFileSync(file, 'utf8');
  for (const forged of [text.replace('"people": 10', '"people": 1000'), text.slice(1)]) {
    writeFileSync(file, forged);
    expect(effect()).toBeUndefined();
  }
  keepKnownOfDoor(other.path, own);
  writeFileSync(file, readFileSync(join(other.path, 'evidence.json')));
  expect(effect()).toBeUndefined();
});

it('a cohort that was changed gives no evidence, so nothing loosens for want of its floor', async () => {
  using folder = temporaryFolder();
  const random = randomOf(3);
  const people = Array.from({ length: 10 }, (_, i) => ({ id: `P${i}`, templates: [unitVector(random, embedder.dimension)] }));
  await using thread = sideThread<EvidenceRequest, DoorEvidence>({
    module: new URL('../../src/adapters/worker.ts', import.meta.url),
    ...{ mostWaiting: 1, patienceMs: 60_000, heapMb: 128 },
  });
  const ask = (cohort: string) =>
    thread.ask({ embedder, digest: digestOf(people), sample: sampleOf(people, embedder.dimension), visitors: [], chances: 10, cohort });
  const changed = join(folder.path, 'cohort');
  cpSync(modelFolder('cohort'), changed, { recursive: true });
  expect((await ask(changed))?.cohort?.people).toBeGreaterThan(100);
  const numbers = readFileSync(join(changed, 'embeddings.i8'));
  writeFileSync(join(changed, 'embeddings.i8'), numbers.fill(1, 1000, 1001));
  expect(await ask(changed)).toBeUndefined();
  writeFileSync(join(changed, 'manifest.json'), '{');
  expect(await ask(changed)).toBeUndefined();
  // A network of one's own has none, and needs none.
  expect(await ask(join(folder.path, 'none'))).toMatchObject({ residents: { people: 10 } });
});
