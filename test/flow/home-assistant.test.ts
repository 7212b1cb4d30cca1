/** Home Assistant and the running house, over a real broker: what it shows, when it shows nothing, what it may ask for, and that it forgets the door. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openLog } from '../../src/base/log.ts';
import { systemClock } from '../../src/base/time.ts';
import type { Event } from '../../src/events.ts';
import type { FaceReader } from '../../src/face/port.ts';
import { dryRelay } from '../../src/relay/dry.ts';
import type { InputChange, Inputs, Relay } from '../../src/relay/port.ts';
import { wire } from '../../src/wire.ts';
import { facelatch, temporaryFolder } from '../cli/facelatch.ts';
import { type FakeCamera, fakeCamera } from '../fakes/camera.ts';
import { doorConfig } from '../fakes/config.ts';
import { type HomeAssistant, openHomeAssistant } from '../fakes/home-assistant.ts';
import { type Mosquitto, openMosquitto } from '../fakes/mosquitto.ts';
import { type Drawing, drawing, drawingReader } from '../fakes/reader.ts';
import { fieldProblems } from '../mqtt/home-assistant-fields.ts';

let folder: ReturnType<typeof temporaryFolder>;
let broker: Mosquitto;
let home: HomeAssistant;
let camera: FakeCamera;
let events: Event[];
const ends: (() => Promise<void>)[] = [];

beforeEach(async () => {
  folder = temporaryFolder();
  broker = await openMosquitto();
  home = await openHomeAssistant(broker.url);
  camera = fakeCamera();
  events = [];
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  await home[Symbol.asyncDispose]();
  await broker[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

/** Real pictures, behind whose end stands what the reader of drawings reads. */
let photograph: Buffer;
const endOfPicture = Buffer.from('\n--\n');
async function shown(of: Drawing): Promise<Buffer> {
  photograph ??= await sharp({ create: { width: 960, height: 720, channels: 3, background: '#a87' } })
    .jpeg()
    .toBuffer();
  return Buffer.concat([photograph, endOfPicture, drawing(of)]);
}
function photographReader(): FaceReader {
  const reader = drawingReader();
  return {
    ...reader,
    read: (picture, options) => reader.read(picture.subarray(Buffer.from(picture).lastIndexOf(endOfPicture) + 4), options),
  };
}

/** Inputs whose levels a test sets. */
type Level = Omit<InputChange, 'atMs'>;
function testInputs(first: readonly Level[]): Inputs & { set(level: Level): void; fail(): void } {
  const now = (level: Level): InputChange => ({ ...level, atMs: systemClock.now() });
  let bell = Promise.withResolvers<InputChange>();
  return {
    label: 'test inputs',
    set: (level) => bell.resolve(now(level)),
    fail: () => bell.reject(new Error('the chip is gone')),
    changes: async function* (signal) {
      yield* first.map(now);
      signal.addEventListener('abort', () => bell.reject(signal.reason));
      for (;;) {
        try {
          yield await bell.promise;
        } catch (error) {
          if (signal.aborted) return;
          throw error;
        } finally {
          bell = Promise.withResolvers();
          bell.promise.catch(() => undefined);
        }
      }
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

interface Parts {
  readonly relay?: Relay;
  readonly inputs?: Inputs;
}

/** A running house with Ada, who is told to Home Assistant. */
async function open(settings: Readonly<Record<string, unknown>> = {}, parts: Parts = {}) {
  const values = {
    'state.folder': join(folder.path, 'state'),
    'identity.policy': 'paper',
    'face.idleFps': 0,
    'relay.pulseMs': 300,
    'access.denyAfterMs': 500,
    'access.absenceMs': 2000,
    'mqtt.enabled': true,
    'mqtt.url': broker.url,
    'mqtt.homeAssistant.enabled': true,
    ...settings,
  };
  const config = doorConfig(values);
  const relay = parts.relay ?? dryRelay({ clock: systemClock, ...config.relay });
  const reader = photographReader();
  const onEvent = (event: Event) => void events.push(event);
  const house = await wire(config, openLog('silent'), { camera, reader, relay, onEvent, ...(parts.inputs && { inputs: parts.inputs }) });
  const picture = await shown({ face: 0 });
  const { faces } = await reader.read(picture);
  const [ada] = house.gallery.list();
  const person =
    ada ?? house.gallery.enrol({ name: 'Ada', pictures: [{ picture, template: faces[0]?.embedding as Float32Array, source: 'test' }] });
  const end = new AbortController();
  const running = house.run(end.signal);
  let ended = false;
  const stop = async () => {
    if (ended) return;
    ended = true;
    end.abort(new Error('the test is over'));
    await running;
    await house[Symbol.asyncDispose]();
  };
  ends.push(stop);
  return { house, relay, person, stop };
}

const becomes = (id: string, state: string) => expect.poll(() => home.state(id), { timeout: 15_000, interval: 10 }).toBe(state);
const happened = (kind: Event['kind']) =>
  expect.poll(() => events.some((e) => e.kind === kind), { timeout: 15_000, interval: 10 }).toBe(true);
let frame = 0;
/** Stands before the camera until that has happened. */
async function stand(of: Drawing, kind: Event['kind']) {
  await expect
    .poll(
      async () => {
        await camera.push(await shown({ ...of, tag: `${++frame}` }));
        return events.some((event) => event.kind === kind);
      },
      { timeout: 15_000, interval: 20 },
    )
    .toBe(true);
}

it('sees the door come, people let in and denied, and the door go; no picture and no name leave it', async () => {
  expect(home.state('lock')).toBe('unavailable');
  const { person, stop } = await open();
  await becomes('lock', 'locked');
  await becomes('armed', 'on');
  await becomes('camera', 'off');
  await becomes('model', 'off');
  expect(fieldProblems({ topic: home.discoveryTopic as string, payload: JSON.stringify(home.discovery) })).toEqual([]);

  await stand({ face: 180 }, 'access.denied');
  await expect.poll(() => home.fired.at(-1), { timeout: 5000 }).toMatchObject({ event_type: 'denied', reason: 'unknown' });
  expect(home.state('person')).toBe('unknown');

  await stand({ face: 0 }, 'relay.pulsed');
  await becomes('person', person.id);
  await expect.poll(() => home.fired.at(-1), { timeout: 5000 }).toMatchObject({ event_type: 'granted', person: person.id });
  await expect.poll(() => home.state('likeness')).toBe('at-or-above');
  await expect.poll(() => Number(home.state('latency'))).toBeGreaterThanOrEqual(0);
  await expect.poll(() => home.history('lock'), { timeout: 5000 }).toEqual(['locked', 'unlocked', 'locked']);

  await stop();
  await becomes('lock', 'unavailable');
  expect(home.image).toBeUndefined();
  // Who comes later finds nobody's coming and going with the broker.
  await using late = await openHomeAssistant(broker.url);
  await expect.poll(() => late.heard.length, { timeout: 5000 }).toBeGreaterThan(3);
  expect(late.heard.filter(({ topic }) => topic.includes('home-assistant'))).toEqual([]);
  expect(late.state('lock')).toBe('unavailable');
});

it('shows a name and a small picture only where the owner says so, and neither is retained', async () => {
  await open({ 'mqtt.homeAssistant.person': 'name', 'mqtt.homeAssistant.image': true });
  await becomes('lock', 'locked');
  await stand({ face: 0 }, 'relay.pulsed');
  await becomes('person', 'Ada');
  await expect.poll(() => home.image?.length ?? 0, { timeout: 10_000 }).toBeGreaterThan(100);
  expect(await sharp(home.image).metadata()).toMatchObject({ format: 'jpeg', width: 480, height: 360 });
  expect(home.heard.filter(({ topic }) => topic.includes('/home-assistant/')).every(({ retain }) => !retain)).toBe(true);
});

it('can only look, unless the owner names what it may: then it opens, locks, arms and disarms', async () => {
  const { stop } = await open();
  await becomes('lock', 'locked');
  await home.press('lock', 'payload_unlock');
  await home.press('armed', 'payload_off');
  expect(home.discovery?.components.open).toEqual({ platform: 'button' });
  // Behind both in the same queue.
  await stand({ face: 0 }, 'relay.pulsed');
  expect(events.filter(({ kind }) => kind.startsWith('request.'))).toEqual([]);
  expect(home.state('armed')).toBe('on');
  await stop();

  events.length = 0;
  const allowed = ['door.open', 'door.release', 'arm', 'disarm', 'lockout.reset'];
  await open({ 'mqtt.allowUnsigned': allowed });
  await becomes('lock', 'locked');
  await expect.poll(() => home.discovery?.components.open?.payload_press).toBe('door.open');
  // The door listens when it hears itself.
  const client = await connectAsync(broker.url, { protocolVersion: 5 });
  ends.push(async () => void (await client.endAsync(true)));
  const ask = async (press: Parameters<HomeAssistant['press']>, kind: Event['kind'], what: string) => {
    await expect
      .poll(
        async () => {
          await home.press(...press);
          return events.some((event) => event.kind === kind && 'what' in event && event.what === what);
        },
        { timeout: 15_000, interval: 100 },
      )
      .toBe(true);
  };
  await ask(['armed', 'payload_off'], 'request.granted', 'disarm');
  await becomes('armed', 'off');
  await ask(['armed', 'payload_on'], 'request.granted', 'arm');
  await becomes('armed', 'on');
  await ask(['lock', 'payload_unlock'], 'request.granted', 'open');
  await happened('relay.pulsed');
  await ask(['lock', 'payload_lock'], 'request.granted', 'release');
  await becomes('lock', 'locked');
  await ask(['open', 'payload_press'], 'request.granted', 'open');
  await ask(['lockout', 'payload_press'], 'request.granted', 'lockout-reset');

  // What the broker kept for the door is not done; nor is what stands in no list. The one behind them comes last.
  await home.press('armed', 'payload_off');
  await becomes('armed', 'off');
  events.length = 0;
  const pressed = 'facelatch/front-door/cmd/home-assistant';
  await client.publishAsync(pressed, 'door.open', { qos: 1, retain: true });
  await client.publishAsync(pressed, 'people.remove', { qos: 1 });
  await client.publishAsync(pressed, 'arm', { qos: 1 });
  await becomes('armed', 'on');
  expect(events.flatMap((event) => ('what' in event ? [event.what] : []))).toEqual(['arm']);
});

it('never shows the lock unlocked for want of knowledge, nor a door closed that nobody can see', async () => {
  const relay = { ...dryRelay({ clock: systemClock, maxMs: 10_000, maxHoldMs: 10_000 }), held: true, level: 'safe' as 'safe' | 'active' };
  const inputs = testInputs([
    { input: 'contact', active: true },
    { input: 'tamper', active: false },
  ]);
  const wired = { 'inputs.kind': 'gpiod', 'inputs.chip': 'none', 'inputs.contact': 'A', 'inputs.tamper': 'B' };
  await open(wired, { relay, inputs });
  await becomes('lock', 'locked');
  await becomes('contact', 'on');
  await becomes('tamper', 'off');
  // The keeper is gone, and the line with it; what it last did was release.
  Object.assign(relay, { held: false, level: 'active' });
  await becomes('lock', 'unknown');
  inputs.fail();
  await becomes('contact', 'on'); // its levels are told anew at once
  inputs.set({ input: 'contact', active: false });
  await becomes('contact', 'off');
  inputs.set({ input: 'tamper', active: true });
  await becomes('tamper', 'on');
  Object.assign(relay, { held: true, level: 'safe' });
  await becomes('lock', 'locked');
  expect(home.history('lock')).toEqual(['locked', 'unknown', 'locked']);
  expect(home.history('contact')).toContain('unknown');
});

it('a door that was killed while released is never shown unlocked by the next start', async () => {
  await open();
  await becomes('lock', 'locked');
  await ends.pop()?.();
  // What a killed daemon leaves with the broker.
  const client = await connectAsync(broker.url, { protocolVersion: 5 });
  const at = '2026-01-01T00:00:00.000Z';
  await client.publishAsync('facelatch/front-door/state/door', JSON.stringify({ schema: 1, state: 'released', at }), { retain: true });
  await client.publishAsync('facelatch/front-door/status', '{"schema":1,"status":"offline","reason":"lost"}', { retain: true });
  await client.endAsync();
  await using late = await openHomeAssistant(broker.url);
  const seen: string[] = [];
  const watching = setInterval(() => seen.push(late.state('lock')), 1);
  ends.push(async () => clearInterval(watching));
  await expect.poll(() => late.history('lock').at(-1), { timeout: 5000 }).toBe('unlocked'); // it came, and is not shown:
  expect(late.state('lock')).toBe('unavailable');
  await open();
  await expect.poll(() => late.state('lock'), { timeout: 15_000, interval: 5 }).toBe('locked');
  expect(new Set(seen)).not.toContain('unlocked');
});

it('is told anew when it starts; forgets the door when it is switched off, moved, or removed by hand', async () => {
  const { stop } = await open();
  await becomes('lock', 'locked');
  const before = home.announced;
  await expect.poll(async () => home.birth().then(() => home.announced), { timeout: 5000 }).toBeGreaterThan(before);
  await stop();
  const topic = home.discoveryTopic as string;
  const kept = () => JSON.parse(readFileSync(join(folder.path, 'state', 'home-assistant.json'), 'utf8')).topics;
  expect(kept()).toEqual([topic]);

  // Moved: the old place is emptied, the new one filled.
  const moved = await open({ 'mqtt.homeAssistant.prefix': 'elsewhere' });
  await expect.poll(() => home.discovery, { timeout: 10_000 }).toBeUndefined();
  await using there = await openHomeAssistant(broker.url, 'elsewhere');
  await expect.poll(() => there.state('lock'), { timeout: 10_000 }).toBe('locked');
  await expect.poll(kept).toEqual([there.discoveryTopic]);
  await moved.stop();

  // Switched off.
  const off = await open({ 'mqtt.homeAssistant.enabled': false });
  await expect.poll(() => there.discovery, { timeout: 10_000 }).toBeUndefined();
  await expect.poll(kept).toEqual([]);
  await off.stop();
  await using late = await openHomeAssistant(broker.url, '+');
  expect(late.discovery).toBeUndefined();

  // By hand, with the daemon gone.
  const again = await open();
  await becomes('lock', 'locked');
  await again.stop();
  const state = ['--state', join(folder.path, 'state'), '--set', `mqtt.url=${broker.url}`];
  const removed = await facelatch(['home-assistant', 'remove', '--json', ...state]);
  expect(removed).toMatchObject({ code: 0, stdout: expect.stringContaining(topic) });
  await expect.poll(() => home.discovery, { timeout: 10_000 }).toBeUndefined();
  expect(kept()).toEqual([]);
  const shown = await facelatch(['home-assistant', 'show', ...state]);
  expect(shown.stdout).toContain('not told: mqtt.homeAssistant.enabled is false');
}, 60_000);
