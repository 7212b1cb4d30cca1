/**
 * A broker that is fully in an attacker's hands: it sees, keeps, delays, repeats, reorders, changes and invents whatever it likes, on a connection that
 * the door itself opened. It opens the door never, and deceives the operator never.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { importKey, newKey, openDoorKeys, publicKeyOf, thumbprint } from '../../src/command/keys.ts';
import { openSender } from '../../src/command/request.ts';
import { enclose, signClaims } from '../../src/command/seal.ts';
import { openCaller } from '../../src/mqtt/caller.ts';
import { pressable } from '../../src/mqtt/home-assistant.ts';
import { topicsOf } from '../../src/mqtt/topics.ts';
import { openPost, type Post } from '../command/post.ts';
import { type FakeClock, fakeClock } from '../fakes/clock.ts';
import { openScriptedBroker, type Published, responseTopic, type ScriptedBroker } from '../fakes/scripted-broker.ts';
import { publishing, topics, until } from '../mqtt/witness.ts';

const doorId = topics.id;
let broker: ScriptedBroker;
let post: Post;
let clock: FakeClock;
let door: ReturnType<typeof publishing>;

/** The door, connected to the attacker. */
async function connectDoor() {
  // Home Assistant may look, and its topics are listened to.
  door = publishing({ journal: post.journal, broker: { url: broker.url }, desk: post.desk, homeAssistant: { prefix: 'homeassistant' } });
  await until(() => broker.clients.get(doorId)?.filters.includes(topics.commands) === true);
}

beforeEach(async () => {
  clock = fakeClock(Date.now());
  broker = await openScriptedBroker();
  post = await openPost({ clock });
  await connectDoor();
});
afterEach(async () => {
  await door.stop();
  await broker[Symbol.asyncDispose]();
  post[Symbol.dispose]();
});

/** The answers of the door so far. */
const answers = () => broker.published.filter(({ from, topic }) => from === doorId && topic.startsWith(topics.reply('')));
/** Delivers what the attacker has made up and waits until the door has answered. */
async function attack(
  name: string,
  payload: string | Buffer,
  how: { retain?: boolean; dup?: boolean } = {},
): Promise<Published | undefined> {
  const before = answers().length;
  broker.deliver(doorId, { topic: topics.command(name), payload, properties: responseTopic(topics.reply('evil')), ...how });
  await until(() => answers().length > before);
  return answers().at(-1);
}
/** What the operator sends reaches the attacker, and nobody else. */
async function captured(name = 'door.open', args: object = {}, sender = post.senders.operator): Promise<string> {
  return (await sender.request(name, args)).payload;
}
const opened = () => post.door.calls.length;

describe('a command that the operator did send', () => {
  it('is carried out once, however often, in whatever dress, over however many connections and starts it is delivered', async () => {
    const payload = await captured();
    await attack('door.open', payload);
    expect(opened()).toBe(1);
    for (let i = 0; i < 20; i++) await attack('door.open', payload, { dup: i % 2 === 0 });
    await attack('door.open', payload, { retain: true });
    await attack('door.open', ` ${payload}\n`);
    broker.hangUp();
    await until(() => broker.clients.get(doorId)?.filters.includes(topics.commands) === true);
    await attack('door.open', payload);
    // Delivered at once so often that the first is not yet stored when the last comes.
    const another = await captured();
    const before = answers().length;
    for (let i = 0; i < 12; i++)
      broker.deliver(doorId, { topic: topics.command('door.open'), payload: another, properties: responseTopic(topics.reply('evil')) });
    await until(() => answers().length >= before + 12);
    expect(opened()).toBe(2);
  });

  it('is not carried out when it was held back until it expired, nor after the door was away', async () => {
    const payload = await captured();
    await door.stop();
    clock.jump(41_000);
    await connectDoor();
    await attack('door.open', payload);
    clock.jump(86_400_000);
    await attack('door.open', payload);
    expect(opened()).toBe(0);
  });

  it('does not open the door as another command, changed in any byte, or cut', async () => {
    const payload = await captured('door.release');
    for (const name of ['door.open', 'door.hold', 'disarm']) await attack(name, payload);
    for (let i = 0; i < payload.length; i += 61) {
      const flipped = Buffer.from(payload);
      flipped[i] = (flipped[i] ?? 0) ^ 1;
      await attack('door.release', flipped);
    }
    await attack('door.release', payload.slice(0, -8));
    expect(opened()).toBe(0);
  });

  it('for another door does not open this one, though the operator and the name of the door are the same', async () => {
    const keys = await openDoorKeys(`${post.folder}/other.json`, 'front-door');
    const sender = await openSender({ operator: post.operatorKeys.operator, door: keys.card, clock, lifeS: 30 });
    await attack('door.open', await captured('door.open', {}, sender));
    // Even where the attacker has the other door's key and can read it, and encrypts it to this one.
    const claims = {
      aud: `front-door#${keys.id}`,
      iat: clock.wall() / 1000,
      exp: clock.wall() / 1000 + 30,
      jti: 'j',
      cmd: 'door.open',
      args: {},
    };
    const kid = await thumbprint(post.operatorKeys.operator);
    const signed = await signClaims(claims, 'facelatch-command+jwt', { kid, key: await importKey(post.operatorKeys.operator) });
    await attack('door.open', await enclose(signed, await importKey(post.keys.card.encrypt)));
    expect(opened()).toBe(0);
  });

  it('in another order: a hold is not carried out after its release', async () => {
    const hold = await captured('door.hold', { durationMs: 60_000 });
    await clock.advance(10);
    const release = await captured('door.release');
    await attack('door.release', release);
    await attack('door.hold', hold);
    expect(post.door.calls.map(({ what }) => what)).toEqual(['release']);
  });
});

describe('a command that nobody sent', () => {
  it('does not open the door: unsigned, signed by a stranger, or by a key that calls itself an operator’s', async () => {
    const stranger = await newKey('Ed25519');
    const forged = async (kid: string, more: object = {}) => {
      const nowS = clock.wall() / 1000;
      const claims = {
        aud: `front-door#${post.keys.id}`,
        iat: nowS,
        exp: nowS + 30,
        jti: `f${Math.random()}`,
        cmd: 'door.open',
        args: {},
        ...more,
      };
      return await signClaims(claims, 'facelatch-command+jwt', { kid, key: await importKey(stranger) });
    };
    const operator = await thumbprint(post.operatorKeys.operator);
    await attack('door.open', '{}');
    await attack('door.open', JSON.stringify({ id: '1', args: {} }));
    await attack('door.open', await forged(await thumbprint(stranger)));
    await attack('door.open', await forged(operator));
    await attack('door.open', await enclose(await forged(operator), await importKey(post.keys.card.encrypt)));
    // The door's own answers, handed back to it.
    for (const answer of answers()) await attack('door.open', answer.payload);
    expect(opened()).toBe(0);
  });

  it('comes on every topic there is and in every dress, and the door goes on as before', async () => {
    for (const topic of [
      '',
      'x',
      topics.status,
      topics.command('door.open'),
      `${topics.command('door')}//open`,
      'facelatch/front-door/cmd/',
      topics.selfTest,
      topics.pressed,
      topics.discovery('homeassistant').birth,
    ])
      for (const payload of ['', '{}', 'null', '\u0000', 'eyJ.eyJ.x', `${'a.'.repeat(4)}a`, 'online'])
        broker.deliver(doorId, { topic, payload, retain: true });
    await attack('door.open', await captured());
    expect(opened()).toBe(1);
    expect(door.status().state).toBe('connected');
  });
});

it('what Home Assistant would send opens nothing, arms and disarms nothing, as long as the owner does not say so', async () => {
  for (const payload of pressable) broker.deliver(doorId, { topic: topics.pressed, payload });
  for (const payload of pressable) broker.deliver(doorId, { topic: topics.pressed, payload: `${payload}\n` });
  await attack('door.open', await captured());
  expect(post.door.calls.map(({ what }) => what)).toEqual(['open']);
});

it('an operator is not told that the door opened when it did not, nor by whom it was not', async () => {
  const signal = new AbortController().signal;
  await using caller = await openCaller({ broker: { url: broker.url }, door: 'front-door', signal });
  const me = [...broker.clients.keys()].find((id) => id.startsWith('facelatch-send-'))!;
  const request = await post.senders.operator.request('door.open', {});
  const forger = await openDoorKeys(`${post.folder}/forger.json`, 'front-door');
  // The door's true answer to an earlier request of the same operator.
  const earlier = await attack('door.open', await captured());
  const body = { schema: 1, id: request.id, command: 'door.open', at: '2026-01-01T00:00:00.000Z', ok: true, result: { seq: 1 } };
  const lies = [
    JSON.stringify(body),
    await signClaims(body, 'facelatch-reply+jwt', { kid: post.keys.id, key: forger.sign }),
    earlier?.payload ?? '',
    '',
    'x',
  ];
  const taken: boolean[] = [];
  const answered = caller.call('door.open', request.payload, 700, async (reply) => {
    const { proved } = await request.read(reply);
    taken.push(proved);
    return proved;
  });
  await until(() => broker.published.some(({ from }) => from === me));
  for (const lie of lies) broker.deliver(me, { topic: caller.replyTopic, payload: lie });
  expect(await answered).toBe(false);
  expect(taken).toEqual(lies.map(() => false));
});

it('what passes the broker names no command, person, PIN or operator', async () => {
  await post.operators.add({
    name: 'ada.lovelace',
    role: 'admin',
    key: publicKeyOf(await newKey('Ed25519'), 'Ed25519'),
    addedAt: '2026-01-01T00:00:00.000Z',
  });
  await attack('pin', await captured('pin', { pin: '739182' }));
  await attack('people.list', await captured('people.list'));
  expect(post.door.calls).toHaveLength(1);
  const seen = broker.published.map(({ payload }) => {
    const text = payload.toString('latin1');
    return [text, ...text.split('.').map((part) => Buffer.from(part, 'base64url').toString('latin1'))].join('\n');
  });
  for (const secret of ['739182', 'Ada', 'Grace', 'the-operator']) expect(seen.join('\n')).not.toContain(secret);
  expect(topicsOf('facelatch', 'front-door').selfTest).toBe(topics.selfTest);
});
