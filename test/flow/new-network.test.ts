/**
 * Another network in the place of the one that everybody's templates are of, as after an upgrade: the door goes on with
 * the one before until templates are made, over a kill in the middle, and nobody is lost. Here the one before computes
 * the same and is another file.
 */

import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { demoPeopleFolder, galleryOf, modelFolder, readerOf } from '../../src/adapters/basics.ts';
import { journalOf } from '../../src/adapters/journal.ts';
import { vaultOf } from '../../src/adapters/vault.ts';
import type { Event } from '../../src/events.ts';
import { openEmbedderNetwork } from '../../src/face/manifest/embedder.ts';
import { keptNetworksOf } from '../../src/learning/first-guards.ts';
import type { Config } from '../../src/settings/load.ts';
import { facelatch, start, temporaryFolder } from '../cli/facelatch.ts';
import { doorConfig } from '../fakes/config.ts';

const people = Array.from({ length: 12 }, (_, i) => `p${String(i + 1).padStart(2, '0')}`);
/** Their pictures: two of each. */
const all = 2 * people.length;
const folder = temporaryFolder();
const state = join(folder.path, 'state');
const before = join(folder.path, 'network-before');
const now = openEmbedderNetwork(modelFolder('embedder')).info;

const configOf = (embedder: string): Config => doorConfig({ 'state.folder': state, 'face.embedder': embedder });

/** The shipped embedder with another producer name (protobuf: a field that comes again replaces the first). */
function makeNetworkBefore(): void {
  cpSync(modelFolder('embedder'), before, { recursive: true });
  const file = join(before, 'manifest.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8'));
  const onnx = Buffer.concat([readFileSync(join(before, manifest.file)), Buffer.from([0x12, 0x01, 0x78])]);
  writeFileSync(join(before, manifest.file), onnx);
  const sha256 = createHash('sha256').update(onnx).digest('hex');
  writeFileSync(file, JSON.stringify({ ...manifest, name: 'network-before', sha256 }));
}

beforeAll(async () => {
  makeNetworkBefore();
  mkdirSync(join(folder.path, 'nobody'));
  for (let i = 0; i < 4; i++)
    await sharp({ create: { ...size, background: { r: 90 + i, g: 120, b: 90 } } })
      .jpeg()
      .toFile(picture(i));
  const config = configOf(before);
  await using reader = await readerOf(config);
  using vault = vaultOf(config);
  using gallery = galleryOf(config, reader.embedder, vault);
  for (const name of people) {
    const pictures = [];
    for (const shot of ['neutral', 'smiling']) {
      const source = `${name}-${shot}.jpg`;
      const bytes = await sharp(join(demoPeopleFolder, source)).resize(300).jpeg().toBuffer();
      const [face] = (await reader.read(bytes, { embed: 'dominant' })).faces;
      pictures.push({ picture: bytes, source, template: face!.embedding! });
    }
    gallery.enrol({ name, pictures });
  }
  const template = new Float32Array(256).fill(1 / 16);
  gallery.enrol({ name: 'Without a face', pictures: [{ picture: readFileSync(picture(0)), source: 'grey.jpg', template }] });
});
afterAll(() => folder[Symbol.dispose]());

const size = { width: 320, height: 240, channels: 3 } as const;
const picture = (i: number) => join(folder.path, 'nobody', `${i}.jpg`);
/** Before an empty hall. */
const run = () =>
  start([
    ...['run', '--json', '--state', state],
    ...[`from=${join(folder.path, 'nobody')}`, 'loop=true'].flatMap((set) => ['--set', `camera.replay.${set}`]),
    ...['--set', 'camera.source=replay', '--set', 'camera.fps=2'],
  ]);

function made(): number {
  using db = new DatabaseSync(join(state, 'people.sqlite'), { readOnly: true });
  return Number(db.prepare('SELECT count(*) AS n FROM templates WHERE embedder = ?').get(now.sha256)?.n);
}

function journalled<Kind extends Event['kind']>(kind: Kind): Extract<Event, { kind: Kind }>[] {
  using journal = journalOf(configOf('embedder'));
  expect(journal.verify().ok).toBe(true);
  return journal.query({}).flatMap(({ event }) => (event.kind === kind ? [event as Extract<Event, { kind: Kind }>] : []));
}

it('the network before guards until everybody has a template of the new one, over a kill in the middle; whoever cannot have one is named, and waited for until they are removed', async () => {
  // What a daemon of the version before, or the package, leaves.
  keptNetworksOf(configOf(before)).keep(before);
  const killed = run();
  await killed.said(/templates are being made again/);
  while (made() < 3) await pause(10);
  killed.child.kill('SIGKILL');
  await killed.done;
  const half = made();
  expect(half).toBeLessThan(all);
  const guardedByBefore = { people: people.length + 1, templates: all + 1, models: [expect.stringMatching(/^network-before /)] };
  expect(journalled('daemon.started').at(-1)).toMatchObject(guardedByBefore);

  const again = run();
  await again.said(/no template of this person can be made/);
  expect(journalled('daemon.started').at(-1)).toMatchObject(guardedByBefore);
  expect((await facelatch(['doctor', '--no-camera', '--state', state])).stdout).toMatch(/Without a face/);
  const { stdout } = await facelatch(['people', '--json', '--state', state]);
  const found = (JSON.parse(stdout) as { people: { id: string; name: string }[] }).people.find(({ name }) => name === 'Without a face');
  expect(journalled('templates.missing')).toMatchObject([{ personId: found?.id, recognised: true }]);
  expect([made(), journalled('templates.renewed')]).toEqual([all, []]);
  expect((await facelatch(['people', 'remove', 'Without a face', '--yes', '--state', state])).code).toBe(0);
  await again.said(/templates made again/);
  again.child.kill('SIGTERM');
  expect((await again.done).code).toBe(0);
  expect(journalled('templates.renewing')).toMatchObject([
    { people: people.length + 1 },
    { guarding: expect.stringMatching(/^network-before /) },
  ]);
  expect(journalled('templates.renewed')).toMatchObject([{ pictures: all - half, templates: all }]);
  using vault = vaultOf(configOf('embedder'));
  using gallery = galleryOf(configOf('embedder'), now, vault);
  expect(gallery.list().map(({ name }) => name)).toEqual(people);
  expect(gallery).toMatchObject({ stale: 0, unrecognised: [], templates: all });
  // The copy that nobody needs is gone, and the network in use is kept for the next change.
  expect(keptNetworksOf(configOf('embedder')).folders()).toHaveLength(1);
}, 120_000);
