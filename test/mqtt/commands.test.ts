/** Commands reach the desk through a real broker and are answered; a broker that delivers none is noticed. */
import { randomUUID } from 'node:crypto';
import { connectAsync, type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/time.ts';
import { openBroker } from '../../src/mqtt/broker.ts';
import { openPost, type Post, type PostOptions } from '../command/post.ts';
import { openMosquitto } from '../fakes/mosquitto.ts';
import { publishing, topics, until } from './witness.ts';

const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Asked {
  readonly packet: IPublishPacket;
  readonly text: string;
}

/** A door that serves commands through the broker, and a client that asks. */
async function open(url: string, protocol: '5' | '3.1.1', options: PostOptions = {}) {
  const post = await openPost({ clock: systemClock, ...options });
  ends.push(() => post[Symbol.dispose]());
  const door = publishing({ journal: post.journal, broker: { url, protocol }, desk: post.desk });
  ends.push(() => door.stop());
  await until(() => door.status().commands === 'hearing');
  const client = await clientOf(url, { protocolVersion: protocol === '5' ? 5 : 4 });
  return { post, door, client };
}

async function clientOf(url: string, options: IClientOptions): Promise<MqttClient> {
  const client = await connectAsync(url, { reconnectPeriod: 0, ...options });
  ends.push(() => client.endAsync(true));
  return client;
}

/** Everything that comes on the reply topics. */
async function repliesOf(client: MqttClient): Promise<Asked[]> {
  const replies: Asked[] = [];
  client.on('message', (_topic, payload, packet) => void replies.push({ packet, text: payload.toString('utf8') }));
  await client.subscribeAsync(topics.reply('#'), { qos: 1 });
  return replies;
}

async function ask(post: Post, client: MqttClient, replies: Asked[], name: string, args: object, reply: 'properties' | 'payload') {
  const to = topics.reply(randomUUID());
  const request = await post.senders.operator.request(name, args, reply === 'payload' ? to : undefined);
  const correlationData = Buffer.from(request.id);
  const properties = reply === 'properties' ? { properties: { responseTopic: to, correlationData } } : {};
  await client.publishAsync(topics.command(name), request.payload, { qos: 1, ...properties });
  await until(() => replies.some(({ packet }) => packet.topic === to));
  const found = replies.find(({ packet }) => packet.topic === to)!;
  return { ...(await request.read(Buffer.from(found.text))), packet: found.packet, correlationData };
}

describe('a command', () => {
  it('over MQTT 5 is answered on its response topic with its correlation data, never retained, and for a minute only', async () => {
    await using broker = await openMosquitto();
    const { post, client } = await open(broker.url, '5');
    const replies = await repliesOf(client);
    const answer = await ask(post, client, replies, 'door.open', {}, 'properties');
    expect(answer).toMatchObject({ proved: true, body: { ok: true } });
    expect(answer.packet.retain).toBe(false);
    expect(answer.packet.properties).toMatchObject({ correlationData: answer.correlationData, contentType: 'application/jose' });
    expect(answer.packet.properties?.messageExpiryInterval).toBeLessThanOrEqual(60);
    expect(post.door.calls).toHaveLength(1);
    expect(await ask(post, client, replies, 'people.list', {}, 'properties')).toMatchObject({ proved: true, body: { ok: true } });
  });

  it.each([
    ['mosquitto', () => openMosquitto()],
    ['the embedded broker', () => openBroker({ port: 0 })],
  ])('over MQTT 3.1.1 and %s is answered on the topic that it names itself', async (_name, openIt) => {
    await using broker = await openIt();
    const { post, client } = await open(broker.url, '3.1.1');
    const replies = await repliesOf(client);
    expect(await ask(post, client, replies, 'door.open', {}, 'payload')).toMatchObject({ proved: true, body: { ok: true } });
    expect(post.door.calls).toHaveLength(1);
  });

  it('cannot make the door publish elsewhere than on its own reply topics', async () => {
    await using broker = await openMosquitto();
    const { post, client } = await open(broker.url, '5', { allowUnsigned: ['door.open'] });
    const heard: string[] = [];
    client.on('message', (topic) => void heard.push(topic));
    await client.subscribeAsync('#', { qos: 1 });
    const elsewhere = ['home/alarm/set', topics.command('door.open'), topics.status, topics.reply('a/../#'), 'facelatch/other/reply/x'];
    for (const [index, responseTopic] of elsewhere.entries()) {
      const properties = responseTopic.includes('#') ? {} : { properties: { responseTopic } };
      await client.publishAsync(topics.command('door.open'), JSON.stringify({ id: `e${index}`, replyTo: responseTopic }), {
        qos: 1,
        ...properties,
      });
    }
    const to = topics.reply('last');
    await client.publishAsync(topics.command('door.open'), '{"id":"last"}', { qos: 1, properties: { responseTopic: to } });
    await until(() => heard.includes(to));
    expect(post.door.calls).toHaveLength(elsewhere.length + 1);
    expect(heard.filter((topic) => !topic.includes('/cmd/') && !topic.includes('/event/') && topic !== topics.status)).toEqual([to]);
  });

  it('that is retained is not done, neither when it comes nor when the door comes back to it', async () => {
    await using broker = await openMosquitto();
    const { post, door, client } = await open(broker.url, '5', { allowUnsigned: ['door.open'] });
    const replies = await repliesOf(client);
    const properties = { responseTopic: topics.reply('r') };
    await client.publishAsync(topics.command('door.open'), '{}', { qos: 1, retain: true, properties });
    await until(() => replies.length === 1);
    expect(JSON.parse(replies[0]?.text ?? '')).toMatchObject({ ok: false, error: { code: 'retained' } });
    await door.stop();
    const again = publishing({ journal: post.journal, broker: { url: broker.url, protocol: '3.1.1' }, desk: post.desk });
    ends.push(() => again.stop());
    await until(() => again.status().commands === 'hearing');
    expect(post.door.calls).toEqual([]);
  });

  it('is answered while a backlog goes out', async () => {
    await using broker = await openMosquitto({ config: ['allow_anonymous true', 'max_inflight_messages 1'] });
    const { post, client, door } = await open(broker.url, '5');
    const replies = await repliesOf(client);
    for (let n = 1; n <= 3000; n++) post.journal.append({ kind: 'camera.restored', afterMs: n });
    expect(await ask(post, client, replies, 'door.open', {}, 'properties')).toMatchObject({ proved: true });
    expect(door.status().backlog).toBeGreaterThan(0);
  });
});

it('a broker that grants the subscription and delivers nothing is found out', async () => {
  const acl = { files: { acl: 'topic write facelatch/#\n' }, config: ['allow_anonymous true', 'acl_file $FOLDER/acl'] };
  await using broker = await openMosquitto(acl);
  const post = await openPost({ clock: systemClock });
  ends.push(() => post[Symbol.dispose]());
  const door = publishing({ journal: post.journal, broker: { url: broker.url }, desk: post.desk, selfTestMs: 300 });
  ends.push(() => door.stop());
  await until(() => door.status().commands === 'deaf');
  post.journal.append({ kind: 'camera.restored', afterMs: 1 });
  await until(() => door.status().backlog === 0);
  expect(door.status()).toMatchObject({ state: 'connected', commands: 'deaf' });
});
