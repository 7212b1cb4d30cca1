/** The threshold as people see it: `strictness`, `config`, `doctor`, and `people confusable` with twins among them. */
import { beforeAll, describe, expect, it } from 'vitest';
import { galleryOf, modelFolder } from '../../../src/adapters/basics.ts';
import { keepKnownOfDoor } from '../../../src/adapters/evidence.ts';
import { vaultOf } from '../../../src/adapters/vault.ts';
import { openEmbedderNetwork } from '../../../src/face/manifest/embedder.ts';
import { digestOf } from '../../../src/identity/evidence/door.ts';
import { loadConfig } from '../../../src/settings/load.ts';
import { near, randomOf, unitVector } from '../../fakes/embeddings.ts';
import { facelatch, temporaryFolder } from '../facelatch.ts';

const embedder = openEmbedderNetwork(modelFolder('embedder')).info;
const folder = temporaryFolder();
/** Nine people who have nothing in common, and the twin of one of them. */
beforeAll(() => {
  const { config } = loadConfig({ flags: new Map([['state.folder', folder.path]]) });
  const random = randomOf(3);
  const faces = Array.from({ length: 9 }, () => unitVector(random, embedder.dimension));
  using vault = vaultOf(config);
  using gallery = galleryOf(config, embedder, vault);
  for (const [i, template] of [...faces, near(faces[0]!, 0.3, random)].entries())
    gallery.enrol({ name: i === 9 ? 'Twin' : `P${i}`, pictures: [{ picture: Buffer.from(`${i}`), template, source: 'test' }] });
  const evidence = {
    ...{ embedder: embedder.sha256, digest: digestOf(gallery.enrolled()) },
    ...{ residents: { people: 10, share: 0, excess: 0 }, visitors: { visits: 2, share: 0 } },
  };
  keepKnownOfDoor(folder.path, { embedder: embedder.sha256, evidence, visits: [], fitness: [] });
  return () => folder[Symbol.dispose]();
});
const run = async (...args: string[]) => await facelatch([...args, '--state', folder.path]);

describe('strictness', () => {
  it('shows each layer, other rates and the curve', async () => {
    const { code, stdout } = await run('strictness');
    expect(code).toBe(0);
    expect(stdout).toMatch(/calibration table +10 templates/);
    expect(stdout).toMatch(/independent chances +10\.0 chances/);
    expect(stdout).toMatch(/this door's evidence +10 people, 2 unknown visitors: loosens/);
    expect(stdout).toMatch(/1 in 10,000 .* <- in force/);
    expect(stdout).toMatch(/\* strict table +o strangers of photographs +\| threshold/);
  });

  it('as JSON has the layers, and the thresholds at other rates, which rise', async () => {
    const { stdout } = await run('strictness', '--json', '--set', 'identity.targetFmr=0.001');
    const { layers, at, targetFmr } = JSON.parse(stdout) as {
      layers: object;
      at: { targetFmr: number; logit: number }[];
      targetFmr: number;
    };
    expect(Object.keys(layers)).toEqual(['table', 'chances', 'door']);
    expect(targetFmr).toBe(0.001);
    expect(at.map((row) => row.targetFmr)).toEqual([0.01, 0.001, 0.0001, 0.00001, 0.000001]);
    expect(at.map((row) => row.logit)).toEqual(at.map((row) => row.logit).toSorted((a, b) => a - b));
  });

  it('says that the paper’s policy keeps no rate, and that nobody is enrolled where there is no state folder', async () => {
    expect((await run('strictness', '--set', 'identity.policy=paper')).stdout).toMatch(/No rate of wrong accepts is kept/);
    expect((await facelatch(['strictness', '--state', '/nonexistent/state'])).code).toBe(2);
  });
});

it('config and doctor show the layers in a line', async () => {
  expect((await run('config')).stdout).toMatch(/identity\.threshold +[\d.]+ = table [\d.]+, 10\.0 chances [\d.]+, this door's evidence/);
  const { value, source } = (JSON.parse((await run('config', '--json')).stdout) as Record<string, { value: object; source: string }>)[
    'identity.threshold'
  ]!;
  expect([source, Object.keys(value)]).toEqual(['computed', expect.arrayContaining(['layers', 'logit'])]);
}, 60_000);

it('people confusable names twins and the remedy, with exit code 1', async () => {
  const { code, stdout } = await run('people', 'confusable');
  expect(code).toBe(1);
  expect(stdout).toMatch(/P0 +Twin +[\d.]+ above the threshold/);
  expect(stdout).toMatch(/--pin-needed/);
  const { pairs } = JSON.parse((await run('people', 'confusable', '--json')).stdout) as { pairs: { passes: boolean }[] };
  expect(pairs).toEqual([expect.objectContaining({ passes: true })]);
});
