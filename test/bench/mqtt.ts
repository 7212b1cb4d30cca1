/** The whole MQTT conversation against a real mosquitto: cut connections, a long backlog, the time of a command, and a flood of rubbish. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { connectAsync } from 'mqtt';
import { openLog } from '../../src/base/log.ts';
import { type Clock, systemClock } from '../../src/base/time.ts';
import { quantile, type Row } from '../../src/cli/door/figures.ts';
import type { Journal } from '../../src/journal/port.ts';
import { openJournal } from '../../src/journal/sqlite.ts';
import { openCaller } from '../../src/mqtt/caller.ts';
import { type PublishOptions, publishJournal } from '../../src/mqtt/client.ts';
import { topicsOf } from '../../src/mqtt/topics.ts';
import { mutantsOf } from '../command/mutants.ts';
import { openPost } from '../command/post.ts';
import { openGate } from '../fakes/gate.ts';
import { fillJournal } from '../fakes/journal.ts';
import { openMosquitto } from '../fakes/mosquitto.ts';

const door = 'front-door';
const topics = topicsOf('facelatch', door);
/** mosquitto keeps what a subscriber has not acknowledged yet; with its usual limit it would drop what comes faster than we read. */
const config = ['allow_anonymous true', 'max_queued_messages 0', 'max_inflight_messages 1000'];

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

export async function benchMqtt(): Promise<Row[]> {
  return [...(await cuts(20_000, 1000)), ...(await backlog(100_000)), ...(await roundTrips(500)), ...(await rubbish(1_000_000, 300_000))];
}

interface Consumer extends AsyncDisposable {
  readonly seqs: number[];
}

async function consumer(url: string): Promise<Consumer> {
  const client = await connectAsync(url, { protocolVersion: 5, properties: { receiveMaximum: 1000 } });
  const seqs: number[] = [];
  client.on('message', (_topic, payload) => {
    const { seq } = JSON.parse(payload.toString('utf8'));
    if (seq !== undefined) seqs.push(seq);
  });
  await client.subscribeAsync(topics.event('camera.restored'), { qos: 1 });
  return { seqs, [Symbol.asyncDispose]: async () => void client.end(true) };
}

/** A journal on disk that holds so many events, in a folder of its own. */
function journalOf(events: number): Journal {
  const folder = mkdtempSync(join(tmpdir(), 'facelatch-bench-'));
  const file = join(folder, 'journal.sqlite');
  fillJournal(file, events);
  const journal = openJournal({ file, clock: systemClock });
  const close = journal[Symbol.dispose];
  journal[Symbol.dispose] = () => {
    close();
    rmSync(folder, { recursive: true, force: true });
  };
  return journal;
}

function publishing(options: Pick<PublishOptions, 'journal' | 'broker'> & Partial<PublishOptions>) {
  const stop = new AbortController();
  const publication = publishJournal({ door, clock: systemClock, log: openLog('silent'), signal: stop.signal, ...options });
  return {
    publication,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await publication.done;
    },
  };
}

async function cuts(events: number, count: number): Promise<Row[]> {
  await using mosquitto = await openMosquitto({ config });
  await using gate = await openGate(mosquitto.port);
  using journal = journalOf(events);
  await using subscriber = await consumer(mosquitto.url);
  const startedMs = performance.now();
  await using publisher = publishing({ journal, broker: { url: gate.url }, retryMinMs: 1, retryMaxMs: 5 });
  const thresholds = Array.from({ length: count }, () => Math.random() * (events - 1)).toSorted((a, b) => a - b);
  let done = 0;
  for (const threshold of thresholds) {
    while ((subscriber.seqs.at(-1) ?? 0) < threshold) await turn();
    // Somewhere in connecting, subscribing, sending or acknowledging.
    await delay(Math.random() * 6);
    while (!gate.cut()) await turn();
    done++;
  }
  while (publisher.publication.status.backlog > 0 || (subscriber.seqs.at(-1) ?? 0) < events) await delay(5);
  const seconds = (performance.now() - startedMs) / 1000;
  const kept: number[] = [];
  for (const seq of subscriber.seqs) if (seq > (kept.at(-1) ?? 0)) kept.push(seq);
  const lost = events - kept.length;
  const wrong = kept.filter((seq, index) => seq !== index + 1).length;
  const name = `${done.toLocaleString('en')} cuts in ${events.toLocaleString('en')} events (${seconds.toFixed(0)} s)`;
  return [
    { what: `${name}: events lost`, value: lost, unit: 'events', target: 0 },
    { what: '  … out of order or twice after the consumer dropped repeats', value: wrong, unit: 'events', target: 0 },
    { what: '  … repeats for each cut', value: (subscriber.seqs.length - kept.length) / done, unit: 'events' },
  ];
}

async function backlog(events: number): Promise<Row[]> {
  await using mosquitto = await openMosquitto({ config });
  using journal = journalOf(events);
  await using subscriber = await consumer(mosquitto.url);
  collect();
  const before = process.memoryUsage().heapUsed;
  const startedMs = performance.now();
  await using publisher = publishing({ journal, broker: { url: mosquitto.url } });
  let grown = 0;
  let looked = 0;
  while (publisher.publication.status.backlog > 0) {
    const acked = events - publisher.publication.status.backlog;
    if (acked - looked > events / 20) {
      looked = acked;
      collect();
      grown = Math.max(grown, process.memoryUsage().heapUsed - before);
    }
    await delay(5);
  }
  const seconds = (performance.now() - startedMs) / 1000;
  while (subscriber.seqs.length < events) await delay(5);
  const wrong = subscriber.seqs.filter((seq, index) => seq !== index + 1).length;
  return [
    {
      what: `backlog of ${events.toLocaleString('en')}: drained at (limit 5,000)`,
      value: events / seconds,
      unit: 'events/s',
      target: 2000,
      atLeast: true,
    },
    { what: '  … lost or out of order', value: wrong, unit: 'events', target: 0 },
    // The subscriber's own list of numbers is in it.
    { what: '  … most memory grown', value: grown / 1e6, unit: 'MB', target: 16 },
  ];
}

/** On which a second passes between two looks: no quota of a sender keeps a message from being read. */
function hurriedClock(): Clock {
  let nowMs = 0;
  return { ...systemClock, now: () => (nowMs += 1000) };
}

async function roundTrips(count: number): Promise<Row[]> {
  await using mosquitto = await openMosquitto({ config });
  using post = await openPost({ clock: hurriedClock(), allowUnsigned: ['door.open'], errorsPerS: 1e6 });
  await using door_ = publishing({ journal: post.journal, broker: { url: mosquitto.url }, desk: post.desk });
  while (door_.publication.status.commands !== 'hearing') await delay(5);
  await using caller = await openCaller({ broker: { url: mosquitto.url }, door, signal: new AbortController().signal });
  const signedMs: number[] = [];
  const plainMs: number[] = [];
  for (let i = -20; i < count; i++) {
    let from = performance.now();
    const request = await post.senders.operator.request('door.open', {}, caller.replyTopic);
    const answered = await caller.call('door.open', request.payload, 5000, async (reply) => (await request.read(reply)).proved);
    if (!answered) throw new Error('a signed command was not answered');
    if (i >= 0) signedMs.push(performance.now() - from);
    from = performance.now();
    const id = randomUUID();
    await caller.call(
      'door.open',
      JSON.stringify({ id }),
      5000,
      async (reply) => JSON.parse(Buffer.from(reply).toString('utf8')).id === id,
    );
    if (i >= 0) plainMs.push(performance.now() - from);
  }
  if (post.door.calls.length !== 2 * (count + 20)) throw new Error(`the door was asked ${post.door.calls.length} times`);
  const baseline = { what: 'unsigned', value: quantile(plainMs, 0.5) };
  return [
    { what: 'signed and encrypted command, sent → answer proved, p50', value: quantile(signedMs, 0.5), unit: 'ms', baseline },
    {
      what: '  … p95',
      value: quantile(signedMs, 0.95),
      unit: 'ms',
      target: 30,
      baseline: { what: 'unsigned', value: quantile(plainMs, 0.95) },
    },
  ];
}

async function rubbish(count: number, limitMs: number): Promise<Row[]> {
  using post = await openPost({ clock: hurriedClock(), errorsPerS: 10 });
  const next = await mutantsOf(post, 1);
  const before = post.door.calls.length;
  const startedMs = performance.now();
  let done = 0;
  let early = 0;
  for (; done < count && performance.now() - startedMs < limitMs; done++) {
    const { name, payload } = next();
    await post.desk.take({ name, payload, retained: false });
    if (done === Math.floor(count / 20)) {
      collect();
      early = process.memoryUsage().heapUsed;
    }
  }
  collect();
  const seconds = (performance.now() - startedMs) / 1000;
  const grown = (process.memoryUsage().heapUsed - early) / 1e6;
  return [
    { what: `mutated commands taken (${seconds.toFixed(0)} s)`, value: done, unit: 'payloads', target: count, atLeast: true },
    { what: '  … doors asked to open', value: post.door.calls.length - before, unit: 'doors', target: 0 },
    { what: '  … memory grown since the first twentieth', value: grown, unit: 'MB', target: 8 },
  ];
}
