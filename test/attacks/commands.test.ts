/** Floods of commands, with and without a key, and a key that reaches for another key's enrolment: against a running daemon behind a real broker. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { addOperator, operatorsFile } from '../../src/adapters/vouched/operators.ts';
import { openLog } from '../../src/base/log.ts';
import { systemClock } from '../../src/base/time.ts';
import { newKey, openDoorKeys, publicKeyOf } from '../../src/command/keys.ts';
import { type NewOperator, operatorsIn } from '../../src/command/operators.ts';
import type { Role } from '../../src/command/port.ts';
import type { ReplyBody } from '../../src/command/reply.ts';
import { openSender } from '../../src/command/request.ts';
import type { Event } from '../../src/events.ts';
import { openCaller } from '../../src/mqtt/caller.ts';
import { topicsOf } from '../../src/mqtt/topics.ts';
import type { Config } from '../../src/settings/load.ts';
import { type House, wire } from '../../src/wire.ts';
import { temporaryFolder } from '../cli/facelatch.ts';
import { type FakeCamera, fakeCamera } from '../fakes/camera.ts';
import { doorConfig } from '../fakes/config.ts';
import { type Mosquitto, openMosquitto } from '../fakes/mosquitto.ts';
import { drawing, drawingReader } from '../fakes/reader.ts';

const topics = topicsOf('facelatch', 'front-door');
const ends: (() => Promise<unknown> | unknown)[] = [];
const events: Event[] = [];
let folder: ReturnType<typeof temporaryFolder>;
let broker: Mosquitto;
let house: House;
let camera: FakeCamera;
let stranger: MqttClient;

/** A running door with Ada enrolled. */
beforeEach(async () => {
  folder = temporaryFolder();
  ends.push(() => folder[Symbol.dispose]());
  broker = await openMosquitto();
  ends.push(() => broker[Symbol.asyncDispose]());
  const values = {
    ...{ 'state.folder': join(folder.path, 'state'), 'identity.policy': 'paper', 'face.idleFps': 0, 'access.cooldownMs': 0 },
    ...{ 'mqtt.enabled': true, 'mqtt.url': broker.url, 'mqtt.clockCheck': false },
  };
  const config = doorConfig(values);
  camera = fakeCamera();
  const reader = drawingReader();
  events.length = 0;
  house = await wire(config, openLog('silent'), { camera, reader, onEvent: (event) => events.push(event) });
  const { faces } = await reader.read(drawing({ face: 0 }));
  house.gallery.enrol({ name: 'Ada', pictures: [{ picture: drawing({ face: 0 }), template: faces[0]!.embedding!, source: 'test' }] });
  const end = new AbortController();
  const running = house.run(end.signal);
  ends.push(async () => {
    end.abort(new Error('the test is over'));
    await running;
    await house[Symbol.asyncDispose]();
  });
  await expect.poll(() => house.status.broker, { timeout: 15_000 }).toBe('connected');
  stranger = await connectAsync(broker.url, { protocolVersion: 5 });
  ends.push(() => stranger.endAsync(true));
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Somebody with a key of their own. `sign` makes a message; `ask` sends one and waits for the door's proved answer. */
async function operator(name: string, role: Role, add: (config: Config, operator: NewOperator) => Promise<unknown> = addOperator) {
  const state = join(folder.path, 'state');
  const key = await newKey('Ed25519');
  await add(house.config, { name, role, key: publicKeyOf(key, 'Ed25519'), addedAt: new Date().toISOString() });
  const { card } = await openDoorKeys(join(state, 'door-keys.json'), 'front-door');
  const sender = await openSender({ operator: key, door: card, clock: systemClock, lifeS: 30 });
  const caller = await openCaller({ broker: { url: broker.url }, door: 'front-door', signal: new AbortController().signal });
  ends.push(() => caller[Symbol.asyncDispose]());
  const sign = async (command: string, args: object = {}) => (await sender.request(command, args, caller.replyTopic)).payload;
  const ask = async (command: string, args: object = {}): Promise<ReplyBody | undefined> => {
    const request = await sender.request(command, args, caller.replyTopic);
    let body: ReplyBody | undefined;
    await caller.call(command, request.payload, 15_000, async (reply) => {
      const read = await request.read(reply);
      if (read.proved) body = read.body;
      return read.proved;
    });
    return body;
  };
  return { sign, ask };
}

let frame = 0;
/** Ada comes, and the relay moves once more than before. */
async function adaGetsIn(): Promise<void> {
  const pulses = () => events.filter(({ kind }) => kind === 'relay.pulsed').length;
  const before = pulses();
  const look = async () => {
    await camera.push(drawing({ face: 0, tag: `${++frame}` }));
    return pulses();
  };
  await expect.poll(look, { timeout: 15_000, interval: 5 }).toBeGreaterThan(before);
}

it('a flood without a key hears nothing and stops nobody: Ada gets in, and an operator disarms the door', async () => {
  const olga = await operator('olga', 'operator');
  const replies: ReplyBody[] = [];
  // What looks signed is answered with a signature.
  const bodyOf = (text: string) => Buffer.from(text.split('.')[1] ?? '', 'base64url').toString('utf8');
  stranger.on('message', (_topic, payload) => {
    const text = payload.toString('utf8');
    replies.push(JSON.parse(text.startsWith('{') ? text : bodyOf(text)));
  });
  await stranger.subscribeAsync(topics.reply('stranger'));
  const rubbish = `eyJ${'A'.repeat(40)}.${'B'.repeat(200)}.${'C'.repeat(86)}`;
  for (let n = 0; n < 150; n++)
    for (const [command, payload] of [
      ['model.list', '{}'],
      ['journal.query', '{"args":{"limit":200}}'],
      ['door.open', rubbish],
    ] as const)
      stranger.publish(topics.command(command), payload, { qos: 0, properties: { responseTopic: topics.reply('stranger') } });
  await adaGetsIn();
  expect(await olga.ask('disarm')).toMatchObject({ ok: true });
  expect(house.journal.query({ kinds: ['request.granted'] })).toHaveLength(1);
  expect(replies.filter(({ ok }) => ok)).toEqual([]);
  expect(replies.length).toBeLessThan(80);
});

it('a viewer who signs reads without end is answered a little, and neither Ada nor an admin notices', async () => {
  const [viewer, admin] = [await operator('viewer', 'viewer'), await operator('admin', 'admin')];
  expect(await viewer.ask('model.list')).toMatchObject({ ok: true, result: { models: expect.arrayContaining([expect.anything()]) } });
  expect(await viewer.ask('journal.query', { kinds: ['daemon.started'] })).toMatchObject({
    ok: true,
    result: { entries: [{ kind: 'daemon.started' }] },
  });
  for (let n = 0; n < 60; n++) {
    const command = n % 2 ? 'journal.query' : 'people.list';
    stranger.publish(topics.command(command), await viewer.sign(command), { qos: 0 });
  }
  await adaGetsIn();
  expect(await admin.ask('config.get', { path: 'relay' })).toMatchObject({ ok: true });
  expect(await admin.ask('people.disable', { person: 'Ada' })).toMatchObject({ ok: true });
});

it('a key cannot reach another key’s enrolment, and the journal says which key did what', async () => {
  const [olga, mallory] = [await operator('olga', 'admin'), await operator('mallory', 'admin')];
  const started = await olga.ask('enrol.start', { name: 'Grace' });
  const { session = '' } = (started?.result ?? {}) as { session?: string };
  const picture = Buffer.from(drawing({ face: 120, tag: 'mallory' })).toString('base64');
  for (const [command, args] of [
    ['enrol.status', { session }],
    ['enrol.add', { session, picture }],
    ['enrol.add', { session, picture, part: { upload: 'u', index: 1, of: 2 } }],
    ['enrol.take', { session }],
    ['enrol.commit', { session }],
    ['enrol.abort', { session }],
  ] as const)
    expect((await mallory.ask(command, args))?.error, command).toMatchObject({ code: 'refused', reason: 'no-such-session' });
  expect(await olga.ask('enrol.status', { session })).toMatchObject({ ok: true, result: { state: 'collecting', pictures: 0 } });
  expect(await olga.ask('enrol.abort', { session })).toMatchObject({ ok: true });
  const steps = house.journal.query({ kinds: ['enrolment.stepped'] }).map(({ event }) => event);
  expect(steps).toMatchObject([
    { step: 'started', by: 'olga' },
    { step: 'aborted', by: 'olga' },
  ]);
  expect(house.gallery.list().map(({ name }) => name)).toEqual(['Ada']);
});

it('whoever can write the list of operators commands nothing: neither with a key of their own nor as more than they are', async () => {
  const viewer = await operator('vera', 'viewer');
  expect(await viewer.ask('people.list')).toMatchObject({ ok: true });
  const intruder = await operator('mallory', 'admin', (config, added) => operatorsIn(operatorsFile(config)).add(added));
  expect((await intruder.ask('door.open'))?.error).toMatchObject({
    code: 'unknown-key',
    message: expect.stringContaining('did not write it'),
  });
  await expect.poll(() => events).toContainEqual(expect.objectContaining({ kind: 'key.refused', name: 'mallory', role: 'admin' }));
  const file = operatorsFile(house.config);
  writeFileSync(file, readFileSync(file, 'utf8').replace('"viewer"', '"admin"'));
  expect((await viewer.ask('door.open'))?.error).toMatchObject({ code: 'unknown-key' });
  await expect.poll(() => events).toContainEqual(expect.objectContaining({ kind: 'key.refused', name: 'vera', role: 'admin' }));
  writeFileSync(file, readFileSync(file, 'utf8').replace('"admin"', '"viewer"'));
  expect(await viewer.ask('people.list')).toMatchObject({ ok: true });
  expect(events.filter(({ kind }) => kind === 'key.refused')).toHaveLength(2);
  expect(events.some(({ kind }) => kind === 'relay.pulsed')).toBe(false);
});
