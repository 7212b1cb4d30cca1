/** A running house is used and misused; no name, no file name and no password is then in its log or in what it sent to the broker. */

import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { doorKeysOf } from '../../src/adapters/command.ts';
import { addOperator } from '../../src/adapters/vouched/operators.ts';
import { Fault } from '../../src/base/errors.ts';
import { openLog } from '../../src/base/log.ts';
import { systemClock } from '../../src/base/time.ts';
import { newKey, publicKeyOf } from '../../src/command/keys.ts';
import { openSender } from '../../src/command/request.ts';
import type { Event } from '../../src/events.ts';
import { topicsOf } from '../../src/mqtt/topics.ts';
import { wire } from '../../src/wire.ts';
import { temporaryFolder } from '../cli/facelatch.ts';
import { fakeCamera } from '../fakes/camera.ts';
import { doorConfig } from '../fakes/config.ts';
import { openMosquitto } from '../fakes/mosquitto.ts';
import { drawing, drawingReader } from '../fakes/reader.ts';
import { fakeRelay } from '../fakes/relay.ts';

const secrets = ['Zacharias', 'Quillfeather', 'Wilhelmina', 'Pumpernickel', 'holiday', 'passport', 'hunter2'];
const told = (text: string): string[] => secrets.filter((secret) => text.toLowerCase().includes(secret.toLowerCase()));

it('nothing that names somebody leaves the door, nor reaches its log', async () => {
  using folder = temporaryFolder();
  await using broker = await openMosquitto();
  const wireTap: string[] = [];
  const log: string[] = [];
  const client = await connectAsync(broker.url, { protocolVersion: 5 });
  const events: Event[] = [];
  const values = {
    ...{ 'state.folder': join(folder.path, 'state'), 'identity.policy': 'paper', 'face.idleFps': 0, 'access.denyAfterMs': 500 },
    ...{ 'mqtt.enabled': true, 'mqtt.url': broker.url, 'mqtt.user': 'door', 'mqtt.password': 'hunter2-broker', 'mqtt.clockCheck': false },
    ...{ 'mqtt.homeAssistant.enabled': true, 'camera.retryMinMs': 100, 'camera.retryMaxMs': 100 },
  };
  const config = doorConfig(values);
  const topics = topicsOf(config.mqtt.prefix, config.door.id);
  const [camera, relay, key] = [fakeCamera(), fakeRelay(), await newKey('Ed25519')];
  const listens = new Promise<void>((resolve) => client.on('message', (topic) => topic === topics.selfTest && resolve()));
  const answers = new Map<string, (payload: Buffer) => void>();
  client.on('message', (topic, payload) => {
    wireTap.push(`${topic} ${payload.toString('latin1')}`);
    answers.get(topic)?.(payload);
  });
  await client.subscribeAsync('#', { qos: 1 });
  await using house = await wire(config, openLog('trace', { write: (line) => void log.push(line) }), {
    ...{ camera, relay, reader: drawingReader(), onEvent: (event: Event) => void events.push(event) },
  });
  const added = { name: 'olga', role: 'admin', key: publicKeyOf(key, 'Ed25519'), addedAt: '2026-01-01T00:00:00.000Z' } as const;
  await addOperator(config, added);
  const stored = { picture: Buffer.from('picture'), template: Float32Array.of(1, 0), source: 'zacharias-holiday.jpg' };
  const zacharias = house.gallery.enrol({ name: 'Zacharias Quillfeather', pictures: [stored] });
  const sender = await openSender({ operator: key, door: (await doorKeysOf(config)).card, clock: systemClock, lifeS: 30 });
  const end = new AbortController();
  const running = house.run(end.signal);
  await listens;

  const send = async (name: string, args: object = {}) => {
    const request = await sender.request(name, args);
    const responseTopic = topics.reply(randomUUID());
    const answered = new Promise<Buffer>((resolve) => answers.set(responseTopic, resolve));
    await client.publishAsync(topics.command(name), request.payload, { qos: 1, properties: { responseTopic } });
    const read = await request.read(await answered);
    if (!read.proved) throw new Error('the answer is not proved');
    return read.body;
  };
  const seen = (kind: Event['kind']) =>
    expect.poll(() => events.some((event) => event.kind === kind), { timeout: 5000, interval: 5 }).toBe(true);
  let frame = 0;
  const show = async (face: number, kind: Event['kind']) => {
    events.length = 0;
    const more = setInterval(() => void camera.push(drawing({ face, tag: `${frame++}` })), 20);
    await seen(kind).finally(() => clearInterval(more));
  };

  await show(0, 'access.granted');
  await show(180, 'access.denied');
  relay.failWith = new Fault('relay-failed', 'The relay of Zacharias failed', undefined, 'The relay failed');
  await send('door.open');
  delete relay.failWith;
  const picture = (
    await sharp({ create: { width: 64, height: 64, channels: 3, background: '#a87' } })
      .jpeg()
      .toBuffer()
  ).toString('base64');
  const { session } = (await send('enrol.start', { name: 'Wilhelmina Pumpernickel' })).result as { session: string };
  for (const args of [{ picture }, { picture: 'AAAA' }]) await send('enrol.add', { session, ...args, source: 'wilhelmina-passport.jpg' });
  await send('enrol.commit', { session });
  await send('enrol.abort', { session });
  for (const [name, args] of [
    ['people.list', {}],
    ['people.get', { person: 'Zacharias Quillfeather' }],
    ['people.picture.remove', { person: 'Zacharias Quillfeather', picture: 'ffffffff' }],
    [
      'people.picture.remove',
      {
        person: zacharias.id,
        picture: ((await send('people.pictures', { person: zacharias.id })).result as { pictures: { id: string }[] }).pictures[0]!.id,
      },
    ],
    ['people.rename', { person: 'Zacharias Quillfeather', name: 'Wilhelmina\u202ePumpernickel' }],
    ['people.rename', { person: 'Zacharias Quillfeather', name: 'Wilhelmina Pumpernickel' }],
    ['people.disable', { person: 'Wilhelmina Pumpernickel' }],
    ['door.left', { person: 'Wilhelmina Pumpernickel' }],
    ['people.remove', { person: 'Wilhelmina Pumpernickel' }],
    ['people.remove', { person: 'Wilhelmina Pumpernickel' }],
  ] as const)
    await send(name, args);
  events.length = 0;
  camera.fail(new Fault('camera-missing', 'There are no pictures in /home/quillfeather', undefined, 'There are no pictures'));
  await seen('camera.failed');
  end.abort(new Error('the test is over'));
  await running;
  await client.endAsync();

  expect(wireTap.length).toBeGreaterThan(30);
  expect(log.length).toBeGreaterThan(10);
  expect(wireTap.filter((message) => message.includes('/enrolment/')).join()).toContain('not-a-picture');
  expect(wireTap.filter((message) => told(message).length > 0)).toEqual([]);
  expect(log.filter((line) => told(line).length > 0)).toEqual([]);
}, 60_000);
