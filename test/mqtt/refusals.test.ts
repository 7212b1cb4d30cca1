/** A broker that refuses the door: the doctor's probe and the publisher's status say what is wrong and what to do about it. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Fault } from '../../src/base/errors.ts';
import { openLog } from '../../src/base/log.ts';
import { systemClock } from '../../src/base/time.ts';
import { openBroker } from '../../src/mqtt/broker.ts';
import { publishJournal } from '../../src/mqtt/client.ts';
import { probeBroker } from '../../src/mqtt/probe.ts';
import { authorityIn } from '../fakes/certificates.ts';
import { numbered } from '../fakes/events.ts';
import { memoryJournal } from '../fakes/journal.ts';
import { freePort, openMosquitto } from '../fakes/mosquitto.ts';
import { door, openWitness, publishing, topics, until } from './witness.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-refusals-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A mosquitto that knows one user, `door`, who may write to the door's topics, and one, `guest`, who may not. */
async function guarded() {
  const passwords = join(folder, 'passwords');
  writeFileSync(passwords, '', { mode: 0o600 });
  execFileSync('mosquitto_passwd', ['-b', passwords, 'door', 'right']);
  execFileSync('mosquitto_passwd', ['-b', passwords, 'guest', 'right']);
  return await openMosquitto({
    config: ['allow_anonymous false', 'password_file $FOLDER/passwords', 'acl_file $FOLDER/acl'],
    files: { passwords: readFileSync(passwords, 'utf8'), acl: `user door\ntopic readwrite facelatch/${door}/#\n` },
  });
}

describe('a broker that asks for a password', () => {
  test('refuses a wrong one: the status says so, and publishing goes on when the file holds the right one', async () => {
    await using mosquitto = await guarded();
    const passwordFile = join(folder, 'password');
    writeFileSync(passwordFile, 'wrong\n');
    const journal = memoryJournal({ clock: systemClock });
    journal.append(numbered(1));
    await using publisher = publishing({ journal, broker: { url: mosquitto.url, user: 'door', passwordFile } });
    await until(() => publisher.status().state === 'down');
    expect(publisher.status()).toMatchObject({
      backlog: 1,
      lastError: { code: 'broker-refused', message: expect.stringMatching(/refuses the user or password.*mqtt\.user.*mqtt\.passwordFile/) },
    });
    expect(publisher.status().lastError?.message).not.toContain('wrong');
    writeFileSync(passwordFile, 'right\n');
    await until(() => publisher.status().backlog === 0);
    expect(publisher.status()).toEqual({ state: 'connected', backlog: 0, setAside: 0, commands: 'off' });
  });

  test('and forbids the topics: the publisher says which, and keeps its entries', async () => {
    await using mosquitto = await guarded();
    const journal = memoryJournal({ clock: systemClock });
    journal.append(numbered(1));
    await using publisher = publishing({ journal, broker: { url: mosquitto.url, user: 'guest', password: 'right' } });
    await until(() => publisher.status().state === 'down');
    expect(publisher.status()).toMatchObject({
      backlog: 1,
      lastError: { code: 'broker-refused', message: expect.stringMatching(`does not take messages on ${topics.status}.*mqtt\\.user`) },
    });
  });

  test('is probed: right, wrong, without, forbidden, and with a password file that is not there', async () => {
    await using mosquitto = await guarded();
    const probe = (more: object) => probeBroker({ broker: { url: mosquitto.url, ...more }, door });
    const login = { ok: false, fault: { code: 'broker-refused', message: expect.stringContaining('mqtt.passwordFile') } };
    await using witness = await openWitness(mosquitto.url, { username: 'door', password: 'right' });
    expect(await probe({ user: 'door', password: 'right' })).toMatchObject({ ok: true, url: mosquitto.url });
    await until(() => witness.of(topics.probe).length === 1);
    expect(witness.messages.map(({ topic, retain }) => [topic, retain])).toEqual([[topics.probe, false]]);
    expect(await probe({ user: 'door', password: 'wrong' })).toMatchObject(login);
    expect(await probe({})).toMatchObject(login);
    const commands = { broker: { url: mosquitto.url, user: 'door', password: 'right' }, door, commands: true };
    expect(await probeBroker(commands)).toMatchObject({ ok: true, delivers: true });
    expect(await probeBroker({ ...commands, broker: { ...commands.broker, protocol: '3.1.1' } })).toMatchObject({ delivers: true });
    const writing = { files: { acl: `topic write facelatch/${door}/#\n` }, config: ['allow_anonymous true', 'acl_file $FOLDER/acl'] };
    await using deaf = await openMosquitto(writing);
    expect(await probeBroker({ broker: { url: deaf.url }, door, commands: true, timeoutMs: 300 })).toMatchObject({
      ok: true,
      delivers: false,
    });
    expect(await probe({ protocol: '3.1.1', user: 'door', password: 'wrong' })).toMatchObject(login);
    expect(await probe({ user: 'guest', password: 'right' })).toMatchObject({
      fault: { code: 'broker-refused', message: expect.stringContaining(topics.probe) },
    });
    expect(await probe({ user: 'door', passwordFile: join(folder, 'none') })).toMatchObject({
      fault: { code: 'bad-config', message: expect.stringContaining('mqtt.passwordFile') },
    });
  });
});

describe('a broker with TLS', () => {
  test('is trusted by its authority only, and by its name', async () => {
    const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
    const self = (name: string, subject: string) =>
      openssl(
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
        ...['-keyout', `${name}.key`, '-out', `${name}.pem`, '-subj', '/CN=facelatch test', '-addext', `subjectAltName=${subject}`],
      );
    self('here', 'IP:127.0.0.1');
    self('elsewhere', 'DNS:elsewhere.example');
    const read = (name: string) => readFileSync(join(folder, name), 'utf8');
    for (const [name, trusts] of [
      ['here', 'here'],
      ['here', 'elsewhere'],
      ['elsewhere', 'elsewhere'],
    ] as const) {
      await using mosquitto = await openMosquitto({
        config: ['allow_anonymous true', 'certfile $FOLDER/pem', 'keyfile $FOLDER/key'],
        files: { pem: read(`${name}.pem`), key: read(`${name}.key`) },
      });
      const url = mosquitto.url.replace('mqtt:', 'mqtts:');
      const caFile = join(folder, `${trusts}.pem`);
      const good = name === 'here' && trusts === 'here';
      const refusal = { ok: false, fault: { code: 'broker-refused', message: expect.stringContaining('mqtt.caFile') } };
      expect(await probeBroker({ broker: { url, caFile }, door })).toMatchObject(good ? { ok: true } : refusal);
      expect(await probeBroker({ broker: { url }, door })).toMatchObject(refusal);
      // In the clear to a TLS port.
      expect(await probeBroker({ broker: { url: mosquitto.url }, door })).toMatchObject({
        fault: { code: 'broker-unreachable', message: expect.stringContaining('mqtts://') },
      });
    }
  });

  test('that wants a client certificate says so without one, and with one that it does not know', async () => {
    const authority = authorityIn(folder, 'known');
    const stranger = authorityIn(folder, 'stranger').issue('nobody');
    const here = authority.issue('known-broker', 'IP:127.0.0.1');
    const ours = authority.issue('known-door');
    await using mosquitto = await openMosquitto({
      config: ['allow_anonymous true', 'require_certificate true', 'cafile $FOLDER/ca', 'certfile $FOLDER/pem', 'keyfile $FOLDER/key'],
      files: { ca: authority.pem, pem: here.pem, key: here.key },
    });
    const url = mosquitto.url.replace('mqtt:', 'mqtts:');
    const probe = (more: object) => probeBroker({ broker: { url, caFile: authority.pemFile, ...more }, door });
    const refusal = { ok: false, fault: { code: 'broker-refused', message: expect.stringContaining('mqtt.certFile') } };
    expect(await probe({ certFile: ours.pemFile, keyFile: ours.keyFile })).toMatchObject({ ok: true });
    expect(await probe({})).toMatchObject(refusal);
    expect(await probe({ certFile: stranger.pemFile, keyFile: stranger.keyFile })).toMatchObject(refusal);
  });

  test('1.2 alone is refused unless mqtt.tlsVersion lets it', async () => {
    const authority = authorityIn(folder, 'old');
    const { pem, key } = authority.issue('old-broker', 'IP:127.0.0.1');
    await using mosquitto = await openMosquitto();
    // mosquitto has no setting for the highest version, so a server with an old one takes its place.
    const old = createTlsServer({ cert: pem, key, maxVersion: 'TLSv1.2' }, (socket) => {
      socket.on('error', () => undefined);
      socket.pipe(connect(mosquitto.port, '127.0.0.1').on('error', () => socket.destroy())).pipe(socket);
    });
    old.on('tlsClientError', () => undefined);
    old.listen(0, '127.0.0.1');
    await once(old, 'listening');
    const { port } = old.address() as AddressInfo;
    for (const scheme of ['mqtts', 'wss']) {
      const broker = { url: `${scheme}://127.0.0.1:${port}`, caFile: authority.pemFile };
      const { fault } = (await probeBroker({ broker, door })) as { fault: Fault };
      expect([fault.code, fault.message]).toEqual(['broker-refused', expect.stringContaining('mqtt.tlsVersion')]);
      if (scheme === 'mqtts') expect(await probeBroker({ broker: { ...broker, tlsVersion: '1.2' }, door })).toMatchObject({ ok: true });
    }
    old.close();
  });

  test('is not found where the broker speaks in the clear', async () => {
    await using mosquitto = await openMosquitto();
    expect(await probeBroker({ broker: { url: mosquitto.url.replace('mqtt:', 'mqtts:') }, door })).toMatchObject({
      fault: { message: expect.stringContaining('mqtt.url') },
    });
  });
});

describe('no broker', () => {
  test('where nobody listens, and under an unknown host name', async () => {
    expect(await probeBroker({ broker: { url: `mqtt://127.0.0.1:${await freePort()}` }, door })).toMatchObject({
      fault: { code: 'broker-unreachable', message: expect.stringContaining('refuses connections') },
    });
    expect(await probeBroker({ broker: { url: 'mqtt://nowhere.invalid:1883' }, door })).toMatchObject({
      fault: { code: 'broker-unreachable', message: expect.stringMatching(/host name.*mqtt\.url/) },
    });
  });

  test('where something takes the connection and says nothing, or hangs up at once', async () => {
    for (const [serve, message] of [
      [() => {}, 'does not answer'],
      [(socket: { destroy(): void }) => socket.destroy(), 'closed the connection without an answer'],
    ] as const) {
      const server = createServer(serve).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
      expect(await probeBroker({ broker: { url }, door, timeoutMs: 200 })).toMatchObject({
        fault: { code: 'broker-unreachable', message: expect.stringContaining(message) },
      });
      server.close();
    }
  });

  test.each(['http://127.0.0.1', 'mqttss://127.0.0.1', '127.0.0.1:1883', ''])(
    'under the address %j, which is none of a broker',
    async (url) => {
      const fault = { code: 'bad-config', message: expect.stringContaining('mqtt.url') };
      expect(await probeBroker({ broker: { url }, door })).toMatchObject({ fault });
      const journal = memoryJournal({ clock: systemClock });
      const begin = () =>
        publishJournal({ journal, broker: { url }, door, clock: systemClock, log: openLog('silent'), signal: AbortSignal.abort() });
      expect(begin).toThrow(expect.objectContaining(fault));
    },
  );
});

describe('the place of a door', () => {
  test('taken by another client of the same name: the status says to give each door its own id', async () => {
    await using mosquitto = await openMosquitto();
    const journal = memoryJournal({ clock: systemClock });
    await using publisher = publishing({ journal, broker: { url: mosquitto.url }, retryMinMs: 60_000, retryMaxMs: 60_000 });
    await until(() => publisher.status().state === 'connected');
    await using _other = await openWitness(mosquitto.url, { clientId: topics.id });
    await until(() => publisher.status().state === 'down');
    expect(publisher.status().lastError?.message).toContain('door.id');
  });

  // mosquitto 2.0 hangs up without these packets, so a server here sends them (MQTT 5.0, sections 3.2 and 3.14).
  test.each([
    ['Session taken over', [0x20, 3, 0, 0, 0, 0xe0, 2, 0x8e, 0], 'door.id'],
    ['Server shutting down', [0x20, 3, 0, 0, 0, 0xe0, 2, 0x8b, 0], "the broker's log"],
    ['Maximum QoS 0', [0x20, 5, 0, 0, 2, 0x24, 0], 'QoS 1'],
    ['Unsupported Protocol Version', [0x20, 3, 0, 0x84, 0], 'mqtt.protocol'],
  ])('refused with «%s»', async (_, bytes, message) => {
    const server = createServer((socket) => socket.once('data', () => socket.write(Uint8Array.from(bytes)))).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const journal = memoryJournal({ clock: systemClock });
    await using publisher = publishing({ journal, broker: { url }, retryMinMs: 60_000, retryMaxMs: 60_000 });
    await until(() => publisher.status().lastError !== undefined);
    expect(publisher.status().lastError).toMatchObject({ code: 'broker-refused', message: expect.stringContaining(message) });
    server.close();
  });

  test('is left alone by a probe', async () => {
    await using mosquitto = await openMosquitto();
    const journal = memoryJournal({ clock: systemClock });
    await using publisher = publishing({ journal, broker: { url: mosquitto.url } });
    await until(() => publisher.status().state === 'connected');
    await using witness = await openWitness(mosquitto.url);
    expect(await probeBroker({ broker: { url: mosquitto.url }, door })).toMatchObject({ ok: true });
    await until(() => witness.of(topics.probe).length === 1 && witness.of(topics.status).length === 1);
    expect(witness.of(topics.status).map(({ body }) => body.status)).toEqual(['online']);
    expect(publisher.status().state).toBe('connected');
  });
});

describe('the embedded broker', () => {
  test('whose port is taken names the setting', async () => {
    await using first = await openBroker({ port: 0 });
    await expect(openBroker({ port: first.port })).rejects.toMatchObject({
      code: 'bad-config',
      message: expect.stringMatching(`${first.port}.*mqtt\\.embeddedPort`),
    });
  });

  test('asked in MQTT 5 is not understood, and the setting is named', async () => {
    await using broker = await openBroker({ port: 0 });
    expect(await probeBroker({ broker: { url: broker.url }, door, timeoutMs: 1000 })).toMatchObject({
      ok: false,
      fault: { message: expect.stringContaining('mqtt.protocol') },
    });
    expect(await probeBroker({ broker: { url: broker.url, protocol: '3.1.1' }, door })).toMatchObject({ ok: true });
  });

  test('closed with clients inside is gone, and its port is free', async () => {
    const broker = await openBroker({ port: 0 });
    const journal = memoryJournal({ clock: systemClock });
    await using publisher = publishing({ journal, broker: { url: broker.url, protocol: '3.1.1' } });
    await until(() => publisher.status().state === 'connected');
    await broker[Symbol.asyncDispose]();
    await using again = await openBroker({ port: broker.port });
    await until(() => publisher.status().state === 'connected');
    expect(again.port).toBe(broker.port);
  });
});
