/** Relays reached by HTTP, over real connections to a device with a coil and a timer of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openLog } from '../../src/base/log.ts';
import { systemClock } from '../../src/base/time.ts';
import { openDevice, openLine } from '../../src/relay/http.ts';
import { openKeptRelay } from '../../src/relay/kept-relay.ts';
import type { DevicePlace } from '../../src/relay/line.ts';
import { contractMaxHoldMs, contractMaxMs, testRelay } from '../contracts/relay.ts';
import { type HttpModel, type HttpRelay, openHttpRelay } from '../fakes/network-relay.ts';
import { childrenOf } from '../fakes/processes.ts';
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
const placeOf = (model: DevicePlace['model'], address: string, more: Partial<DevicePlace> = {}): DevicePlace => ({
  ...{ model, address, channel: 0, timeoutMs: 600, ...nothing },
  ...more,
});
const ownOf = (address: string): DevicePlace =>
  placeOf('own', '', {
    release: `GET ${address}/rpc/Switch.Set?id=0&on=true&toggle_after={s}`,
    lock: `GET ${address}/rpc/Switch.Set?id=0&on=false`,
    ask: `GET ${address}/rpc/Switch.GetStatus?id=0`,
    released: '"output":true',
    locked: '"output":false',
  });
const limits = { maxMs: contractMaxMs, maxHoldMs: contractMaxHoldMs };
const until = (check: () => unknown, timeout = 8000) => vi.waitFor(() => expect(check()).toBeTruthy(), { timeout, interval: 10 });

for (const model of ['shelly', 'shelly-gen1', 'tasmota', 'own'] as const) {
  let device: HttpRelay;
  beforeAll(async () => {
    device = await openHttpRelay(model === 'own' ? 'shelly' : model);
  });
  afterAll(() => device[Symbol.asyncDispose]());
  const place = () => (model === 'own' ? ownOf(device.address) : placeOf(model, device.address));
  testRelay(
    `http, ${model}`,
    async (clock) => timedRelay(await openLine(place()), clock, limits),
    () => device.coil.level,
  );
}

describe('a relay reached by HTTP', () => {
  let device: HttpRelay;
  const begin = async (model: HttpModel, password = '') => {
    device = await openHttpRelay(model, password);
    return device;
  };
  afterEach(() => device[Symbol.asyncDispose]());
  const lineOf = (more: Partial<DevicePlace> = {}) => openLine(placeOf('shelly', device.address, more));

  it.each([
    ['shelly', 3000, 3000],
    ['shelly', 1234, 1300],
    ['shelly-gen1', 1234, 2000],
    ['tasmota', 3000, 3000],
    ['tasmota', 11_100, 11_100],
    ['tasmota', 11_101, 12_000],
  ] as const)('tells a %s asked to release for %s ms to switch off by itself after %s ms', async (model, ms, told) => {
    await begin(model);
    const relay = timedRelay(await openLine(placeOf(model, device.address)), systemClock, { maxMs: 60_000, maxHoldMs: 60_000 });
    await relay.pulse(ms);
    expect(device.coil.releases).toHaveLength(1);
    expect(Math.abs((device.coil.releases[0] ?? 0) - told)).toBeLessThanOrEqual(100);
    await relay[Symbol.asyncDispose]();
  });

  it('switches off a relay that is on when it is opened', async () => {
    await begin('shelly');
    device.coil.on();
    using _line = await lineOf();
    expect(device.coil.level).toBe('safe');
  });

  it('renews a hold before the device ends it, and the device ends it when nobody renews it', async () => {
    await begin('shelly');
    using line = await lineOf();
    const relay = timedRelay(line, systemClock, limits);
    await relay.hold(400);
    await relay.hold(700);
    expect(device.coil.releases).toHaveLength(2);
    expect(device.coil.edges).toHaveLength(1);
    await until(() => device.coil.level === 'safe' && relay.level === 'safe');
  });

  it('is asked first: one that does not answer is never told to release', async () => {
    await begin('shelly');
    const relay = timedRelay(await lineOf(), systemClock, limits);
    device.mood = 'deaf';
    await expect(relay.pulse(500)).rejects.toMatchObject({ code: 'relay-missing', message: expect.stringContaining('within 600 ms') });
    expect(relay.level).toBe('safe');
    device.wake();
    expect(device.coil.releases).toEqual([]);
    expect(device.heard.filter((line) => line.includes('on=true'))).toEqual([]);
    await relay.pulse(500);
    expect(device.coil.level).toBe('active');
    await relay[Symbol.asyncDispose]();
  });

  it('that took the command and did not say so is switched off again, and the pulse has failed', async () => {
    await begin('shelly');
    const lost: unknown[] = [];
    const relay = timedRelay(await lineOf(), systemClock, limits, (error) => lost.push(error));
    device.onAsked = () => {
      device.mood = 'silent';
    };
    await expect(relay.pulse(5000)).rejects.toMatchObject({ code: 'relay-missing' });
    expect(device.coil.releases).toEqual([5000]);
    expect(device.coil.level).toBe('safe');
    // Off, as its coil shows; but it has not said so, and nobody takes it for that.
    expect([relay.level, lost.length]).toEqual(['active', 1]);
  });

  it('is not released by an order that was overtaken by one to be safe', async () => {
    await begin('shelly');
    const relay = timedRelay(await lineOf(), systemClock, limits);
    const pulsed = relay.pulse(5000).catch((error: unknown) => error);
    await relay.safe();
    expect(await pulsed).toMatchObject({ code: 'relay-failed' });
    expect(device.coil.releases).toEqual([]);
  });

  it.each(['shelly', 'shelly-gen1', 'tasmota'] as const)('gives a %s its password from a file', async (model) => {
    const folder = mkdtempSync(join(tmpdir(), 'facelatch-http-'));
    const passwordFile = join(folder, 'password');
    writeFileSync(passwordFile, 'correct horse "7"\n');
    await begin(model, 'correct horse "7"');
    const relay = timedRelay(await openLine(placeOf(model, device.address, { passwordFile })), systemClock, limits);
    await relay.pulse(1000);
    expect(device.coil.level).toBe('active');
    await relay[Symbol.asyncDispose]();
    writeFileSync(passwordFile, 'another');
    await expect(openLine(placeOf(model, device.address, { passwordFile }))).rejects.toMatchObject({
      code: 'relay-forbidden',
      message: expect.stringContaining('relay.device.passwordFile'),
    });
    rmSync(folder, { recursive: true });
  });

  it.each([
    ['without the password it wants', 'secret', {}, 'relay-forbidden', /relay\.device\.passwordFile/],
    ['on a channel that it has not', '', { channel: 3 }, 'relay-failed', /404.*relay\.device\.channel/],
    ['with a password file that is not there', '', { passwordFile: '/nowhere' }, 'bad-config', /relay\.device\.passwordFile: \/nowhere/],
  ] as const)('%s is one clear fault', async (_, password, more, code, message) => {
    await begin('shelly', password);
    await expect(lineOf(more)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('that asks for the password as it is, in place of one that knows better, is not given it', async () => {
    await begin('shelly-gen1', 'secret');
    const folder = mkdtempSync(join(tmpdir(), 'facelatch-http-'));
    const passwordFile = join(folder, 'password');
    writeFileSync(passwordFile, 'secret');
    const release = `GET ${device.address}/relay/0?turn=on&timer={s}`;
    const place = { ...nothing, release, lock: `GET ${device.address}/relay/0?turn=off`, passwordFile };
    await expect(openLine(placeOf('own', '', place))).rejects.toMatchObject({
      code: 'relay-forbidden',
      message: expect.stringContaining('relay.device.login'),
    });
    (await openLine(placeOf('own', '', { ...place, login: 'basic' })))[Symbol.dispose]();
    rmSync(folder, { recursive: true });
  });

  it('where nobody listens is one clear fault', async () => {
    await begin('shelly');
    await device[Symbol.asyncDispose]();
    await expect(lineOf()).rejects.toMatchObject({
      code: 'relay-missing',
      message: expect.stringMatching(/ECONNREFUSED.*relay\.device\.address/),
    });
  });

  it('that is broken is one clear fault', async () => {
    await begin('shelly');
    device.mood = 'broken';
    await expect(lineOf()).rejects.toMatchObject({ code: 'relay-failed', message: expect.stringContaining('HTTP 500') });
  });

  it('is asked for its state without being moved', async () => {
    await begin('shelly');
    device.coil.on();
    using line = openDevice(placeOf('shelly', device.address));
    expect(await line.ready()).toBe('active');
    expect(device.coil.level).toBe('active');
  });
});

describe('a relay reached by HTTP, kept by a process of its own', () => {
  const adapter = new URL('../../src/relay/http.ts', import.meta.url).href;
  const holder = fileURLToPath(new URL('../fakes/relay-holder.ts', import.meta.url));
  let device: HttpRelay;
  let daemon: ChildProcess | undefined;
  beforeEach(async () => {
    device = await openHttpRelay('shelly');
  });
  afterEach(async () => {
    daemon?.kill('SIGKILL');
    await device[Symbol.asyncDispose]();
  });
  const optionsOf = (maxMs: number) => ({
    ...{ adapter, place: placeOf('shelly', device.address), lineMs: 600, maxMs, maxHoldMs: 60_000, heartbeatMs: 250 },
    log: openLog('silent'),
  });

  it('pulses, is capped, and is safe when closed', async () => {
    const relay = await openKeptRelay(optionsOf(300));
    expect([relay.level, relay.held]).toEqual(['safe', true]);
    await relay.pulse(60_000);
    expect(device.coil.level).toBe('active');
    expect(device.coil.releases).toEqual([300]);
    await until(() => relay.level === 'safe');
    await relay.pulse(300);
    await relay[Symbol.asyncDispose]();
    expect(device.coil.level).toBe('safe');
  });

  it.each(['SIGKILL', 'SIGSTOP'] as const)('is switched off when its daemon goes away in the middle of a pulse (%s)', async (signal) => {
    daemon = spawn(process.execPath, [holder, JSON.stringify(optionsOf(60_000)), 'wait'], { stdio: 'ignore' });
    await until(() => device.coil.level === 'active');
    daemon.kill(signal);
    await until(() => device.coil.level === 'safe');
    expect(device.heard.at(-1)).toMatch(/Switch/);
  });

  it('told to be safe while its keeper is ending by a signal of its own, as at a stop of the service, is safe and no fault', async () => {
    const relay = await openKeptRelay(optionsOf(60_000));
    await relay.pulse(5000);
    for (const pid of childrenOf(process.pid)) process.kill(pid, 'SIGTERM');
    await relay.safe();
    await relay[Symbol.asyncDispose]();
    expect([device.coil.level, relay.level]).toEqual(['safe', 'safe']);
  });

  it('switches itself off when computer and network are gone at once', async () => {
    const relay = await openKeptRelay(optionsOf(60_000));
    await relay.pulse(1000);
    device.mood = 'broken'; // nothing reaches it any more
    const since = device.coil.edges.at(-1)?.atMs ?? 0;
    await until(() => device.coil.level === 'safe');
    expect((device.coil.edges.at(-1)?.atMs ?? 0) - since).toBeGreaterThanOrEqual(990);
    await until(() => !relay.held); // and the door knows that it cannot reach it
    await expect(relay.pulse(100)).rejects.toMatchObject({ code: 'relay-failed' });
    device.mood = 'awake';
    await until(() => relay.held, 20_000);
    await relay.pulse(100);
    await relay[Symbol.asyncDispose]();
  }, 30_000);
});
