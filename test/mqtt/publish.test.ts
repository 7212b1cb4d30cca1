/** The journal is published in order and without loss, to a real mosquitto and to the embedded broker, whatever happens to them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { connectAsync } from 'mqtt';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Fault } from '../../src/base/errors.ts';
import { systemClock } from '../../src/base/time.ts';
import type { Journal } from '../../src/journal/port.ts';
import { openJournal } from '../../src/journal/sqlite.ts';
import { openBroker } from '../../src/mqtt/broker.ts';
import type { BrokerOptions } from '../../src/mqtt/connection.ts';
import { eventOf, numbered, toldOf } from '../fakes/events.ts';
import { openGate } from '../fakes/gate.ts';
import { fillJournal, memoryJournal } from '../fakes/journal.ts';
import { freePort, openMosquitto } from '../fakes/mosquitto.ts';
import { door, openWitness, publishing, topics, until, upTo, withoutRepeats } from './witness.ts';

let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-mqtt-'));
  file = join(folder, 'journal.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const brokers: readonly (readonly [string, Pick<BrokerOptions, 'protocol'>, () => Promise<AsyncDisposable & { url: string }>])[] = [
  ['mosquitto, MQTT 5', { protocol: '5' }, () => openMosquitto()],
  ['mosquitto, MQTT 3.1.1', { protocol: '3.1.1' }, () => openMosquitto()],
  [
    'mosquitto that takes one message at a time',
    { protocol: '5' },
    () => openMosquitto({ config: ['allow_anonymous true', 'max_inflight_messages 1'] }),
  ],
  ['the embedded broker', { protocol: '3.1.1' }, () => openBroker({ port: 0 })],
];

describe.each(brokers)('over %s', (name, version, open) => {
  const witnessVersion = { protocolVersion: name === 'the embedded broker' ? 4 : 5 } as const;

  test('events come in order with QoS 1 and not retained, states and status retained, and offline at the end', async () => {
    await using broker = await open();
    await using witness = await openWitness(broker.url, { ...witnessVersion, qos: 1 });
    const journal = memoryJournal({ clock: systemClock });
    const events = Object.values(eventOf);
    for (const event of events.slice(0, 4)) journal.append(event);
    const publisher = publishing({ journal, broker: { url: broker.url, ...version } });
    publisher.publication.show('door', 'locked');
    publisher.publication.show('mode', 'armed');
    for (const event of events.slice(4)) journal.append(event);
    await until(() => witness.seqs.length === events.length && witness.of(topics.state('mode')).length > 0);
    await until(() => publisher.status().backlog === 0);
    publisher.publication.show('door', 'released');
    publisher.publication.show('door', 'released'); // no change, no message
    const counts = { people: 1, templates: 5, grants: 0, denials: 0, alarms: 0 };
    publisher.publication.show('counts', counts);
    publisher.publication.show('counts', { ...counts });
    await until(() => witness.of(topics.state('door')).length === 2);
    publisher.publication.show('door', 'locked');
    await until(() => witness.of(topics.state('door')).at(-1)?.body.state === 'locked');
    expect(publisher.status()).toEqual({ state: 'connected', backlog: 0, setAside: 0, commands: 'off' });

    await using late = await openWitness(broker.url, witnessVersion);
    await until(() => late.messages.length === 4);
    const retained = late.messages.map(({ topic, retain, body }) => [topic, retain, body.status ?? body.state]);
    expect(retained.sort()).toEqual([
      [topics.state('counts'), true, undefined],
      [topics.state('door'), true, 'locked'],
      [topics.state('mode'), true, 'armed'],
      [topics.status, true, 'online'],
    ]);
    await publisher.stop();
    await until(() => witness.of(topics.status).length === 2);
    expect(witness.of(topics.status).map(({ body }) => [body.status, body.reason])).toEqual([
      ['online', undefined],
      ['offline', 'stopped'],
    ]);
    const published = witness.messages.filter(({ topic }) => topic.includes('/event/'));
    expect(published.map(({ topic, qos, retain }) => [topic, qos, retain])).toEqual(
      events.map((event) => [topics.event(event.kind), 1, false]),
    );
    expect(published.map(({ body: { capturedAt: _, ...body } }) => body)).toEqual(
      journal.entries.map(({ seq, id, at, event, hash }) => ({ schema: 1, seq, id, at, door, hash, ...toldOf(event) })),
    );
    if (version.protocol === '5') expect(published[0]?.contentType).toBe('application/json');
    expect(witness.of(topics.state('door')).map(({ body }) => body.state)).toEqual(['locked', 'released', 'locked']);
    expect(witness.of(topics.state('counts'))).toHaveLength(1);
    // When `online` comes, the states are the present ones, not those that a killed daemon left with the broker.
    const order = witness.messages.map(({ topic }) => topic).slice(0, 3);
    expect(order).toEqual([topics.state('door'), topics.state('mode'), topics.status]);
    expect(journal.cursor('mqtt').get()).toBe(events.length);
  });
});

test('a notice that comes at the very moment in which the one before has arrived is sent too', async () => {
  await using broker = await openMosquitto();
  await using witness = await openWitness(broker.url, { qos: 1 });
  const journal = memoryJournal({ clock: systemClock });
  const publisher = publishing({ journal, broker: { url: broker.url, protocol: '5' } });
  await until(() => publisher.status().state === 'connected');
  const topic = topics.enrolment('s-1');
  const tell = (word: string, onTaken?: () => void) =>
    publisher.publication.tell(topic, { payload: JSON.stringify({ word }), retain: false, ...(onTaken && { onTaken }) });
  tell('taking', () => queueMicrotask(() => tell('collecting')));
  await until(() => witness.of(topic).length === 2);
  expect(witness.of(topic).map(({ body }) => body.word)).toEqual(['taking', 'collecting']);
  await publisher.stop();
});

describe('a broker in trouble', () => {
  test('mosquitto killed again and again during 2,000 events: every event comes, in order once repeats are dropped', async () => {
    const total = 2000;
    await using mosquitto = await openMosquitto();
    await using gate = await openGate(mosquitto.port);
    using journal = openJournal({ file, clock: systemClock });
    const seqs: number[] = [];
    let witness = await openWitness(mosquitto.url);
    await using publisher = publishing({ journal, broker: { url: gate.url } });
    const appending = (async () => {
      for (let n = 1; n <= total; n++) {
        journal.append(numbered(n));
        if (n % 5 === 0) await turn();
      }
    })();
    const kills = Array.from({ length: 6 }, (_, index) => Math.floor((total / 7) * (index + Math.random())));
    for (const at of kills) {
      await until(() => seqs.length + witness.seqs.length >= at);
      await mosquitto.kill();
      gate.open = false;
      // What the broker gave to the kernel before it died is still to be read.
      await until(() => publisher.status().state === 'down');
      await witness[Symbol.asyncDispose]();
      seqs.push(...witness.seqs);
      await mosquitto.start();
      witness = await openWitness(mosquitto.url);
      gate.open = true;
    }
    await appending;
    await until(() => witness.seqs.at(-1) === total);
    await witness[Symbol.asyncDispose]();
    seqs.push(...witness.seqs);
    expect(withoutRepeats(seqs), `kills at ${kills}`).toEqual(upTo(total));
    // Repeats are what was under way at a kill, not the journal from its beginning.
    expect(seqs.length - total).toBeLessThanOrEqual(kills.length * 64);
    await until(() => journal.cursor('mqtt').get() === total);
  });

  test('down at the start: nothing is lost, and the reason stands in the status until it is there', async () => {
    const port = await freePort();
    const journal = memoryJournal({ clock: systemClock });
    for (let n = 1; n <= 20; n++) journal.append(numbered(n));
    await using publisher = publishing({ journal, broker: { url: `mqtt://127.0.0.1:${port}`, protocol: '3.1.1' } });
    expect(publisher.status()).toEqual({ state: 'connecting', backlog: 20, setAside: 0, commands: 'off' });
    await until(() => publisher.status().state === 'down');
    expect(publisher.status()).toMatchObject({
      backlog: 20,
      lastError: { code: 'broker-unreachable', message: expect.stringMatching(/refuses connections.*mqtt\.url/) },
    });
    journal.append(numbered(21));
    await using broker = await openBroker({ port: 0 });
    await using witness = await openWitness(broker.url, { protocolVersion: 4 });
    await using _gate = await openGate(broker.port, port);
    await until(() => witness.seqs.length === 21);
    expect(witness.seqs).toEqual(upTo(21));
    await until(() => publisher.status().backlog === 0);
    expect(publisher.status()).toEqual({ state: 'connected', backlog: 0, setAside: 0, commands: 'off' });
  });

  test('frozen: it is noticed by the keepalive, appending goes on unhindered, and all comes once it is thawed', async () => {
    await using mosquitto = await openMosquitto();
    await using witness = await openWitness(mosquitto.url, { keepalive: 60 });
    using journal = openJournal({ file, clock: systemClock });
    await using publisher = publishing({ journal, broker: { url: mosquitto.url, keepaliveS: 1, connectTimeoutMs: 300 } });
    publisher.publication.show('camera', 'working');
    for (let n = 1; n <= 100; n++) journal.append(numbered(n));
    await until(() => witness.seqs.length === 100);
    mosquitto.freeze();
    const taken: number[] = [];
    for (let n = 101; n <= 400; n++) {
      const startedMs = performance.now();
      journal.append(numbered(n));
      publisher.publication.show('camera', n % 2 ? 'failed' : 'working');
      taken.push(performance.now() - startedMs);
      await turn();
    }
    expect(publisher.status().backlog).toBeGreaterThanOrEqual(300);
    expect(taken.sort((a, b) => a - b)[150]).toBeLessThan(20);
    await until(() => publisher.status().state === 'down', 5000);
    expect(publisher.status().lastError).toMatchObject({
      code: 'broker-unreachable',
      message: expect.stringContaining('does not answer'),
    });
    mosquitto.thaw();
    await until(() => witness.seqs.at(-1) === 400);
    expect(withoutRepeats(witness.seqs)).toEqual(upTo(400));
    await until(() => publisher.status().backlog === 0);
    // Although the state changed often, few of its messages were queued, and the last one is right.
    await until(() => witness.of(topics.state('camera')).at(-1)?.body.state === 'working');
    expect(witness.of(topics.state('camera')).length).toBeLessThan(20);
  });

  test('restarted without a memory: retained status and states are there again', async () => {
    await using mosquitto = await openMosquitto();
    const journal = memoryJournal({ clock: systemClock });
    await using publisher = publishing({ journal, broker: { url: mosquitto.url } });
    publisher.publication.show('camera', 'failed');
    await until(() => publisher.status().state === 'connected');
    await mosquitto.kill();
    await until(() => publisher.status().state === 'down');
    publisher.publication.show('door', 'locked'); // changed while nobody listens
    await mosquitto.start();
    await until(() => publisher.status().state === 'connected');
    await using witness = await openWitness(mosquitto.url);
    await until(() => new Set(witness.messages.map(({ topic }) => topic)).size === 3);
    expect(Object.fromEntries(witness.messages.map(({ topic, body }) => [topic, body.status ?? body.state]))).toEqual({
      [topics.status]: 'online',
      [topics.state('camera')]: 'failed',
      [topics.state('door')]: 'locked',
    });
  });

  test('that lets others write over retained states, or forgets them, has the right ones again soon', async () => {
    await using mosquitto = await openMosquitto();
    await using publisher = publishing({ journal: memoryJournal({ clock: systemClock }), broker: { url: mosquitto.url }, repeatMs: 100 });
    publisher.publication.show('door', 'locked');
    await until(() => publisher.status().state === 'connected');
    const forger = await connectAsync(mosquitto.url);
    await forger.publishAsync(topics.state('door'), '{"schema":1,"state":"released"}', { retain: true, qos: 1 });
    await forger.publishAsync(topics.status, '', { retain: true, qos: 1 });
    await forger.endAsync();
    await expect
      .poll(
        async () => {
          await using witness = await openWitness(mosquitto.url);
          await until(() => witness.messages.length > 0);
          return [witness.of(topics.state('door')).at(0)?.body.state, witness.of(topics.status).at(0)?.body.status];
        },
        { timeout: 10_000 },
      )
      .toEqual(['locked', 'online']);
  });

  test('stuck at our end: stopping takes no longer than the farewell may', async () => {
    await using mosquitto = await openMosquitto();
    const journal = memoryJournal({ clock: systemClock });
    const publisher = publishing({ journal, broker: { url: mosquitto.url }, drainMs: 100 });
    await until(() => publisher.status().state === 'connected');
    mosquitto.freeze();
    journal.append(numbered(1));
    const startedMs = performance.now();
    await publisher.stop();
    expect(performance.now() - startedMs).toBeLessThan(3000);
    expect(journal.cursor('mqtt').get()).toBe(0);
  });

  test('what is journalled last is sent before the farewell', async () => {
    await using mosquitto = await openMosquitto();
    await using witness = await openWitness(mosquitto.url);
    const journal = memoryJournal({ clock: systemClock });
    const publisher = publishing({ journal, broker: { url: mosquitto.url } });
    await until(() => publisher.status().state === 'connected');
    for (let n = 1; n <= 200; n++) journal.append(numbered(n));
    await publisher.stop();
    await until(() => witness.of(topics.status).at(-1)?.body.reason === 'stopped');
    expect(witness.seqs).toEqual(upTo(200));
    expect(journal.cursor('mqtt').get()).toBe(200);
  });
});

describe('our own process killed', () => {
  const child = fileURLToPath(new URL('child.ts', import.meta.url));

  test('the last will says so, and the next process goes on from the stored cursor', async () => {
    const total = 1500;
    fillJournal(file, total, '2026-01-05T12:00:00.000Z');
    await using mosquitto = await openMosquitto();
    await using witness = await openWitness(mosquitto.url);
    const start = () => spawn(process.execPath, [child, file, mosquitto.url, door], { stdio: ['ignore', 'inherit', 'inherit'] });
    const starts: number[] = [];
    for (const reach of [1, 600]) {
      starts.push(witness.seqs.length);
      const publisher = start();
      await until(() => witness.seqs.length >= reach);
      publisher.kill('SIGKILL');
      await once(publisher, 'exit');
      await until(() => witness.of(topics.status).filter(({ body }) => body.reason === 'lost').length === starts.length);
    }
    starts.push(witness.seqs.length);
    const last = start();
    await until(() => witness.seqs.at(-1) === total);
    last.kill('SIGKILL');
    await once(last, 'exit');
    expect(withoutRepeats(witness.seqs)).toEqual(upTo(total));
    expect(witness.messages.filter(({ topic }) => topic.includes('/event/')).every(({ body }) => body.historical === true)).toBe(true);
    // The second process began where the first had come to, and the third likewise.
    expect(witness.seqs[starts[2]!]).toBeGreaterThan(1);
  }, 90_000);
});

describe('a long backlog', () => {
  test('5,000 entries: no more than 64 are taken out at a time, and memory stays flat', async () => {
    const total = 5000;
    fillJournal(file, total);
    using stored = openJournal({ file, clock: systemClock });
    let taken = 0;
    let most = 0;
    let published = 0;
    const journal: Journal = {
      ...stored,
      head: total,
      append: stored.append,
      async *tail(after, signal) {
        for await (const entry of stored.tail(after, signal)) {
          taken = entry.seq;
          yield entry;
        }
      },
      cursor: (name) => ({ get: stored.cursor(name).get, set: stored.cursor(name).set }),
      [Symbol.dispose]: () => {},
    };
    await using mosquitto = await openMosquitto({ config: ['allow_anonymous true', 'max_inflight_messages 0'] });
    setFlagsFromString('--expose-gc');
    const collect: () => void = runInNewContext('gc');
    collect();
    const before = process.memoryUsage().heapUsed;
    await using publisher = publishing({ journal, broker: { url: mosquitto.url } });
    let grown = 0;
    let looks = 0;
    while (publisher.status().backlog > 0) {
      const acked = total - publisher.status().backlog;
      most = Math.max(most, taken - acked);
      if (acked - published > 1250) {
        published = acked;
        collect();
        looks++;
        grown = Math.max(grown, process.memoryUsage().heapUsed - before);
      }
      await turn();
    }
    expect(most).toBeGreaterThan(32); // a pipeline, not one by one
    expect(most).toBeLessThanOrEqual(65); // one more waits for its turn
    expect(looks).toBeGreaterThanOrEqual(3);
    expect(grown / 1e6).toBeLessThan(4); // held as objects they take 11
    expect(stored.cursor('mqtt').get()).toBe(total);
  });
});

describe('a journal in trouble', () => {
  test('whose cursor cannot be stored is still published', async () => {
    await using mosquitto = await openMosquitto();
    await using witness = await openWitness(mosquitto.url);
    const journal = memoryJournal({ clock: systemClock });
    let refused = 0;
    const unstorable: Journal = Object.assign(Object.create(journal), {
      cursor: () => ({
        get: () => 0,
        set: () => {
          refused++;
          throw new Fault('journal-down', 'The disk is full.');
        },
      }),
    });
    await using publisher = publishing({ journal: unstorable, broker: { url: mosquitto.url } });
    for (let n = 1; n <= 50; n++) journal.append(numbered(n));
    await until(() => publisher.status().backlog === 0 && witness.seqs.length >= 50);
    expect(publisher.status().state).toBe('connected');
    expect(witness.seqs).toEqual(upTo(50));
    expect(refused).toBeGreaterThan(0);
  });

  test('with a row that cannot be read is published up to there, and on from there once it is repaired', async () => {
    fillJournal(file, 5);
    using raw = new DatabaseSync(file);
    raw.exec('DROP TRIGGER journal_never_updated');
    const row = raw.prepare('SELECT event FROM journal WHERE seq = 4').get();
    const write = (event: unknown) => raw.prepare('UPDATE journal SET event = ? WHERE seq = 4').run(String(event));
    write('{');
    await using mosquitto = await openMosquitto();
    await using witness = await openWitness(mosquitto.url);
    using journal = openJournal({ file, clock: systemClock });
    await using publisher = publishing({ journal, broker: { url: mosquitto.url } });
    await until(() => publisher.status().lastError !== undefined && publisher.status().backlog === 2 && witness.seqs.length >= 3);
    expect(publisher.status()).toMatchObject({
      state: 'connected',
      lastError: { code: 'journal-damaged', message: expect.stringContaining('Row 4 ') },
    });
    expect(witness.seqs).toEqual(upTo(3));
    write(row?.event);
    await until(() => publisher.status().backlog === 0 && witness.seqs.length >= 5);
    expect(publisher.status()).toEqual({ state: 'connected', backlog: 0, setAside: 0, commands: 'off' });
    expect(witness.seqs).toEqual(upTo(5));
    expect(witness.of(topics.status).map(({ body }) => body.status)).toEqual(['online']);
  });

  test('that was closed too early does not stop the farewell', async () => {
    await using mosquitto = await openMosquitto();
    await using witness = await openWitness(mosquitto.url);
    const journal = openJournal({ file, clock: systemClock });
    const publisher = publishing({ journal, broker: { url: mosquitto.url }, retryMinMs: 60_000, retryMaxMs: 60_000 });
    await until(() => publisher.status().state === 'connected');
    journal[Symbol.dispose]();
    await publisher.stop();
    await until(() => witness.of(topics.status).at(-1)?.body.reason === 'stopped');
    expect(publisher.status().state).toBe('down');
  });
});
