/** `facelatch retrain` with the recipe `paper` and a plan of one's own, on people who do not exist. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { vaultOf } from '../../../src/adapters/vault.ts';
import { systemClock } from '../../../src/base/time.ts';
import { openEmbedderNetwork } from '../../../src/face/manifest/embedder.ts';
import { lockState } from '../../../src/host/lock.ts';
import { openGallery } from '../../../src/identity/sqlite.ts';
import { doorConfig } from '../../fakes/config.ts';
import { demoPeople } from '../../recipes/paper-set.ts';
import { facelatch, jsonOf, root, temporaryFolder } from '../facelatch.ts';

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());
const place = join(folder.path, 'state');
const state = ['--state', place];
const module = join(folder.path, 'mine.ts');
const paper = ['retrain', 'start', '--recipe', 'paper', '--seed', '7', ...state];

/** The people of the demo, with templates that are nobody's: what is learned, checked and compared here is made from the pictures. */
function enrolEverybody(): void {
  const embedder = openEmbedderNetwork(join(root, 'models', 'embedder')).info;
  const template = new Float32Array(embedder.dimension);
  template[0] = 1;
  mkdirSync(place);
  using vault = vaultOf(doorConfig({ 'state.folder': place }));
  using gallery = openGallery({
    vault,
    file: join(place, 'people.sqlite'),
    embedder,
    policy: { policy: 'target-fmr', targetFmr: 1e-4, detection: 0.99, verification: 0.8 },
    clock: systemClock,
  });
  for (const { personId, samples } of demoPeople())
    gallery.enrol({ name: personId, pictures: samples.map(({ picture, id }) => ({ picture, template, source: id })) });
}

function writeModule(): void {
  const from = (name: string) => JSON.stringify(join(root, 'src', name));
  writeFileSync(
    module,
    `import { workshopOf as shipped } from ${from('learning/workshop.ts')};
     import { smallNetwork } from ${from('train/network/small-network.ts')};
     export const workshopOf = () => shipped({ paper: { network: smallNetwork, epochs: 2, stepsPerEpoch: 10 } });`,
  );
}

describe('facelatch retrain --recipe paper', () => {
  it('learns by a module of one’s own under the seed that was given, and is refused by the comparison', async () => {
    enrolEverybody();
    writeModule();
    const run = await facelatch([...paper, '--workshop', module, '--json']);
    const { job } = jsonOf(run);
    expect([run.code, job.state, job.detail]).toEqual([1, 'refused', expect.stringContaining('against the champion')]);
    const { manifest } = jsonOf(await facelatch(['models', 'show', job.bundle.slice(0, 12), '--json', ...state]));
    expect(manifest.metrics).toMatchObject({ seed: { value: 7 }, steps: { value: 20 } });
  }, 120_000);

  it('refuses a module that is not there, and one while a daemon is running', async () => {
    const missing = await facelatch([...paper, '--workshop', 'nowhere.ts']);
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining('There is no nowhere.ts: --workshop takes a module')]);
    // What a daemon holds as long as it runs.
    using _ = lockState(place);
    const running = await facelatch([...paper, '--workshop', module]);
    expect([running.code, running.stderr]).toEqual([2, expect.stringContaining('A daemon is running')]);
  });
});
