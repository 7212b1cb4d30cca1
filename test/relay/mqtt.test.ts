/** Relays behind a real broker, with a coil and a timer of their own. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type MqttPlace, openBrokerLink, openLine } from '../../src/adapters/relay-mqtt.ts';
import { openLog } from '../../src/base/log.ts';
import { systemClock } from '../../src/base/time.ts';
import { mqttDialect } from '../../src/relay/devices.ts';
import { openKeptRelay } from '../../src/relay/kept-relay.ts';
import type { DevicePlace } from '../../src/relay/line.ts';
import { type BrokerLink, mqttLine } from '../../src/relay/mqtt.ts';
import { contractMaxHoldMs, contractMaxMs, testRelay } from '../contracts/relay.ts';
import { type Mosquitto, openMosquitto } from '../fakes/mosquitto.ts';
import { type MqttRelay, openMqttRelay } from '../fakes/network-relay.ts';
import { timedRelay } from '../fakes/timed-relay.ts';

const nothing = {
  release: '',
  lock: '',
  ask: '',
  reports: '',
  released: '',
  locked: '',
  user: '',
  passwordFile: '',
  login: 'auto',
  caFile: '',
} as const;
const placeOf = (model: DevicePlace['model'], address: string, url: string, more: Partial<MqttPlace> = {}): MqttPlace => ({
  ...{ model, address, channel: 0, timeoutMs: 800, ...nothing, broker: { url } },
  ...more,
});
const ownOf = (address: string, url: string): MqttPlace =>
  placeOf('own', '', url, {
    release: `${address}/set {"state":"ON","on_time":{s}}`,
    lock: `${address}/set {"state":"OFF"}`,
    ask: `${address}/get {"state":""}`,
    reports: address,
    released: '"state":"ON"',
    locked: '"state":"OFF"',
  });
const limits = { maxMs: contractMaxMs, maxHoldMs: contractMaxHoldMs };
const until = (check: () => unknown, timeout = 8000) => vi.waitFor(() => expect(check()).toBeTruthy(), { timeout, interval: 10 });

for (const model of ['shelly', 'tasmota', 'zigbee2mqtt', 'own'] as const) {
  let broker: Mosquitto;
  let device: MqttRelay;
  beforeAll(async () => {
    broker = await openMosquitto();
    device = await openMqttRelay(model === 'own' ? 'zigbee2mqtt' : model, broker.url);
  });
  afterAll(async () => {
    await device[Symbol.asyncDispose]();
    await broker[Symbol.asyncDispose]();
  });
  const place = () => (model === 'own' ? ownOf(device.address, broker.url) : placeOf(model, device.address, broker.url));
  testRelay(
    `mqtt, ${model}`,
    async (clock) => timedRelay(await openLine(place()), clock, limits),
    () => device.coil.level,
  );
}

describe('a relay behind a broker', () => {
  let broker: Mosquitto;
  let device: MqttRelay;
  beforeEach(async () => {
    broker = await openMosquitto();
    device = await openMqttRelay('zigbee2mqtt', broker.url);
  });
  afterEach(async () => {
    broker.thaw();
    await device[Symbol.asyncDispose]();
    await broker[Symbol.asyncDispose]();
  });
  const lineOf = (more: Partial<MqttPlace> = {}) => openLine(placeOf('zigbee2mqtt', device.address, broker.url, more));

  it('is told to switch off by itself, and is switched off when it is opened', async () => {
    device.coil.on();
    const relay = timedRelay(await lineOf(), systemClock, limits);
    expect(device.coil.level).toBe('safe');
    await relay.pulse(1500);
    expect(device.coil.releases).toEqual([undefined, 2000]);
    expect(device.coil.level).toBe('active');
    await relay[Symbol.asyncDispose]();
    expect(device.coil.level).toBe('safe');
  });

  it('that is away is never released, neither now nor when it comes back, although the broker keeps its session', async () => {
    const relay = timedRelay(await lineOf(), systemClock, limits);
    await device.leave();
    await expect(relay.pulse(5000)).rejects.toMatchObject({
      code: 'relay-missing',
      message: expect.stringMatching(/said nothing within 800 ms/),
    });
    await device.back();
    await relay.safe();
    await relay.pulse(1000);
    expect(device.coil.releases).toHaveLength(1);
    await relay[Symbol.asyncDispose]();
  });

  it('does not take what the broker has retained for an answer', async () => {
    const relay = timedRelay(await lineOf(), systemClock, limits);
    await relay.pulse(1000);
    device.mood = 'silent'; // the broker still holds "ON"
    await expect(lineOf()).rejects.toMatchObject({ code: 'relay-missing' });
    device.mood = 'awake';
    await relay[Symbol.asyncDispose]();
  });

  it('whose broker hangs is not released, neither now nor when the broker goes on', async () => {
    const relay = timedRelay(await lineOf(), systemClock, limits);
    broker.freeze();
    await expect(relay.pulse(5000)).rejects.toMatchObject({ code: 'relay-missing' });
    broker.thaw();
    await relay.safe();
    await vi.waitFor(() => relay.pulse(100), { timeout: 8000 });
    expect(device.coil.releases).toEqual([1000]);
    await relay[Symbol.asyncDispose]();
  });

  it('whose broker hangs between the question and the command is off at once when the broker goes on', async () => {
    const self = 'facelatch-relay-test';
    const dialect = mqttDialect(placeOf('zigbee2mqtt', device.address, broker.url), self);
    let hanging = false;
    const line = mqttLine({
      ...{ label: 'the lock', dialect, timeoutMs: 800 },
      openBrokerLink: async (heard, signal) => {
        const link = await openBrokerLink({ broker: { url: broker.url }, self, reports: dialect.reports }, heard, signal);
        const send: BrokerLink['send'] = async (message, expiryS) => {
          if (message.payload.includes('"ON"') && !hanging) {
            hanging = true;
            broker.freeze();
            await delay(50);
          }
          await link.send(message, expiryS);
        };
        return { ...link, send };
      },
    });
    const lost: unknown[] = [];
    const relay = timedRelay(line, systemClock, limits, (error) => lost.push(error));
    await expect(relay.pulse(5000)).rejects.toThrow();
    expect([relay.level, device.coil.releases]).toEqual(['active', []]);
    expect(lost).toHaveLength(1);
    broker.thaw();
    await until(() => device.coil.edges.length === 2);
    const [on, off] = device.coil.edges;
    expect(device.coil.level).toBe('safe');
    expect((off?.atMs ?? 0) - (on?.atMs ?? 0)).toBeLessThan(1000);
    expect(device.coil.releases).toHaveLength(1);
    line[Symbol.dispose]();
  });

  it('works again after its broker was killed and started', async () => {
    const relay = timedRelay(await lineOf(), systemClock, limits);
    await broker.kill();
    await expect(relay.pulse(1000)).rejects.toMatchObject({ code: 'relay-missing' });
    await broker.start();
    await device.back();
    await vi.waitFor(() => relay.pulse(1000), { timeout: 15_000, interval: 200 });
    expect(device.coil.level).toBe('active');
    await relay[Symbol.asyncDispose]();
  }, 25_000);

  it('whose broker is not there is one clear fault', async () => {
    await broker.kill();
    await expect(lineOf()).rejects.toMatchObject({
      code: 'relay-missing',
      message: expect.stringMatching(/refuses connections.*mqtt\.url/),
    });
  });

  it('that does not say what it is told to do is one clear fault', async () => {
    device.mood = 'silent';
    await expect(lineOf()).rejects.toMatchObject({
      code: 'relay-missing',
      message: expect.stringMatching(/relay\.device\.address is its topic/),
    });
  });

  it('that is silent is named as such also where the time runs out while the broker is asked again', async () => {
    let asked = 0;
    const line = mqttLine({
      ...{
        label: 'the lock',
        dialect: mqttDialect(placeOf('zigbee2mqtt', device.address, broker.url), 'facelatch-relay-test'),
        timeoutMs: 400,
      },
      openBrokerLink: async () => ({
        send: async () => undefined,
        alive: () => (asked++ === 0 ? Promise.resolve() : new Promise<void>(() => undefined)),
        closed: new Promise<never>(() => undefined),
        close: () => undefined,
      }),
    });
    await expect(line.drive('safe', 0)).rejects.toMatchObject({ message: expect.stringMatching(/said nothing within 400 ms/) });
    expect(asked).toBe(2);
    line[Symbol.dispose]();
  });

  it('is switched off by its keeper, which is a process of its own and is given the password of the broker where nobody can read it', async () => {
    const adapter = new URL('../../src/adapters/relay-mqtt.ts', import.meta.url).href;
    const place = placeOf('zigbee2mqtt', device.address, broker.url, {
      broker: { url: broker.url, user: 'door', password: 'sesame-3141' },
    });
    const relay = await openKeptRelay({
      adapter,
      place,
      lineMs: 800,
      maxMs: 1000,
      maxHoldMs: 60_000,
      heartbeatMs: 250,
      log: openLog('silent'),
    });
    await relay.pulse(60_000);
    expect(device.coil.releases).toEqual([1000]);
    await until(() => relay.level === 'safe');
    expect(device.coil.level).toBe('safe');
    await relay[Symbol.asyncDispose]();
  });
});

it('whose broker does not let facelatch hear it is one clear fault', async () => {
  await using broker = await openMosquitto({
    config: ['allow_anonymous true', 'acl_file $FOLDER/acl'],
    files: { acl: 'topic write zigbee2mqtt/#\n' },
  });
  await expect(openLine(placeOf('zigbee2mqtt', 'zigbee2mqtt/front-lock', broker.url))).rejects.toMatchObject({
    code: expect.stringMatching(/broker-refused|relay-missing/),
  });
});
