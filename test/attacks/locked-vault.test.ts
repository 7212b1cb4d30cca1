/** A door whose key is gone: who gets in, who can give the key back, and who cannot. A real house behind a real broker. */

import { randomBytes } from 'node:crypto';
import { cpSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { deskOf } from '../../src/adapters/command.ts';
import { rekeyVault } from '../../src/adapters/vault-key.ts';
import { emergencyPinFile, removeEmergencyPin, setEmergencyPin } from '../../src/adapters/vouched/emergency-pin.ts';
import { addOperator, operatorsFile, removeOperator } from '../../src/adapters/vouched/operators.ts';
import { openLog } from '../../src/base/log.ts';
import { systemClock } from '../../src/base/time.ts';
import { sendPassphrase } from '../../src/cli/remote/send-passphrase.ts';
import { importKey, newKey, openDoorKeys, type PublicKey, publicKeyOf, thumbprint } from '../../src/command/keys.ts';
import type { Role } from '../../src/command/port.ts';
import type { ReplyBody } from '../../src/command/reply.ts';
import { openSender } from '../../src/command/request.ts';
import { disclose, signClaims } from '../../src/command/seal.ts';
import { enclosedTo } from '../../src/command/unlocking-key.ts';
import type { Event } from '../../src/events.ts';
import { openCaller } from '../../src/mqtt/caller.ts';
import { topicsOf } from '../../src/mqtt/topics.ts';
import type { InputChange, Inputs } from '../../src/relay/port.ts';
import type { Config } from '../../src/settings/load.ts';
import { phraseOf } from '../../src/vault/phrase.ts';
import { wire } from '../../src/wire.ts';
import { temporaryFolder } from '../cli/facelatch.ts';
import { type FakeCamera, fakeCamera } from '../fakes/camera.ts';
import { doorConfig } from '../fakes/config.ts';
import { answers, hangs } from '../fakes/hung-file.ts';
import { openMosquitto } from '../fakes/mosquitto.ts';
import { drawing, drawingReader } from '../fakes/reader.ts';
import { fakeRelay } from '../fakes/relay.ts';

const topics = topicsOf('facelatch', 'front-door');
const passphrase = 'four plain words here';
const ends: (() => Promise<unknown> | unknown)[] = [];
const events: Event[] = [];
const configOf = (state: string, url = 'mqtt://127.0.0.1:1') =>
  doorConfig({
    ...{ 'state.folder': state, 'identity.policy': 'paper', 'face.idleFps': 0, 'access.cooldownMs': 0, 'relay.pulseMs': 100 },
    ...{ 'mqtt.enabled': true, 'mqtt.url': url, 'mqtt.clockCheck': false },
  });
/**
 * State folders of a door with Ada enrolled, and Olga and Oskar to command it: one that opens with the key beside it,
 * and the same one under a passphrase.
 */
let doors: ReturnType<typeof temporaryFolder>;
const doorWith = (kind: 'key' | 'passphrase') => join(doors.path, kind);
let keys: Readonly<Record<'olga' | 'oskar', Awaited<ReturnType<typeof newKey>>>>;
let state: string;
let config: Config;
let url: string;
let camera: FakeCamera;
let listener: MqttClient;
const states = new Map<string, string>();

beforeAll(async () => {
  doors = temporaryFolder();
  const door = configOf(doorWith('key'));
  const reader = drawingReader();
  {
    await using house = await wire(door, openLog('silent'), { camera: fakeCamera(), reader });
    const { faces } = await reader.read(drawing({ face: 0 }));
    house.gallery.enrol({ name: 'Ada', pictures: [{ picture: drawing({ face: 0 }), template: faces[0]!.embedding!, source: 'test' }] });
  }
  const operatorOf = async (name: string, role: Role) => {
    const key = await newKey('Ed25519');
    await addOperator(door, { name, role, key: publicKeyOf(key, 'Ed25519'), addedAt: new Date().toISOString() });
    return key;
  };
  keys = { olga: await operatorOf('olga', 'admin'), oskar: await operatorOf('oskar', 'operator') };
  await openDoorKeys(join(doorWith('key'), 'door-keys.json'), 'front-door');
  cpSync(doorWith('key'), doorWith('passphrase'), { recursive: true });
  await rekeyVault(configOf(doorWith('passphrase')), { source: 'passphrase', passphrase, by: 'test' });
}, 60_000);
afterAll(() => doors[Symbol.dispose]());

/** A copy of one of the doors, and a broker. */
async function door(kind: 'key' | 'passphrase'): Promise<void> {
  const folder = temporaryFolder();
  ends.push(() => folder[Symbol.dispose]());
  state = join(folder.path, 'state');
  cpSync(doorWith(kind), state, { recursive: true });
  const broker = await openMosquitto();
  ends.push(() => broker[Symbol.asyncDispose]());
  url = broker.url;
  config = configOf(state, url);
  listener = await connectAsync(url, { protocolVersion: 5 });
  ends.push(() => listener.endAsync(true));
  listener.on('message', (topic, payload) => states.set(topic, JSON.parse(payload.toString()).state));
  await listener.subscribeAsync(topics.state('vault'));
}
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  states.clear();
});

/** Starts the door. `push` is its exit button. */
async function start() {
  events.length = 0;
  camera = fakeCamera();
  const relay = fakeRelay();
  const button = Promise.withResolvers<void>();
  const inputs: Inputs = {
    label: 'a button',
    changes: async function* (signal): AsyncGenerator<InputChange> {
      const over = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      yield { input: 'exit', active: false, atMs: systemClock.now() };
      await Promise.race([button.promise, over]);
      if (!signal.aborted) yield { input: 'exit', active: true, atMs: systemClock.now() };
      await over;
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
  const house = await wire(config, openLog('silent'), {
    camera,
    reader: drawingReader(),
    relay,
    inputs,
    onEvent: (event) => events.push(event),
  });
  const end = new AbortController();
  const running = house.run(end.signal);
  const stop = async () => {
    end.abort(new Error('the test is over'));
    const how = await running;
    await house[Symbol.asyncDispose]();
    return how;
  };
  ends.push(stop);
  await expect.poll(() => house.status.broker, { timeout: 15_000 }).toBe('connected');
  return { house, relay, running, stop, push: button.resolve };
}

let frame = 0;
async function adaComes(frames = 8): Promise<void> {
  for (let n = 0; n < frames; n++) await camera.push(drawing({ face: 0, tag: `${++frame}` }));
}
const seen = (kind: Event['kind']) => expect.poll(() => events.some((e) => e.kind === kind), { timeout: 15_000, interval: 10 }).toBe(true);

async function operator(name: 'olga' | 'oskar') {
  const key = keys[name];
  const { card, id } = await openDoorKeys(join(state, 'door-keys.json'), 'front-door');
  const sender = await openSender({ operator: key, door: card, clock: systemClock, lifeS: 30 });
  const caller = await openCaller({ broker: { url }, door: 'front-door', signal: new AbortController().signal });
  ends.push(() => caller[Symbol.asyncDispose]());
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
  /** The same, signed and not encrypted: everybody at the broker reads it. */
  const openly = async (command: string, args: object): Promise<string> => {
    const nowS = systemClock.wall() / 1000;
    const claims = { aud: `front-door#${id}`, iat: nowS, exp: nowS + 30, jti: randomBytes(8).toString('hex'), cmd: command, args };
    const jws = await signClaims(claims, 'facelatch-command+jwt', { kid: await thumbprint(key), key: await importKey(key) });
    let answer = '';
    await caller.call(command, jws, 15_000, async (reply) => {
      answer = Buffer.from(String(Buffer.from(reply)).split('.')[1] ?? '', 'base64url').toString();
      return true;
    });
    return answer;
  };
  /** As `facelatch send` gives a door its passphrase. */
  const unlock = (passphrase: string): Promise<ReplyBody> =>
    sendPassphrase(
      async (command, args) => {
        const body = await ask(command, args);
        if (!body) throw new Error(`no answer to ${command}`);
        return body;
      },
      { passphrase },
    );
  return { ask, openly, unlock };
}

it('a locked door lets in no face, opens by button and signed command, and says what it needs', async () => {
  await door('passphrase');
  const olga = await operator('olga');
  const { house, relay, push } = await start();
  expect(house.lock?.code).toBe('vault-locked');
  await expect.poll(() => states.get(topics.state('vault'))).toBe('locked');
  expect(events).toContainEqual(
    expect.objectContaining({ kind: 'vault.locked', code: 'vault-locked', detail: expect.stringContaining('passphrase') }),
  );
  for (const { detail } of events.filter((e) => e.kind === 'vault.locked')) expect(detail).not.toContain(state);
  await adaComes();
  await seen('access.denied');
  // No failure of hers: it counts towards no lock-out.
  expect(events.filter((e) => e.kind === 'access.denied')).toEqual([
    expect.objectContaining({ reason: 'vault-locked', detail: 'the vault is locked, so nobody is recognised' }),
  ]);
  expect(events.some((e) => e.kind === 'access.denied' && (e.failures ?? e.attempts))).toBe(false);
  expect(relay.pulses).toHaveLength(0);
  expect(await olga.ask('pin', { person: 'Ada', pin: '123456' })).toMatchObject({ ok: false });
  expect(relay.pulses).toHaveLength(0);
  expect(await olga.ask('people.list')).toMatchObject({ ok: false, error: { reason: 'vault-locked' } });
  expect(await olga.ask('enrol.start', { name: 'Mallory' })).toMatchObject({ ok: false, error: { reason: 'vault-locked' } });
  expect(await olga.ask('door.open')).toMatchObject({ ok: true });
  expect(relay.pulses).toHaveLength(1);
  push();
  await expect.poll(() => relay.pulses.length).toBe(2);
}, 60_000);

it('by PIN it opens to the emergency PIN alone, while it is locked, as long as that is the one that was set here last', async () => {
  await door('passphrase');
  const olga = await operator('olga');
  await setEmergencyPin(config, '161803398874', 'test');
  const old = readFileSync(emergencyPinFile(config));
  await setEmergencyPin(config, '271828182845', 'test');
  const { relay, running, stop } = await start();
  expect(events).toContainEqual(
    expect.objectContaining({ kind: 'vault.locked', detail: expect.stringContaining('and by the emergency PIN') }),
  );
  expect(await olga.ask('pin', { pin: '161803398874' })).toMatchObject({ ok: false, error: { reason: 'wrong-pin' } });
  expect(await olga.ask('pin', { pin: '271828182845', person: 'Ada' })).toMatchObject({ ok: true });
  expect(relay.pulses).toHaveLength(1);
  expect(events).toContainEqual(
    expect.objectContaining({ kind: 'request.granted', by: { kind: 'keypad', via: 'mqtt' }, emergencyPin: true }),
  );
  writeFileSync(emergencyPinFile(config), old);
  for (const pin of ['161803398874', '271828182845'])
    expect(await olga.ask('pin', { pin })).toMatchObject({ ok: false, error: { reason: 'vault-locked' } });
  removeEmergencyPin(config, 'test');
  writeFileSync(emergencyPinFile(config), old);
  expect(await olga.ask('pin', { pin: '161803398874' })).toMatchObject({ ok: false });
  await setEmergencyPin(config, '271828182845', 'test');
  expect(await olga.unlock(passphrase)).toMatchObject({ ok: true });
  expect(await running).toBe('unlocked');
  await stop();
  const open = await start();
  expect(open.house.lock).toBeUndefined();
  expect(await olga.ask('pin', { pin: '271828182845', person: 'Ada' })).toMatchObject({ ok: false });
  expect(open.relay.pulses).toHaveLength(0);
  expect(JSON.stringify(events)).not.toMatch(/161803398874|271828182845/);
}, 60_000);

it('a locked door takes no command of an operator whom an old list brings back, or whom somebody else wrote into it', async () => {
  await door('passphrase');
  const [olga, oskar] = [await operator('olga'), await operator('oskar')];
  const old = readFileSync(operatorsFile(config));
  await removeOperator(config, 'oskar');
  const { relay } = await start();
  expect(await oskar.ask('door.open')).toMatchObject({ ok: false, error: { code: 'unknown-key' } });
  writeFileSync(operatorsFile(config), old);
  expect(await oskar.ask('door.open')).toMatchObject({
    ok: false,
    error: { code: 'unknown-key', message: expect.stringContaining('facelatch key seal') },
  });
  await expect
    .poll(() => events, { timeout: 15_000 })
    .toContainEqual(expect.objectContaining({ kind: 'key.refused', name: 'oskar', why: 'journal' }));
  expect(relay.pulses).toHaveLength(0);
  expect(await olga.ask('door.open')).toMatchObject({ ok: true });
  expect(relay.pulses).toHaveLength(1);
}, 60_000);

it('only an admin unlocks it, with the right passphrase, encrypted; then it begins again and lets Ada in', async () => {
  await door('passphrase');
  const [olga, oskar] = [await operator('olga'), await operator('oskar')];
  const { running, stop } = await start();
  expect(await oskar.unlock(passphrase)).toMatchObject({ ok: false, error: { code: 'role' } });
  expect(await oskar.ask('vault.unlock', { passphrase })).toMatchObject({ ok: false, error: { code: 'role' } });
  expect(await olga.openly('vault.unlock', { passphrase })).toContain('must be encrypted to the door');
  for (const wrong of [`${passphrase}!`, phraseOf(randomBytes(32))])
    expect(await olga.unlock(wrong)).toMatchObject({
      ok: false,
      error: { code: 'denied', reason: 'vault-unfit' },
    });
  expect(await olga.unlock(`${'abandon '.repeat(23)}abandon`)).toMatchObject({
    ok: false,
    error: { code: 'denied', reason: 'bad-argument' },
  });
  expect(events.some((e) => e.kind === 'vault.unlocked')).toBe(false);
  expect(await olga.unlock(passphrase)).toMatchObject({ ok: true, result: { was: 'locked' } });
  expect(await running).toBe('unlocked');
  expect(events).toContainEqual({ kind: 'vault.unlocked', by: 'olga' });
  expect(JSON.stringify(events)).not.toContain(passphrase);
  await stop();
  const { house } = await start();
  expect(house.lock).toBeUndefined();
  await expect.poll(() => states.get(topics.state('vault'))).toBe('open');
  await adaComes();
  await seen('relay.pulsed');
  expect(await olga.unlock('whatever it is')).toMatchObject({ ok: true, result: { was: 'open' } });
}, 60_000);

it('what was recorded on the way to it does not open with the keys of the door, nor at its next start', async () => {
  await door('passphrase');
  const olga = await operator('olga');
  const { stop } = await start();
  // A sender of before is told so; what it sent is read with the lasting keys alone.
  expect(await olga.ask('vault.unlock', { passphrase })).toMatchObject({
    ok: false,
    error: { code: 'refused', message: expect.stringContaining('older than the door') },
  });
  const recorded: Buffer[] = [];
  const eavesdropper = await connectAsync(url, { protocolVersion: 5 });
  ends.push(() => eavesdropper.endAsync(true));
  eavesdropper.on('message', (_topic, payload) => recorded.push(payload));
  await eavesdropper.subscribeAsync(topics.command('vault.unlock'));
  expect(await olga.unlock('not the passphrase')).toMatchObject({ ok: false, error: { reason: 'vault-unfit' } });
  await expect.poll(() => recorded.length).toBe(1);
  const { decrypt } = await openDoorKeys(join(state, 'door-keys.json'), 'front-door');
  const outer = (await disclose(String(recorded[0]), decrypt)) ?? '';
  const { enclosed } = JSON.parse(Buffer.from(outer.split('.')[1] ?? '', 'base64url').toString()).args;
  expect(await disclose(enclosed, decrypt)).toBeUndefined();
  const first = await olga.ask('vault.key');
  const { key } = { ...(first?.result as object) } as { key: PublicKey };
  const early = await enclosedTo(key, passphrase);
  await stop();
  const again = await start();
  expect((await olga.ask('vault.key'))?.result).not.toMatchObject({ key });
  for (const args of [{ enclosed: early }, { enclosed }, { enclosed: 'no text of this kind' }])
    expect(await olga.ask('vault.unlock', args)).toMatchObject({
      ok: false,
      error: { code: 'refused', message: expect.stringContaining('vault.key') },
    });
  expect(await olga.ask('vault.unlock')).toMatchObject({ ok: false, error: { code: 'invalid-arguments' } });
  expect(again.house.lock?.code).toBe('vault-locked');
  expect(await olga.unlock(passphrase)).toMatchObject({ ok: true, result: { was: 'locked' } });
}, 60_000);

it('a sender sends no passphrase to a door that has no such key', async () => {
  const asked: string[] = [];
  const body = {
    schema: 1,
    command: 'vault.key',
    at: '',
    ok: false,
    error: { code: 'unknown-command', message: 'There is no such command.' },
  } as const;
  const old = async (command: string) => {
    asked.push(command);
    return body;
  };
  await expect(sendPassphrase(old, { passphrase })).rejects.toMatchObject({
    code: 'broker-refused',
    message: expect.stringContaining('not sent'),
  });
  expect(asked).toEqual(['vault.key']);
});

it('with another key in the place of its own it stays locked, until its own comes back', async () => {
  await door('key');
  const key = join(state, 'vault.key');
  const own = readFileSync(key);
  writeFileSync(key, `${randomBytes(32).toString('base64url')}\n`);
  const { house, running } = await start();
  expect(house.lock?.code).toBe('vault-unfit');
  writeFileSync(key, own);
  expect(await running).toBe('unlocked');
  expect(events).toContainEqual({ kind: 'vault.unlocked', by: 'its key' });
}, 60_000);

it('a share that hangs with the key keeps nobody out who presses the button, and the door begins again when it answers', async () => {
  await door('key');
  const file = join(dirname(state), 'share.key');
  config = { ...config, vault: { ...config.vault, keyFile: file } };
  await rekeyVault(config, { source: 'file', by: 'test' });
  const key = readFileSync(file);
  rmSync(file);
  hangs(file);
  const { house, relay, running, stop, push } = await start();
  expect(house.lock?.message).toContain('does not answer');
  push();
  await expect.poll(() => relay.pulses.length).toBe(1);
  let ended = false;
  await Promise.all([answers(file, key, () => ended), running.then(() => (ended = true))]);
  expect(await running).toBe('unlocked');
  expect(events).toContainEqual({ kind: 'vault.unlocked', by: 'its key' });
  await stop();
  hangs(`${file}.again`);
  renameSync(`${file}.again`, file);
  expect((await start()).house.lock).toBeUndefined();
}, 60_000);

it('no configuration lets the command come unsigned', async () => {
  const signed = configOf('/nonexistent');
  const open = { ...signed, mqtt: { ...signed.mqtt, allowUnsigned: ['vault.unlock'] } };
  await expect(deskOf(open, { ports: {} as never, log: openLog('silent') })).rejects.toMatchObject({ code: 'bad-config' });
});
