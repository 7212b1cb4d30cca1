/** `facelatch models verify` with networks that were trained for a door: each is looked at, whatever is wrong with the others. */
import { createHash } from 'node:crypto';
import { appendFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { vaultOf } from '../../../src/adapters/vault.ts';
import { encode, integerField, type Message, messageField, textField } from '../../../src/base/model/protobuf.ts';
import { openRetraining } from '../../../src/learning/parts.ts';
import { makeBundle } from '../../../src/retrain/bundle.ts';
import { writeKeptFolder } from '../../../src/retrain/kept-folder.ts';
import { loadConfig } from '../../../src/settings/load.ts';
import { aboutOf } from '../../retrain/bench-door.ts';
import { facelatch, root, temporaryFolder } from '../facelatch.ts';

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());
const state = join(folder.path, 'state');
const { config } = loadConfig({ flags: new Map<string, unknown>([['state.folder', state]]) });
let trained: string;

/** The shipped embedder with `more` behind it, under another hash. */
function embedderWith(name: string, more: Message): string {
  const place = join(folder.path, name);
  mkdirSync(place);
  for (const file of ['manifest.json', 'twin.onnx']) cpSync(join(root, 'models', 'embedder', file), join(place, file));
  appendFileSync(join(place, 'twin.onnx'), encode(more));
  const sha256 = createHash('sha256')
    .update(readFileSync(join(place, 'twin.onnx')))
    .digest('hex');
  const manifest = JSON.parse(readFileSync(join(place, 'manifest.json'), 'utf8'));
  writeFileSync(join(place, 'manifest.json'), JSON.stringify({ ...manifest, sha256 }));
  return place;
}

beforeAll(async () => {
  mkdirSync(state, { mode: 0o700 });
  using vault = vaultOf(config);
  using retraining = await openRetraining(config, vault);
  const { registry, signer } = retraining;
  trained = (await registry.make(embedderWith('trained', textField(6, 'trained')), aboutOf(), signer)).id;
});

const verify = (...args: string[]) => facelatch(['models', 'verify', '--state', state, ...args]);

it('a trained network with a weight in another file is not taken in, however well it is signed', async () => {
  using vault = vaultOf(config);
  using retraining = await openRetraining(config, vault);
  const { registry, signer } = retraining;
  const outside = embedderWith('outside', messageField(7, messageField(5, textField(8, 'w'), integerField(14, 1))));
  await expect(registry.make(outside, aboutOf(), signer)).rejects.toThrow(/takes the tensor "w" from another file/);
  const [known] = registry.list();
  const { door } = JSON.parse(readFileSync(join(registry.folder(known?.id ?? ''), 'bundle.json'), 'utf8'));
  const { files } = await makeBundle(outside, { ...aboutOf(), version: 9, parent: registry.base, door }, signer);
  writeKeptFolder(join(folder.path, 'stick'), files);
  await expect(registry.add(join(folder.path, 'stick'))).rejects.toThrow(/is refused .* takes the tensor "w" from another file/);
  expect(registry.list()).toHaveLength(1);
});

it('all are whole; then a damaged one is named; a damaged configured one hides none', async () => {
  const [whole, one] = await Promise.all([verify(), verify(trained.slice(0, 8))]);
  expect([whole.code, whole.stdout.match(/ whole/g)?.length]).toEqual([0, 6]);
  expect(one.stdout).toMatch(/^\w{12} {2}whole/);
  appendFileSync(join(state, 'models', trained, 'twin.onnx.sealed'), 'x');
  const nowhere = join(folder.path, 'nowhere');
  const [damaged, detector, both] = await Promise.all([verify(), verify('detector'), verify('--embedder', nowhere)]);
  const named = expect.stringMatching(new RegExp(`^${trained.slice(0, 12)} +NOT TO BE USED +damaged`, 'm'));
  expect([damaged.code, damaged.stdout]).toEqual([1, named]);
  expect(detector.code).toBe(0);
  expect([both.code, both.stdout.match(/NOT TO BE USED/g)?.length]).toEqual([1, 2]);
}, 60_000);
