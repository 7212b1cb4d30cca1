/**
 * The conversation over every way there is to a broker: the running house, an operator in a process of their own, and somebody who only watches; on a
 * real mosquitto that asks for TLS 1.3, certificates and passwords, and lets nobody do more than its access list says.
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectAsync, type IClientOptions } from 'mqtt';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openLog } from '../../src/base/log.ts';
import { newKey, openDoorKeys, publicKeyOf } from '../../src/command/keys.ts';
import { operatorsIn } from '../../src/command/operators.ts';
import type { Event } from '../../src/events.ts';
import { signedBody } from '../../src/mqtt/statement.ts';
import { wire } from '../../src/wire.ts';
import { facelatch, temporaryFolder } from '../cli/facelatch.ts';
import { fakeCamera } from '../fakes/camera.ts';
import { authorityIn } from '../fakes/certificates.ts';
import { doorConfig } from '../fakes/config.ts';
import { accepting, freePort, type Mosquitto, openMosquitto } from '../fakes/mosquitto.ts';
import { drawing, drawingReader } from '../fakes/reader.ts';

let folder: ReturnType<typeof temporaryFolder>;
const ends: (() => Promise<unknown>)[] = [];
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  folder[Symbol.dispose]();
});

const users = ['door', 'olga', 'monitor', 'guest'] as const;
const acl = `
user door
topic readwrite facelatch/front-door/#
user olga
topic write facelatch/front-door/cmd/#
topic read facelatch/front-door/reply/#
user monitor
topic read facelatch/front-door/status
topic read facelatch/front-door/state/#
topic read facelatch/front-door/event/#
`;

/** A mosquitto that lets in only those users; the word of each is their name. */
async function guarded(config: readonly string[], files: Readonly<Record<string, string>> = {}): Promise<Mosquitto> {
  const passwords = join(folder.path, 'passwords');
  writeFileSync(passwords, '', { mode: 0o600 });
  for (const user of users) execFileSync('mosquitto_passwd', ['-b', passwords, user, user], { stdio: 'ignore' });
  const broker = await openMosquitto({
    config: [...config, 'allow_anonymous false', 'password_file $FOLDER/passwords', 'acl_file $FOLDER/acl'],
    files: { ...files, passwords: readFileSync(passwords, 'utf8'), acl },
  });
  ends.push(async () => broker[Symbol.asyncDispose]());
  return broker;
}

/** The port of a listener for WebSockets; mosquitto 2.0 starts none unless it has another listener too. */
async function webSockets(config: readonly string[] = [], files: Readonly<Record<string, string>> = {}): Promise<number> {
  const port = await freePort();
  await guarded([`listener ${port} 127.0.0.1`, 'protocol websockets', ...config], files);
  await accepting(port);
  return port;
}

interface Way {
  readonly url: string;
  readonly settings?: Readonly<Record<string, string>>;
  /** For those who speak with mqtt.js alone. */
  readonly options?: IClientOptions;
}

/** A running door that publishes and takes commands that way, with Ada enrolled and Olga as its operator. */
async function open({ url, settings = {} }: Way) {
  const state = join(folder.path, 'state');
  mkdirSync(state, { mode: 0o700 });
  const key = await newKey('Ed25519');
  const keyFile = join(folder.path, 'key.json');
  writeFileSync(keyFile, JSON.stringify(key), { mode: 0o600 });
  const added = { name: 'olga', role: 'operator', key: publicKeyOf(key, 'Ed25519'), addedAt: '2026-01-01T00:00:00.000Z' } as const;
  await operatorsIn(join(state, 'operators.json')).add(added);
  const word = (user: string) => {
    const file = join(folder.path, `${user}.password`);
    writeFileSync(file, `${user}\n`, { mode: 0o600 });
    return file;
  };
  const values = {
    ...{ 'state.folder': state, 'identity.policy': 'paper', 'face.idleFps': 0, 'access.absenceMs': 2000 },
    ...{ 'mqtt.enabled': true, 'mqtt.url': url, 'mqtt.clockCheck': false, 'mqtt.user': 'door', 'mqtt.passwordFile': word('door') },
    ...settings,
  };
  const config = doorConfig(values);
  const camera = fakeCamera();
  const reader = drawingReader();
  const events: Event[] = [];
  const house = await wire(config, openLog('silent'), { camera, reader, onEvent: (event) => events.push(event) });
  const { faces } = await reader.read(drawing({ face: 0 }));
  house.gallery.enrol({ name: 'Ada', pictures: [{ picture: drawing({ face: 0 }), template: faces[0]!.embedding!, source: 'test' }] });
  const end = new AbortController();
  const running = house.run(end.signal);
  ends.push(async () => {
    end.abort(new Error('the test is over'));
    await running;
    await house[Symbol.asyncDispose]();
  });
  const sets = Object.entries({ ...settings, 'mqtt.user': 'olga', 'mqtt.passwordFile': word('olga') }).flatMap(([path, value]) => [
    ...['--set', `${path}=${value}`],
  ]);
  const send = (command: string) =>
    facelatch(['send', 'front-door', command, '--key', keyFile, '--broker', url, '--state', state, ...sets, '--timeout', '15']);
  return { house, camera, events, send, state };
}

async function client(way: Way, username: string) {
  const { url, options } = way;
  const made = await connectAsync(url, { protocolVersion: 5, reconnectPeriod: 0, username, password: username, ...options }, false);
  ends.push(() => made.endAsync(true));
  const topics: string[] = [];
  const messages: { readonly topic: string; readonly payload: Buffer }[] = [];
  made.on('message', (topic, payload) => {
    topics.push(topic);
    messages.push({ topic, payload });
  });
  return { ...made, topics, messages, client: made };
}

const tls13 = ['tls_version tlsv1.3', 'cafile $FOLDER/ca', 'certfile $FOLDER/pem', 'keyfile $FOLDER/key'];
const ways: Readonly<Record<string, () => Promise<Way>>> = {
  'TLS 1.3, a certificate on both sides and a password': async () => {
    const authority = authorityIn(folder.path);
    const broker = authority.issue('broker', 'IP:127.0.0.1');
    const ours = authority.issue('client');
    const files = { ca: authority.pem, pem: broker.pem, key: broker.key };
    const { port } = await guarded([...tls13, 'require_certificate true'], files);
    const settings = { 'mqtt.caFile': authority.pemFile, 'mqtt.certFile': ours.pemFile, 'mqtt.keyFile': ours.keyFile };
    return { url: `mqtts://127.0.0.1:${port}`, settings, options: { ca: authority.pem, cert: ours.pem, key: ours.key } };
  },
  'MQTT 3.1.1 over TLS 1.3': async () => {
    const authority = authorityIn(folder.path);
    const broker = authority.issue('broker', 'IP:127.0.0.1');
    const { port } = await guarded(tls13, { ca: authority.pem, pem: broker.pem, key: broker.key });
    const settings = { 'mqtt.caFile': authority.pemFile, 'mqtt.protocol': '3.1.1' };
    return { url: `mqtts://127.0.0.1:${port}`, settings, options: { ca: authority.pem, protocolVersion: 4 } };
  },
  'WebSocket over TLS': async () => {
    const authority = authorityIn(folder.path);
    const broker = authority.issue('broker', 'IP:127.0.0.1');
    const files = { ca: authority.pem, pem: broker.pem, key: broker.key };
    const port = await webSockets(['certfile $FOLDER/pem', 'keyfile $FOLDER/key'], files);
    return { url: `wss://127.0.0.1:${port}`, settings: { 'mqtt.caFile': authority.pemFile }, options: { ca: authority.pem } };
  },
  WebSocket: async () => {
    const port = await webSockets();
    return { url: `ws://127.0.0.1:${port}` };
  },
};

it.each(Object.entries(ways))(
  'over %s: events, a signed command, and nobody does more than they may',
  async (_name, make) => {
    const way = await make();
    const monitor = await client(way, 'monitor');
    await monitor.client.subscribeAsync('#', { qos: 1 });
    const { camera, events, send, house, state } = await open(way);
    await expect.poll(() => house.status.broker, { timeout: 15_000 }).toBe('connected');
    let frame = 0;
    await expect
      .poll(
        async () => {
          await camera.push(drawing({ face: 0, tag: `${++frame}` }));
          return events.some(({ kind }) => kind === 'relay.pulsed');
        },
        { timeout: 15_000, interval: 20 },
      )
      .toBe(true);
    const topic = (rest: string) => `facelatch/front-door/${rest}`;
    await expect.poll(() => monitor.topics, { timeout: 5000 }).toContain(topic('event/relay/pulsed'));

    // All of it is signed by the door.
    const { id: kid, verify: key } = await openDoorKeys(join(state, 'door-keys.json'), 'front-door');
    for (const { topic: on, payload } of monitor.messages)
      expect(await signedBody(on, payload, { kid, key }), on).toMatchObject({ ok: true });

    // Who may not, may not: what they send never comes, what they ask for they never hear.
    const guest = await client(way, 'guest');
    await guest.client.subscribeAsync('#', { qos: 1 }).catch(() => undefined);
    const forbidden = topic('cmd/door/open');
    for (const { client: each } of [guest, monitor]) await each.publishAsync(forbidden, '{}', { qos: 0 }).catch(() => undefined);

    const opened = await send('door.open');
    expect(opened).toMatchObject({ code: 0, stdout: expect.stringMatching(/was released \(journal entry \d+\)/) });
    await expect.poll(() => monitor.topics, { timeout: 5000 }).toContain(topic('event/request/granted'));
    const requests = house.journal.query({ kinds: ['request.granted'] }).map(({ event }) => 'by' in event && event.by);
    expect(requests).toEqual([expect.objectContaining({ kind: 'operator', name: 'olga', via: 'mqtt' })]);
    expect(guest.topics).toEqual([]);
    expect(monitor.topics.filter((each) => /\/(cmd|reply)\//.test(each))).toEqual([]);
    // The door speaks on its own topics only.
    expect(monitor.topics.every((each) => each.startsWith('facelatch/front-door/'))).toBe(true);
  },
  60_000,
);
