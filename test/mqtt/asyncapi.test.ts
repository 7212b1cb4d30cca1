/** The AsyncAPI document is valid, is the one in docs/, and describes every message that is really published. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { connectAsync } from 'mqtt';
import { expect, it } from 'vitest';
import { openLog } from '../../src/base/log.ts';
import { systemClock } from '../../src/base/time.ts';
import { asyncApiDocument } from '../../src/cli/door/config.ts';
import { commands } from '../../src/command/registry.ts';
import { encodeTrainingLine } from '../../src/mqtt/codec.ts';
import { discoveryMessage } from '../../src/mqtt/home-assistant.ts';
import { probeBroker } from '../../src/mqtt/probe.ts';
import { tellHomeAssistant } from '../../src/mqtt/tell-home-assistant.ts';
import { openPost } from '../command/post.ts';
import { eventOf } from '../fakes/events.ts';
import { openMosquitto } from '../fakes/mosquitto.ts';
import { door, publishing, topics, until } from './witness.ts';

const require = createRequire(import.meta.url);
interface Message {
  readonly contentType?: string;
  readonly payload?: object;
  readonly $ref?: string;
}
interface Document {
  readonly channels: Record<string, { readonly address: string; readonly messages: Record<string, Message> }>;
  readonly operations: Record<string, { readonly channel: { readonly $ref: string } }>;
  readonly components: { readonly messages: Record<string, Message> };
}
const document = JSON.parse(JSON.stringify(asyncApiDocument())) as Document;
const ajv = new Ajv({ strict: false });
formats.default(ajv);

const resolved = (message: Message): Message =>
  message.$ref ? (document.components.messages[message.$ref.split('/').at(-1) ?? ''] ?? {}) : message;
const patternOf = (address: string) =>
  new RegExp(
    `^${address
      .replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&')
      .replaceAll('{client}', '.+')
      .replaceAll(/\{\w+\}/g, '[^/]+')}$`,
  );

/** The channels that a topic belongs to, and what is wrong with the payload in each of them. */
function channelsOf(topic: string, payload: Buffer) {
  return Object.entries(document.channels)
    .filter(([, { address }]) => patternOf(address).test(topic))
    .map(([key, { messages }]) => {
      const text = payload.toString('utf8');
      const body: unknown = text.startsWith('{') ? JSON.parse(text) : text;
      const problems = Object.values(messages).map((message) => {
        const schema = resolved(message).payload ?? false;
        return ajv.validate(schema, body) ? undefined : ajv.errorsText();
      });
      return { key, problem: problems.some((problem) => problem === undefined) ? undefined : problems.join(' | ') };
    });
}

it('is valid AsyncAPI 3.0', () => {
  const schema = require('@asyncapi/specs/schemas/3.0.0-without-$id.json');
  const checker = new Ajv({ strict: false, allErrors: true, unicodeRegExp: false });
  formats.default(checker);
  const fits = checker.validate(schema, document);
  expect(fits, checker.errorsText(checker.errors, { separator: '\n' }).slice(0, 2000)).toBe(true);
});

it('is the one in docs/ (npm run reference makes it again)', () => {
  expect(JSON.parse(readFileSync(new URL('../../docs/asyncapi.json', import.meta.url), 'utf8'))).toEqual(document);
});

it('has every reference it makes, and a channel for every command', () => {
  const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path]) => path ?? '');
  const missing = refs.filter(
    (path) => path.split('/').reduce((node: unknown, key) => (node as Record<string, unknown>)?.[key], document) === undefined,
  );
  expect(refs.length).toBeGreaterThan(50);
  expect(missing).toEqual([]);
  for (const { name } of commands)
    expect(Object.values(document.channels).map(({ address }) => address)).toContain(`facelatch/{door}/cmd/${name.replaceAll('.', '/')}`);
});

it('describes every message that a door publishes: events, states, status, commands, replies', async () => {
  await using broker = await openMosquitto();
  using post = await openPost({ clock: systemClock });
  for (const event of Object.values(eventOf)) post.journal.append(event);
  const client = await connectAsync(broker.url, { protocolVersion: 5 });
  const seen: { topic: string; payload: Buffer }[] = [];
  client.on('message', (topic, payload) => void seen.push({ topic, payload }));
  await client.subscribeAsync('#', { qos: 1 });
  const homeAssistant = { prefix: 'homeassistant' };
  const publisher = publishing({
    ...{ journal: post.journal, broker: { url: broker.url }, desk: post.desk, homeAssistant },
    historicalAfterMs: -1,
  });
  publisher.publication.show('door', 'locked');
  publisher.publication.show('camera', 'failed');
  publisher.publication.show('face', 'stopped');
  publisher.publication.show('vault', 'locked');
  publisher.publication.show('mode', 'armed');
  publisher.publication.show('contact', 'open');
  publisher.publication.show('tamper', 'unknown');
  publisher.publication.show('visitor', 'turn-left');
  publisher.publication.show('spoof', 'clear');
  publisher.publication.show('counts', { people: 3, templates: 15, grants: 1, denials: 0, alarms: 0 });
  publisher.publication.show('model', { name: 'twin', version: '2.0.0', latest: '2.1.0' });
  const job = { id: 'j-1', recipe: 'adapt', where: 'door', by: 'ada', state: 'training', startedAt: '2026-01-05T12:00:00.000Z' } as const;
  publisher.publication.show('training', { ...job, stage: 'steps', done: 1, total: 3, figures: { loss: 0.5 } });
  await until(() => publisher.status().commands === 'hearing' && publisher.status().backlog === 0);
  const discovery = discoveryMessage({
    ...{ topics, ...homeAssistant, door, version: '1', inputs: ['contact'], person: 'id', image: true, allowed: [] },
  });
  publisher.publication.tell(discovery.topic, { payload: discovery.payload, retain: true });
  await until(() => seen.some(({ topic, payload }) => topic === discovery.topic && payload.length > 0));
  publisher.publication.tell(discovery.topic, { payload: '', retain: true });
  const tell = tellHomeAssistant({
    ...{ publication: publisher.publication, topics, named: (id: string) => id, clock: systemClock, log: openLog('silent') },
    picture: async () => Buffer.from('a picture'),
  });
  for (const event of [eventOf['access.granted'], eventOf['access.denied'], eventOf['access.pending']]) {
    tell(event, undefined);
    const word = event.kind.split('.')[1];
    await until(() => seen.some(({ topic, payload }) => topic === topics.homeAssistant('attempt') && payload.includes(`"${word}"`)));
  }
  await until(() => seen.some(({ topic }) => topic === topics.homeAssistant('image')));
  await client.publishAsync(topics.pressed, 'arm');
  await client.publishAsync('homeassistant/status', 'online');
  publisher.publication.tell(topics.training(job.id), { payload: encodeTrainingLine(job.id, 'step 1', 0), retain: false });
  await probeBroker({ broker: { url: broker.url }, door });
  const ask = (name: string, payload: string) =>
    client.publishAsync(topics.command(name), payload, { qos: 1, properties: { responseTopic: topics.reply(name) } });
  await ask('journal.query', '{"id":"q","args":{"limit":3}}');
  await ask('people.list', '{}');
  await ask('door.open', (await post.senders.operator.request('door.open', {})).payload);
  await until(() => seen.filter(({ topic }) => topic.startsWith(topics.reply(''))).length === 3);
  await publisher.stop();
  await until(() => seen.some(({ payload }) => payload.includes('"stopped"') && payload.includes('"offline"')));
  await client.endAsync(true);

  const judged = seen.map(({ topic, payload }) => ({ topic, channels: channelsOf(topic, payload) }));
  const odd = judged.filter(({ channels }) => channels.length !== 1 || channels[0]?.problem !== undefined);
  expect(odd).toEqual([]);
  const used = new Set(judged.flatMap(({ channels }) => channels.map(({ key }) => key)));
  // Everything the door publishes by itself was seen; what is left are commands that were not sent, and enrolment.
  expect(Object.keys(document.channels).filter((key) => !used.has(key) && !key.startsWith('cmd') && key !== 'enrolment')).toEqual([]);
});

it('does not fit a message that differs from it', () => {
  const payload = Buffer.from('{"schema":1,"state":"ajar","at":"2026-01-01T00:00:00.000Z"}');
  expect(channelsOf(topics.state('door'), payload)[0]?.problem).toContain('allowed values');
  expect(channelsOf('facelatch/front-door/gossip', payload)).toEqual([]);
});
