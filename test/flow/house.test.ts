/** The whole house, wired as the program wires it: only the camera is a fake whose frames the test pushes. */

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import mqtt from 'mqtt';
import sharp from 'sharp';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { galleryOf, readerOf } from '../../src/adapters/basics.ts';
import { vaultOf } from '../../src/adapters/vault.ts';
import { Fault } from '../../src/base/errors.ts';
import { openLog } from '../../src/base/log.ts';
import { systemClock } from '../../src/base/time.ts';
import type { Event } from '../../src/events.ts';
import type { FaceReader } from '../../src/face/port.ts';
import { openBroker } from '../../src/mqtt/broker.ts';
import { dryRelay } from '../../src/relay/dry.ts';
import { wire } from '../../src/wire.ts';
import { type FakeCamera, fakeCamera } from '../fakes/camera.ts';
import { doorConfig } from '../fakes/config.ts';
import { freePort, openMosquitto } from '../fakes/mosquitto.ts';

const people = new URL('../../config/demo-people/', import.meta.url).pathname;
const shot = (name: string) => readFileSync(`${people}${name}.jpg`);
/** The same picture with other bytes, as a camera would give it: what stands behind the end of a JPEG is not decoded. */
const frames = (picture: Buffer, count: number) =>
  Array.from({ length: count }, (_, i) => Buffer.concat([picture, Buffer.from(`frame ${i}`)]));

/** The networks of the program, opened once; no house that is given them closes them. */
let shared: FaceReader;
let template: Float32Array;
beforeAll(async () => {
  const opened = await readerOf(doorConfig());
  shared = { ...opened, [Symbol.asyncDispose]: async () => undefined };
  template = await embedded(shot('p01-neutral'));
  return () => opened[Symbol.asyncDispose]();
});
const embedded = async (picture: Buffer) => (await shared.read(picture)).faces[0]?.embedding as Float32Array;

let folder: string;
let camera: FakeCamera;
let events: Event[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-flow-'));
  camera = fakeCamera();
  events = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const configOf = (settings: Readonly<Record<string, unknown>> = {}) =>
  doorConfig({
    'state.folder': join(folder, 'state'),
    'camera.retryMinMs': 50,
    'face.idleFps': 0,
    'relay.pulseMs': 100,
    'access.absenceMs': 300,
    'access.maxFrameAgeMs': 5000,
    'access.windowMs': 5000,
    ...settings,
  });

/** A running house with p01 enrolled; `stop` ends it and gives back what was journalled. `reader: undefined`: it opens its own, as the program does. */
async function open(
  settings?: Readonly<Record<string, unknown>>,
  { reader }: { readonly reader: FaceReader | undefined } = { reader: shared },
) {
  const config = configOf(settings);
  const relay = dryRelay({ clock: systemClock, ...config.relay });
  const onEvent = (event: Event) => events.push(event);
  const house = await wire(config, openLog('silent'), { camera, relay, onEvent, ...(reader && { reader }) });
  house.gallery.enrol({ name: 'p01', pictures: [{ picture: shot('p01-neutral'), template, source: 'test' }] });
  const end = new AbortController();
  const running = house.run(end.signal);
  const stop = async () => {
    end.abort(new Error('the test is over'));
    await running;
    const entries = house.journal.query({});
    const verdict = house.journal.verify();
    await house[Symbol.asyncDispose]();
    expect(verdict.ok).toBe(true);
    return entries.map((entry) => entry.event);
  };
  return { house, relay, stop };
}

async function show(picture: Buffer, count = 6) {
  for (const frame of frames(picture, count)) await camera.push(frame);
}

const seen = (kind: Event['kind']) => expect.poll(() => events.some((e) => e.kind === kind), { timeout: 15_000, interval: 20 }).toBe(true);

describe('a visit', () => {
  it('of an enrolled person opens the door once: intent, pulse, outcome', async () => {
    const { relay, stop } = await open({}, { reader: undefined });
    await show(shot('p01-smiling'));
    await seen('relay.pulsed');
    const journalled = await stop();
    expect(journalled.map((e) => e.kind)).toEqual(['daemon.started', 'access.granted', 'relay.pulsed', 'daemon.stopped']);
    expect(relay.edges.map((e) => e.level)).toEqual(['active', 'safe']);
  });

  it('of a stranger leaves it shut and says why', async () => {
    const { relay, stop } = await open();
    await show(shot('p02-smiling'));
    await seen('access.denied');
    expect(await stop()).toContainEqual(expect.objectContaining({ kind: 'access.denied', reason: 'unknown' }));
    expect(relay.edges).toEqual([]);
  });

  it('of an enrolled person beside a stranger leaves it shut', async () => {
    const both = await sharp({ create: { width: 1200, height: 600, channels: 3, background: 'white' } })
      .composite([
        { input: shot('p01-smiling'), left: 0, top: 0 },
        { input: shot('p02-smiling'), left: 600, top: 0 },
      ])
      .jpeg()
      .toBuffer();
    const { relay, stop } = await open();
    await show(both);
    await seen('access.denied');
    expect(await stop()).toContainEqual(expect.objectContaining({ kind: 'access.denied', reason: 'ambiguous' }));
    expect(relay.edges).toEqual([]);
  });

  it('of somebody in the dark leaves it shut, for want of light', async () => {
    const { stop } = await open();
    await show(await sharp(shot('p01-smiling')).linear(0.045, 0).jpeg().toBuffer());
    await seen('access.denied');
    expect(await stop()).toContainEqual(expect.objectContaining({ kind: 'access.denied', reason: 'too-dark' }));
  });

  it('that is one frozen picture, however often it comes, leaves it shut', async () => {
    const { relay, stop } = await open();
    const picture = shot('p01-smiling');
    for (let i = 0; i < 6; i++) await camera.push(picture);
    await stop();
    expect(relay.edges).toEqual([]);
  });

  it('while disarmed leaves it shut', async () => {
    const { relay, stop } = await open({ 'access.armed': false });
    await show(shot('p01-smiling'));
    await seen('access.denied');
    expect(await stop()).toContainEqual(expect.objectContaining({ kind: 'access.denied', reason: 'disarmed' }));
    expect(relay.edges).toEqual([]);
  });
});

describe('trouble', () => {
  it('a camera that fails is journalled, opened again, and the door works as before', async () => {
    const { stop } = await open();
    camera.fail(new Fault('camera-ended', 'unplugged'));
    await seen('camera.failed');
    await show(shot('p01-smiling'));
    await seen('relay.pulsed');
    const kinds = (await stop()).map((e) => e.kind);
    expect(kinds).toEqual(['daemon.started', 'camera.failed', 'camera.restored', 'access.granted', 'relay.pulsed', 'daemon.stopped']);
    expect(camera.openings).toBe(2);
  });

  it('a camera that stays away is journalled once for each reason', async () => {
    const { stop } = await open({ 'camera.retryMaxMs': 100 });
    for (let i = 0; i < 3; i++) camera.fail(new Fault('camera-missing', 'not there'));
    camera.fail(new Fault('camera-ended', 'gone again'));
    await expect.poll(() => camera.openings, { timeout: 10_000 }).toBeGreaterThanOrEqual(5);
    const failures = (await stop()).flatMap((e) => (e.kind === 'camera.failed' ? [e.code] : []));
    expect(failures).toEqual(['camera-missing', 'camera-ended']);
  });

  it('unreadable frames between good ones are passed over', async () => {
    const { stop } = await open();
    for (const frame of frames(shot('p01-smiling'), 4)) {
      await camera.push(Buffer.from(`rubbish ${Math.random()}`));
      await camera.push(frame);
    }
    await seen('relay.pulsed');
    await stop();
  });

  it('a person enrolled by another process is known within a second', async () => {
    const { house, stop } = await open({}, { reader: undefined });
    await show(shot('p03-smiling'), 3);
    using vault = vaultOf(house.config);
    using other = galleryOf(house.config, house.reader.embedder, vault);
    const picture = shot('p03-neutral');
    other.enrol({ name: 'p03', pictures: [{ picture, template: await embedded(picture), source: 'test' }] });
    await expect.poll(() => house.gallery.templates, { timeout: 5000 }).toBe(2);
    await show(await sharp(shot('p03-smiling')).jpeg({ quality: 91 }).toBuffer());
    await seen('access.granted');
    await stop();
  });

  it('a gallery that another program is writing to does not end the daemon, nor forget anyone', async () => {
    const { house, stop } = await open();
    const other = new DatabaseSync(join(house.config.state.folder, 'people.sqlite'));
    other.exec('BEGIN IMMEDIATE');
    await show(shot('p01-smiling'));
    await seen('relay.pulsed');
    other.close();
    await stop();
  });

  it('a second daemon on the same state folder is refused, and the first goes on', async () => {
    const { stop } = await open();
    await expect(wire(configOf(), openLog('silent'), { camera: fakeCamera() })).rejects.toMatchObject({ code: 'state-locked' });
    await show(shot('p01-smiling'));
    await seen('relay.pulsed');
    await stop();
  });
});

describe('the broker', () => {
  it('that is down does not keep the door shut, and hears everything when it comes', async () => {
    const port = await freePort();
    const { stop } = await open({ 'mqtt.enabled': true, 'mqtt.url': `mqtt://127.0.0.1:${port}` });
    await show(shot('p01-smiling'));
    await seen('relay.pulsed');
    await stop();
    await using broker = await openMosquitto();
    const client = await mqtt.connectAsync(broker.url);
    const heard: { topic: string; seq?: number }[] = [];
    client.on('message', (topic, payload) => heard.push({ topic, ...JSON.parse(payload.toString()) }));
    await client.subscribeAsync('facelatch/#', { qos: 1 });
    camera = fakeCamera();
    const again = await open({ 'mqtt.enabled': true, 'mqtt.url': broker.url });
    await expect.poll(() => heard.filter((m) => m.topic.includes('/event/')).length, { timeout: 10_000 }).toBeGreaterThanOrEqual(5);
    await again.stop();
    await expect.poll(() => heard.filter((m) => m.topic.endsWith('/event/daemon/stopped')).length, { timeout: 5000 }).toBe(2);
    await client.endAsync();
    const published = heard.filter((m) => m.topic.includes('/event/'));
    expect(published.map((m) => m.seq)).toEqual(published.map((_, i) => i + 1));
    expect(published.map((m) => m.topic)).toContain('facelatch/front-door/event/access/granted');
    expect(heard.filter((m) => m.topic === 'facelatch/front-door/status').at(-1)).toMatchObject({ status: 'offline' });
  });

  it('embedded: a port that is taken is one clear error and leaves nothing locked', async () => {
    const port = await freePort();
    await using _taken = await openBroker({ port });
    const settings = { 'mqtt.enabled': true, 'mqtt.embedded': true, 'mqtt.embeddedPort': port };
    await expect(wire(configOf(settings), openLog('silent'), { camera, reader: shared })).rejects.toMatchObject({
      code: 'bad-config',
      message: expect.stringContaining('mqtt.embeddedPort'),
    });
    const { stop } = await open();
    await stop();
    expect(existsSync(join(folder, 'state'))).toBe(true);
  });
});
