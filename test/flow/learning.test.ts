/** Learning at the door, whole: a real broker, the running door with its networks, an operator's signed commands; a network is trained, measured, promoted, watched and taken back. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { facelatch, jsonOf, type Running, start } from '../cli/facelatch.ts';
import { journalled, type LearningPlace, openLearningPlace, stepsIn, until } from '../fakes/learning-door.ts';
import { openRedis, type RedisServer } from '../fakes/redis.ts';
import { workshopAt } from '../fakes/workshop.ts';

let place: LearningPlace;
/** As few as can be measured on: half of them, with two pictures each, are frozen. */
const people = [1, 2, 3, 4, 5, 6];
/** Labels are checked in the first test and in real-learning.test.ts: that reads every picture once more. */
const unchecked = { 'retrain.checkLabels': false };
beforeEach(async () => {
  place = await openLearningPlace();
});
afterEach(() => place[Symbol.asyncDispose]());

/** A trainer's process that works for this door, whose card is printed for it. */
async function openTrainer(name: string, redis: RedisServer, workshop: string): Promise<Running> {
  const at = (file: string) => join(place.folder, file);
  const made = await facelatch(['trainer', 'key', 'create', '--name', name, '--out', at(`${name}.key`)]);
  writeFileSync(at(`${name}.json`), made.stdout);
  const settings = {
    'farm.url': redis.url,
    'farm.caFile': at('redis-ca.pem'),
    'trainer.keyFile': at(`${name}.key`),
    'trainer.doors': at('door-card.json'),
    'trainer.folder': at(`${name}-work`),
    'trainer.leaseMs': 3000,
    'trainer.checkpointMs': 100,
  };
  const set = Object.entries(settings).flatMap(([path, value]) => ['--set', `${path}=${value}`]);
  const running = start(['trainer', '--json', '--workshop', workshop, ...set]);
  place.defer(async () => {
    running.child.kill('SIGKILL');
    await running.done;
  });
  return running;
}

it('an operator asks from afar; the door learns over a killed process and a restart from its checkpoint, measures, and uses the better network without a stop; and goes back when told to', async () => {
  const states: { state: string }[] = [];
  place.client.on('message', (topic, payload) => topic.endsWith('/state/training') && states.push(JSON.parse(payload.toString())));
  const trace = join(place.folder, 'trace');
  const steps = () => stepsIn(trace);
  const mayEnd = join(place.folder, 'may-end');
  const what = workshopAt({ steps: 12, diesAt: 4, trace, until: mayEnd });
  const settings = { 'retrain.keepGrantsDays': 7, 'retrain.keepUnknownsDays': 7 };
  const { house, stop, visit } = await place.open({ workshop: what, settings, people });
  const before = house.reader.embedder.sha256;
  // What it learns from is what people confirmed.
  const granted = await visit(3);
  const denied = await visit(12);
  const entries = house.journal.query({ kinds: ['access.granted', 'access.denied'] });
  expect([granted.kind, denied.kind]).toEqual(['access.granted', 'access.denied']);
  const right = jsonOf(await place.send('mark', `seq=${entries[0]?.seq}`, 'as=right'));
  const stranger = jsonOf(await place.send('mark', `seq=${entries[1]?.seq}`, 'as=stranger'));
  expect([right.result.pictures, stranger.result.pictures]).toEqual([1, expect.any(Number)]);
  const started = jsonOf(await place.send('train.start'));
  expect(started.result.job).toMatchObject({ recipe: 'adapt', where: 'door', by: 'olga', state: 'queued' });
  await expect.poll(() => steps().length, { timeout: 60_000, interval: 20 }).toBeGreaterThan(8);
  await stop();
  expect(steps().length).toBeLessThan(12);
  writeFileSync(mayEnd, '');
  const again = await place.open({ workshop: what });
  await until(again.house, 'training.ended');
  // A step that was under way when the process ended is the only one that was done twice.
  expect(new Set(steps())).toEqual(new Set(Array.from({ length: 12 }, (_, i) => i + 1)));
  expect(steps().length).toBeLessThanOrEqual(14);
  const [ended] = journalled(again.house, 'training.ended') as unknown as [{ outcome: string; bundle: string }];
  const { bundle } = ended;
  expect(ended).toMatchObject({ outcome: 'promoted', bundle: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(journalled(again.house, 'model.promoted')).toMatchObject([
    { bundle, version: 1, by: 'olga', forced: false, detail: expect.stringMatching(/FNMR/) },
  ]);
  expect(again.house.reader.embedder.sha256).not.toBe(before);
  expect([again.house.gallery.templates, again.house.gallery.stale]).toEqual([12, 0]);
  expect(await again.visit(3)).toMatchObject({ kind: 'access.granted' });
  expect(await again.visit(12)).toMatchObject({ kind: 'access.denied', reason: 'unknown' });
  await expect.poll(() => states.at(-1)?.state).toBe('promoted');
  expect(states.map(({ state: is }) => is)).toContain('training');
  expect(readdirSync(join(place.state, 'models'))).toEqual([bundle]);
  expect(statSync(join(place.state, 'retrain.sqlite')).mode & 0o077).toBe(0);
  // Nothing with a face in it is left of the job.
  expect(readdirSync(join(place.state, 'jobs'))).toEqual([]);
  const manifest = JSON.parse(readFileSync(join(place.state, 'models', bundle, 'bundle.json'), 'utf8'));
  expect(manifest.data.strangers).toBeLessThanOrEqual(1);
  // Somebody at the machine itself goes back; the running door follows without a stop.
  expect(jsonOf(await place.facelatch('models', 'rollback', '--json'))).toEqual({ to: 'base', from: bundle });
  await expect.poll(() => again.house.reader.embedder.sha256, { timeout: 20_000 }).toBe(before);
}, 180_000);

it('on a farm of two trainers, one of them killed midway, the network comes back all the same and is used', async () => {
  await using redis = await openRedis({ tls: true });
  writeFileSync(join(place.folder, 'redis-ca.pem'), redis.ca ?? '');
  const mayEnd = join(place.folder, 'may-end');
  const slow = workshopAt({ steps: 20, stepMs: 20, until: mayEnd });
  writeFileSync(join(place.folder, 'door-card.json'), (await facelatch(['key', 'door', '--state', place.state])).stdout);
  const first = await openTrainer('first', redis, slow);
  const second = await openTrainer('second', redis, slow);
  const settings = {
    ...unchecked,
    'retrain.where': 'farm',
    'farm.url': redis.url,
    'farm.caFile': join(place.folder, 'redis-ca.pem'),
    'farm.trainers': `${join(place.folder, 'first.json')},${join(place.folder, 'second.json')}`,
  };
  const { house } = await place.open({ workshop: slow, settings, people });
  const before = house.reader.embedder.sha256;
  const started = jsonOf(await place.send('train.start'));
  expect(started.result.job).toMatchObject({ where: 'farm', state: 'queued' });
  // Whoever has the job saves, and is killed then.
  const saved = (trainer: Running) => trainer.said(/"kind":"checkpoint"/).then(() => trainer);
  const killed = await Promise.any([saved(first), saved(second)]);
  killed.child.kill('SIGKILL');
  const { stdout } = await killed.done;
  writeFileSync(mayEnd, '');
  expect(stdout).not.toMatch(/"kind":"done"/);
  await until(house, 'training.ended');
  expect(journalled(house, 'training.ended')).toMatchObject([{ outcome: 'promoted' }]);
  const other = killed === first ? second : first;
  await other.said(/"kind":"taken","token":2,"from":\{"token":1\}/);
  expect(house.reader.embedder.sha256).not.toBe(before);
  expect((await redis.client().keys('*')).filter((key) => key.includes(':chunk:'))).toEqual([]);
}, 240_000);

it('a worse network is refused, and the door stays as it was; one that passes and then decides otherwise is taken back by the door itself', async () => {
  const { house, stop } = await place.open({ workshop: workshopAt({ kind: 'worse' }), settings: unchecked, people });
  const base = house.reader.embedder.sha256;
  await place.send('train.start');
  await until(house, 'training.ended');
  expect(journalled(house, 'training.ended')).toMatchObject([{ outcome: 'refused', detail: expect.stringMatching(/FNMR 100.00 %/) }]);
  const [{ bundle }] = journalled(house, 'model.refused') as unknown as [{ bundle: string }];
  expect([house.reader.embedder.sha256, journalled(house, 'model.promoted')]).toEqual([base, []]);
  // From afar nothing overrules the comparison.
  expect(jsonOf(await place.send('model.promote', `bundle=${bundle.slice(0, 12)}`)).result).toEqual({ measuring: bundle });
  await until(house, 'model.refused', 2);
  expect(journalled(house, 'model.refused')).toMatchObject([{ reason: 'worse' }, { bundle, reason: 'worse' }]);
  await stop();
  const settings = { ...unchecked, 'retrain.decisions': 5, 'retrain.maxDisagreement': 0.2 };
  const again = await place.open({ workshop: workshopAt({ kind: 'worse', compare: 'ok' }), settings });
  await place.send('train.start');
  await until(again.house, 'model.promoted');
  expect(again.house.reader.embedder.sha256).not.toBe(base);
  expect(await again.visit(3)).toMatchObject({ kind: 'access.denied' });
  // Two decisions that differ are too many; a slow machine may have decided twice already while the first visitor stood there.
  if (journalled(again.house, 'model.rolled-back').length === 0) await again.visit(5);
  await until(again.house, 'model.rolled-back');
  expect(journalled(again.house, 'model.rolled-back')).toMatchObject([{ bundle: 'base', why: 'disagreement', by: 'the door' }]);
  expect(again.house.reader.embedder.sha256).toBe(base);
  expect(await again.visit(4)).toMatchObject({ kind: 'access.granted' });
}, 180_000);
