/** Enrolment from afar, whole: an operator's own process, a real broker, the running door with its networks; then the face opens the door. */

import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openLog } from '../../src/base/log.ts';
import { newKey, publicKeyOf } from '../../src/command/keys.ts';
import { operatorsIn } from '../../src/command/operators.ts';
import type { Event } from '../../src/events.ts';
import { type House, wire } from '../../src/wire.ts';
import { demoPicture, facelatch, jsonOf, root, temporaryFolder } from '../cli/facelatch.ts';
import { doorConfig } from '../fakes/config.ts';
import { type Mosquitto, openMosquitto } from '../fakes/mosquitto.ts';

let folder: ReturnType<typeof temporaryFolder>;
let broker: Mosquitto;
let client: MqttClient;
let events: Event[];
const ends: (() => Promise<void>)[] = [];

beforeEach(async () => {
  folder = temporaryFolder();
  broker = await openMosquitto();
  client = await connectAsync(broker.url, { protocolVersion: 5 });
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
const send = (...args: string[]) =>
  facelatch(['send', 'front-door', ...args, '--key', keyFile(), '--broker', broker.url, '--state', state()]);

/** An unsigned command and its answer, where the door takes such. */
async function ask(name: string, args: object) {
  const id = randomUUID();
  const responseTopic = `facelatch/front-door/reply/${id}`;
  const answered = new Promise<Buffer>((resolve) => client.on('message', (topic, payload) => topic === responseTopic && resolve(payload)));
  const payload = JSON.stringify({ id, args });
  await client.publishAsync(`facelatch/front-door/cmd/${name.replace('.', '/')}`, payload, { qos: 1, properties: { responseTopic } });
  return JSON.parse((await answered).toString('utf8'));
}

/** What the camera replays, again and again: these pictures for a second each, then nobody. Each frame has other bytes (what follows the end of a JPEG is not decoded). */
async function frames(...pictures: readonly string[]): Promise<string> {
  const to = join(folder.path, 'visit');
  mkdirSync(to);
  for (const [n, picture] of [...pictures.map((file) => readFileSync(file)), await wall()].entries())
    for (let i = 0; i < 10; i++) writeFileSync(join(to, `${n}-${i}.jpg`), Buffer.concat([picture, Buffer.from(`${i}`)]));
  return to;
}

const wall = () =>
  sharp({ create: { width: 200, height: 200, channels: 3, background: '#a88' } })
    .jpeg()
    .toBuffer();

/** A running door whose camera replays `from`, and an operator with a key for it. */
async function open(from: string, settings: Readonly<Record<string, unknown>> = {}): Promise<House> {
  const key = await newKey('Ed25519');
  writeFileSync(keyFile(), JSON.stringify(key), { mode: 0o600 });
  mkdirSync(state(), { mode: 0o700 });
  const olga = { name: 'olga', role: 'admin', key: publicKeyOf(key, 'Ed25519'), addedAt: '2026-01-01T00:00:00.000Z' } as const;
  await operatorsIn(join(state(), 'operators.json')).add(olga);
  const values = {
    'state.folder': state(),
    'camera.source': 'replay',
    'camera.replay.from': from,
    'camera.replay.loop': true,
    'camera.fps': 10,
    'face.idleFps': 0,
    'relay.pulseMs': 100,
    'access.maxFrameAgeMs': 5000,
    'access.windowMs': 5000,
    'access.denyAfterMs': 500,
    'access.cooldownMs': 0,
    'mqtt.enabled': true,
    'mqtt.url': broker.url,
    'mqtt.clockCheck': false,
    ...settings,
  };
  const config = doorConfig(values);
  // Its message to itself says that the door listens.
  const listens = new Promise<void>((resolve) => client.on('message', (topic) => topic.endsWith('/cmd/self-test') && resolve()));
  await client.subscribeAsync('facelatch/front-door/#', { qos: 1 });
  const house = await wire(config, openLog('silent'), { onEvent: (event) => events.push(event) });
  const end = new AbortController();
  const running = house.run(end.signal);
  ends.push(async () => {
    end.abort(new Error('the test is over'));
    await running;
    await house[Symbol.asyncDispose]();
  });
  await listens;
  return house;
}

const seen = (kind: Event['kind']) => expect.poll(() => events.some((e) => e.kind === kind), { timeout: 20_000, interval: 20 }).toBe(true);

it("the door's own camera enrols whoever stands before it, and publishes its prompts; who was removed is a stranger, and let in when an operator has sent their pictures from another process", async () => {
  const told: { state: string; prompt?: string }[] = [];
  client.on('message', (topic, payload) => /(?<!event)\/enrolment\//.test(topic) && told.push(JSON.parse(payload.toString())));
  const house = await open(await frames(demoPicture(4, 'neutral'), demoPicture(4, 'smiling')), {
    'enrolment.intervalMs': 200,
    'access.absenceMs': 300,
    'mqtt.allowUnsigned': ['enrol.start', 'enrol.take', 'enrol.commit'],
  });
  await expect.poll(() => house.status.camera, { timeout: 20_000 }).toBe('running');
  const { result } = await ask('enrol.start', { name: 'Alan' });
  expect(await ask('enrol.take', { session: result.session, count: 3 })).toMatchObject({ ok: true });
  await expect.poll(() => told.at(-1), { timeout: 50_000 }).toMatchObject({ state: 'collecting', pictures: 3 });
  expect(new Set(told.flatMap(({ prompt }) => prompt ?? [])).size).toBe(3);
  expect(JSON.stringify(told)).not.toContain('Alan');
  events.length = 0;
  expect(await ask('enrol.commit', { session: result.session })).toMatchObject({ ok: true, result: { pictures: 3 } });
  await seen('relay.pulsed');
  const [alan] = house.gallery.list();
  expect(alan).toMatchObject({ name: 'Alan', pictures: 3 });

  house.roster.remove(alan?.id ?? '');
  events.length = 0;
  await seen('access.denied');
  const noFace = join(folder.path, 'wall.jpg');
  writeFileSync(noFace, await wall());
  const run = await send('enrol', 'Grace', demoPicture(4, 'neutral'), noFace, demoPicture(4, 'neutral'), '--json');
  const { personId, pictures } = jsonOf(run);
  expect(pictures).toMatchObject([
    { accepted: true },
    { accepted: false, reasons: ['no-face'] },
    { accepted: false, reasons: ['repeated'] },
  ]);
  expect(run.code).toBe(0);
  events.length = 0;
  await seen('relay.pulsed');
  expect(events).toContainEqual(expect.objectContaining({ kind: 'access.granted', personId }));
  expect(house.journal.query({ kinds: ['person.enrolled'] }).map(({ event }) => event)).toContainEqual({
    ...{ kind: 'person.enrolled', personId, pictures: 1, by: 'olga' },
  });
}, 90_000);

const london = join(root, '..', 'shared', 'data', 'london');
it('a real person of the London set is enrolled from afar and let in', async ({ skip }) => {
  if (!existsSync(london)) skip('there is no ../shared/data/london here');
  const first = (kind: string) => {
    const name =
      readdirSync(join(london, kind))
        .filter((file) => file.endsWith('.jpg'))
        .toSorted()[0] ?? '';
    return join(london, kind, name);
  };
  const house = await open(await frames(first('smiling_front')));
  await seen('access.denied');
  expect(await send('enrol', 'London', first('neutral_front'))).toMatchObject({ code: 0 });
  await seen('relay.pulsed');
  expect(house.gallery.list()).toMatchObject([{ name: 'London', pictures: 1 }]);
}, 60_000);
