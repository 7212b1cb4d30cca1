/** Learning at the door, whole: a real broker, the running door with its networks, an operator's signed commands; a network is trained, measured, promoted, watched and taken back. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Event } from '../../src/access/port.ts';
import { newKey, publicKeyOf } from '../../src/command/keys.ts';
import { operatorsIn } from '../../src/command/operators.ts';
import { loadConfig } from '../../src/config.ts';
import { openLog } from '../../src/log.ts';
import { type House, wire } from '../../src/wire.ts';
import { demoPicture, facelatch, jsonOf, type Running, start, temporaryFolder } from '../cli/facelatch.ts';
import { type FakeCamera, fakeCamera } from '../fakes/camera.ts';
import { type Mosquitto, openMosquitto } from '../fakes/mosquitto.ts';
import { openRedis, type RedisServer } from '../fakes/redis.ts';
import { workshopAt } from '../fakes/workshop.ts';

let folder: ReturnType<typeof temporaryFolder>;
let broker: Mosquitto;
let client: MqttClient;
let events: Event[];
let camera: FakeCamera;
const ends: (() => Promise<void>)[] = [];

beforeEach(async () => {
  folder = temporaryFolder();
  broker = await openMosquitto();
  client = await connectAsync(broker.url, { protocolVersion: 5 });
  await client.subscribeAsync('facelatch/front-door/#', { qos: 1 });
  events = [];
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  await client.endAsync(true);
  await broker[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const state = () => join(folder.path, 'state');
const keyFile = () => join(folder.path, 'key.json');
const send = async (command: string, ...args: string[]) => {
  const at = ['--key', keyFile(), '--broker', broker.url, '--state', state(), '--json'];
  return facelatch(['send', 'front-door', command, ...args, ...at]);
};

/** A running door with ten demo people, two pictures each, whose networks are the shipped ones. */
async function open(
  workshop: string,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<{ house: House; stop: () => Promise<void> }> {
  if (!existsSync(keyFile())) {
    const key = await newKey('Ed25519');
    writeFileSync(keyFile(), JSON.stringify(key), { mode: 0o600 });
    mkdirSync(state(), { recursive: true, mode: 0o700 });
    const olga = { name: 'olga', role: 'admin', key: publicKeyOf(key, 'Ed25519'), addedAt: '2026-01-01T00:00:00.000Z' } as const;
    await operatorsIn(join(state(), 'operators.json')).add(olga);
  }
  const values = {
    'state.folder': state(),
    'relay.pulseMs': 50,
    'access.cooldownMs': 0,
    'access.absenceMs': 200,
    'access.denyAfterMs': 500,
    'access.maxFrameAgeMs': 20_000,
    'access.windowMs': 20_000,
    'access.lockOut.failures': 0,
    'face.idleFps': 0,
    'mqtt.enabled': true,
    'mqtt.url': broker.url,
    'mqtt.clockCheck': false,
    'retrain.priority': 'normal',
    ...settings,
  };
  const { config } = loadConfig({ flags: new Map<string, unknown>(Object.entries(values)) });
  const listens = new Promise<void>((resolve) => client.on('message', (topic) => topic.endsWith('/cmd/self-test') && resolve()));
  camera = fakeCamera();
  const house = await wire(config, openLog('silent'), { camera, workshop, onEvent: (event) => events.push(event) });
  if (house.gallery.list().length === 0)
    for (let person = 1; person <= 10; person++) {
      const pictures = [];
      for (const shot of ['neutral', 'smiling'] as const) {
        const picture = readFileSync(demoPicture(person, shot));
        const template = (await house.reader.read(picture)).faces[0]?.embedding;
        if (!template) throw new Error('a demo person has no face');
        pictures.push({ picture, template, source: shot });
      }
      house.gallery.enrol({ name: `p${person}`, pictures });
    }
  const end = new AbortController();
  const running = house.run(end.signal);
  let stopped = false;
  const stop = async () => {
    if (stopped) return;
    stopped = true;
    end.abort(new Error('the test is over'));
    await running;
    await house[Symbol.asyncDispose]();
  };
  ends.push(stop);
  await listens;
  return { house, stop };
}

/** A trainer's process that works for this door, whose card is printed for it. */
async function openTrainer(name: string, redis: RedisServer, workshop: string): Promise<Running> {
  const at = (file: string) => join(folder.path, file);
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
  ends.push(async () => {
    running.child.kill('SIGKILL');
    await running.done;
  });
  return running;
}

const journalled = ({ journal }: House, kind: Event['kind']) => journal.query({ kinds: [kind] }).map(({ event }) => event);
const until = (house: House, kind: Event['kind'], count = 1) =>
  expect.poll(() => journalled(house, kind).length, { timeout: 60_000, interval: 20 }).toBeGreaterThanOrEqual(count);

/** Somebody comes: frames of one picture, each with other bytes, until the door has decided. */
async function visit(person: number): Promise<Event> {
  const before = events.length;
  const decided = () => events.slice(before).find(({ kind }) => kind === 'access.granted' || kind === 'access.denied');
  for (let i = 0; i < 40 && !decided(); i++)
    await camera.push(
      await sharp(demoPicture(person, 'smiling'))
        .jpeg({ quality: 95 - (i % 40) })
        .toBuffer(),
    );
  const nobody = await sharp({ create: { width: 200, height: 200, channels: 3, background: '#a88' } })
    .jpeg()
    .toBuffer();
  await camera.push(nobody);
  await expect.poll(decided, { timeout: 20_000, interval: 20 }).toBeDefined();
  // Gone for longer than access.absenceMs.
  for (const from = performance.now(); performance.now() - from < 400; ) await camera.push(nobody);
  return decided() as Event;
}

it('an operator asks from afar, the door learns, measures, and uses the better network without a stop; and goes back when told to', async () => {
  const states: { state: string }[] = [];
  client.on('message', (topic, payload) => topic.endsWith('/state/training') && states.push(JSON.parse(payload.toString())));
  const { house } = await open(workshopAt({ steps: 5 }));
  const before = house.reader.embedder.sha256;
  expect(await visit(3)).toMatchObject({ kind: 'access.granted' });
  const started = jsonOf(await send('train.start'));
  expect(started.result.job).toMatchObject({ recipe: 'adapt', where: 'door', by: 'olga', state: 'queued' });
  await until(house, 'training.ended');
  const [ended] = journalled(house, 'training.ended');
  expect(ended).toMatchObject({ outcome: 'promoted', bundle: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(journalled(house, 'model.promoted')).toMatchObject([
    { version: 1, by: 'olga', forced: false, detail: expect.stringMatching(/FNMR/) },
  ]);
  expect(house.reader.embedder.sha256).not.toBe(before);
  expect([house.gallery.templates, house.gallery.stale]).toEqual([20, 0]);
  expect(await visit(3)).toMatchObject({ kind: 'access.granted' });
  expect(await visit(12)).toMatchObject({ kind: 'access.denied', reason: 'unknown' });
  await expect.poll(() => states.at(-1)?.state).toBe('promoted');
  expect(states.map(({ state: is }) => is)).toContain('training');
  const folders = readdirSync(join(state(), 'models'));
  expect(folders).toEqual([(ended as { bundle: string }).bundle]);
  expect(statSync(join(state(), 'retrain.sqlite')).mode & 0o077).toBe(0);
  // Nothing with a face in it is left of the job.
  expect(readdirSync(join(state(), 'jobs'))).toEqual([]);
  const back = jsonOf(await send('model.rollback'));
  expect(back.result).toEqual({ to: 'base', from: (ended as { bundle: string }).bundle });
  expect(house.reader.embedder.sha256).toBe(before);
  expect(await visit(5)).toMatchObject({ kind: 'access.granted' });
}, 120_000);

it('on a farm of two trainers, one of them killed midway, the network comes back all the same and is used', async () => {
  await using redis = await openRedis({ tls: true });
  writeFileSync(join(folder.path, 'redis-ca.pem'), redis.ca ?? '');
  const slow = workshopAt({ steps: 60, stepMs: 100 });
  writeFileSync(join(folder.path, 'door-card.json'), (await facelatch(['key', 'door', '--state', state()])).stdout);
  const first = await openTrainer('first', redis, slow);
  const second = await openTrainer('second', redis, slow);
  const { house } = await open(slow, {
    'retrain.where': 'farm',
    'farm.url': redis.url,
    'farm.caFile': join(folder.path, 'redis-ca.pem'),
    'farm.trainers': `${join(folder.path, 'first.json')},${join(folder.path, 'second.json')}`,
  });
  const before = house.reader.embedder.sha256;
  const started = jsonOf(await send('train.start'));
  expect(started.result.job).toMatchObject({ where: 'farm', state: 'queued' });
  // Whoever has the job saves, and is killed then.
  const saved = (trainer: Running) => trainer.said(/"kind":"checkpoint"/).then(() => trainer);
  const killed = await Promise.any([saved(first), saved(second)]);
  killed.child.kill('SIGKILL');
  const { stdout } = await killed.done;
  expect(stdout).not.toMatch(/"kind":"done"/);
  await until(house, 'training.ended');
  expect(journalled(house, 'training.ended')).toMatchObject([{ outcome: 'promoted' }]);
  const other = killed === first ? second : first;
  await other.said(/"kind":"taken","token":2,"from":\{"token":1\}/);
  expect(house.reader.embedder.sha256).not.toBe(before);
  expect(await visit(3)).toMatchObject({ kind: 'access.granted' });
  expect((await redis.client().keys('*')).filter((key) => key.includes(':chunk:'))).toEqual([]);
}, 240_000);

it('a worse network is refused, and the door stays as it was; one that passes and then decides otherwise is taken back by the door itself', async () => {
  const { house, stop } = await open(workshopAt({ kind: 'worse' }));
  const base = house.reader.embedder.sha256;
  await send('train.start');
  await until(house, 'training.ended');
  expect(journalled(house, 'training.ended')).toMatchObject([{ outcome: 'refused', detail: expect.stringMatching(/FNMR 100.00 %/) }]);
  const [{ bundle }] = journalled(house, 'model.refused') as unknown as [{ bundle: string }];
  expect([house.reader.embedder.sha256, journalled(house, 'model.promoted')]).toEqual([base, []]);
  // From afar nothing overrules the comparison.
  expect(jsonOf(await send('model.promote', `bundle=${bundle.slice(0, 12)}`)).result).toEqual({ measuring: bundle });
  await until(house, 'model.refused', 2);
  expect(journalled(house, 'model.refused')).toMatchObject([{ reason: 'worse' }, { bundle, reason: 'worse' }]);
  await stop();
  const again = await open(workshopAt({ kind: 'worse', compare: 'ok' }), { 'retrain.decisions': 5, 'retrain.maxDisagreement': 0.2 });
  await send('train.start');
  await until(again.house, 'model.promoted');
  expect(again.house.reader.embedder.sha256).not.toBe(base);
  for (const person of [3, 5]) expect(await visit(person)).toMatchObject({ kind: 'access.denied' });
  await until(again.house, 'model.rolled-back');
  expect(journalled(again.house, 'model.rolled-back')).toMatchObject([{ bundle: 'base', why: 'disagreement', by: 'the door' }]);
  expect(again.house.reader.embedder.sha256).toBe(base);
  expect(await visit(7)).toMatchObject({ kind: 'access.granted' });
}, 180_000);

it('a training goes on after its process was killed and after a restart of the door, from its checkpoint; what it learns from is what people confirmed', async () => {
  const trace = join(folder.path, 'trace');
  const steps = () => (existsSync(trace) ? readFileSync(trace, 'utf8').trim().split('\n').map(Number) : []);
  const what = workshopAt({ steps: 40, stepMs: 50, diesAt: 4, trace });
  const { house, stop } = await open(what, { 'retrain.keepGrantsDays': 7, 'retrain.keepUnknownsDays': 7 });
  const granted = await visit(3);
  const denied = await visit(12);
  const entries = house.journal.query({ kinds: ['access.granted', 'access.denied'] });
  expect([granted.kind, denied.kind]).toEqual(['access.granted', 'access.denied']);
  const right = jsonOf(await send('mark', `seq=${entries[0]?.seq}`, 'as=right'));
  const stranger = jsonOf(await send('mark', `seq=${entries[1]?.seq}`, 'as=stranger'));
  expect([right.result.pictures, stranger.result.pictures]).toEqual([1, expect.any(Number)]);
  await send('train.start');
  await expect.poll(() => steps().length, { timeout: 60_000, interval: 20 }).toBeGreaterThan(8);
  await stop();
  const before = steps().length;
  expect(before).toBeLessThan(40);
  const again = await open(what);
  await until(again.house, 'training.ended');
  expect(journalled(again.house, 'training.ended')).toMatchObject([{ outcome: 'promoted' }]);
  // A step that was under way when the process ended is the only one that was done twice.
  expect(new Set(steps())).toEqual(new Set(Array.from({ length: 40 }, (_, i) => i + 1)));
  expect(steps().length).toBeLessThanOrEqual(42);
  const [{ bundle }] = journalled(again.house, 'model.promoted') as unknown as [{ bundle: string }];
  const manifest = JSON.parse(readFileSync(join(state(), 'models', bundle, 'bundle.json'), 'utf8'));
  expect(manifest.data.strangers).toBeLessThanOrEqual(1);
  // Somebody at the machine itself goes back; the running door follows without a stop.
  const back = await facelatch(['models', 'rollback', '--state', state(), '--json']);
  expect(jsonOf(back)).toEqual({ to: 'base', from: bundle });
  await expect.poll(() => again.house.reader.embedder.version, { timeout: 20_000 }).toBe('1.0.0');
  expect(await visit(3)).toMatchObject({ kind: 'access.granted' });
}, 180_000);
