/** What a door signs, and what a listener makes of what comes over a broker that lies. */
import { flattenedVerify } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Signer } from '../../src/base/jws.ts';
import { importKey, newKey, publicKeyOf, thumbprint } from '../../src/command/keys.ts';
import { listening } from '../../src/mqtt/listening.ts';
import { signedBody, withSignature } from '../../src/mqtt/statement.ts';
import { topicsOf } from '../../src/mqtt/topics.ts';

const topics = topicsOf('facelatch', 'front-door');
const nowMs = Date.UTC(2026, 0, 5, 12);
const granted = topics.event('access.granted');

async function keyPair(): Promise<{ sign: Signer; verify: Signer }> {
  const key = await newKey('Ed25519');
  const kid = await thumbprint(key);
  return { sign: { kid, key: await importKey(key) }, verify: { kid, key: await importKey(publicKeyOf(key, 'Ed25519')) } };
}
let door: Awaited<ReturnType<typeof keyPair>>;
let other: Awaited<ReturnType<typeof keyPair>>;
beforeAll(async () => {
  [door, other] = [await keyPair(), await keyPair()];
});

const event = (seq: number, more: object = {}) => JSON.stringify({ schema: 1, id: `id-${seq}`, seq, kind: 'access.granted', ...more });
const state = (value: string) => JSON.stringify({ schema: 1, state: value, at: '2026-01-05T12:00:00.000Z' });

describe('a signed message', () => {
  test('is the payload with one more field, which templates need not know', async () => {
    const signed = await withSignature(topics.state('door'), state('locked'), nowMs, door.sign);
    const { sig, ...rest } = JSON.parse(signed);
    expect(rest).toEqual(JSON.parse(state('locked')));
    expect(Object.keys(JSON.parse(signed)).at(-1)).toBe('sig');
    const header = JSON.parse(Buffer.from(sig.split('.')[0], 'base64url').toString());
    expect(header).toEqual({
      alg: 'Ed25519',
      kid: door.sign.kid,
      typ: 'facelatch-statement+jws',
      topic: topics.state('door'),
      iat: nowMs / 1000,
    });
  });

  test('is checked by any JOSE library: cut off the last field, put the rest in the middle', async () => {
    const signed = await withSignature(granted, event(7), nowMs, door.sign);
    const payload = `${signed.slice(0, signed.lastIndexOf(',"sig":"'))}}`;
    const [head, , signature] = JSON.parse(signed).sig.split('.');
    const verified = await flattenedVerify(
      { protected: head, payload: Buffer.from(payload).toString('base64url'), signature },
      door.verify.key,
    );
    expect(Buffer.from(verified.payload).toString()).toBe(event(7));
  });

  test.each<[string, (signed: string) => string | Promise<string>, string, string?]>([
    ['changed in its text', (text) => text.replace('"seq":7', '"seq":8'), 'other-key'],
    ['changed in its signature', (text) => text.replace(/..."}$/, 'AAA"}'), 'other-key'],
    ['with another field behind the signature', (text) => text.replace(/}$/, ',"seq":8}'), 'other-key'],
    ['with a space in it', (text) => text.replace('"seq":7', '"seq": 7'), 'other-key'],
    ['without its signature', (text) => text.replace(/,"sig".*$/, '}'), 'unsigned'],
    ['signed by another door', () => withSignature(granted, event(7), nowMs, other.sign), 'other-key'],
    ['on another topic', (text) => text, 'other-topic', topics.event('access.denied')],
    ['that is no JSON', () => 'online', 'not-json'],
    ['with a signature that is none', (text) => text.replace(/"sig":"[^"]*"/, '"sig":"..."'), 'other-key'],
  ])('%s is not believed', async (_what, change, doubt, topic = granted) => {
    const changed = await change(await withSignature(granted, event(7), nowMs, door.sign));
    expect(await signedBody(topic, Buffer.from(changed), door.verify)).toMatchObject({ ok: false, doubt });
  });
});

describe('a listener', () => {
  const open = (clock = { nowMs }) => {
    const ear = listening({ topics, signer: door.verify, nowMs: () => clock.nowMs });
    const take = async (topic: string, text: string, { atMs = nowMs, retained = false, signer = door.sign } = {}) =>
      await ear.take(topic, Buffer.from(await withSignature(topic, text, atMs, signer)), retained);
    return { ear, clock, take, findings: async (...message: Parameters<typeof take>) => (await take(...message))?.findings };
  };

  test('believes entries in order, and drops repeats', async () => {
    const { findings } = open();
    expect(await findings(granted, event(5))).toEqual([]);
    expect(await findings(granted, event(6))).toEqual([]);
    expect(await findings(granted, event(6))).toBeUndefined();
    expect(await findings(granted, event(5))).toBeUndefined();
    expect(await findings(granted, event(7))).toEqual([]);
  });

  test('says how many entries are missing', async () => {
    const { take } = open();
    await take(granted, event(5));
    expect(await take(granted, event(9))).toMatchObject({ findings: ['missing'], missing: 3 });
    expect(await take(granted, event(10))).toMatchObject({ findings: [] });
  });

  test('says that another entry had this number: a journal that was rewritten, or began again', async () => {
    const { take } = open();
    for (const seq of [1, 2, 3]) await take(granted, event(seq));
    expect(await take(granted, event(2, { id: 'another' }))).toMatchObject({ findings: ['rewritten'] });
    expect(await take(granted, event(3, { id: 'another too' }))).toMatchObject({ findings: [] });
  });

  test('says that a signed place in the journal is not the one that it heard: a journal written again behind it', async () => {
    const { findings } = open();
    for (const seq of [1, 2, 3]) await findings(granted, event(seq, { hash: `hash ${seq}` }));
    expect(await findings(granted, event(4, { hash: 'hash 4', checkpoint: { seq: 2, hash: 'hash 2' } }))).toEqual([]);
    expect(await findings(granted, event(5, { hash: 'hash 5', checkpoint: { seq: 3, hash: 'another' } }))).toEqual(['rewritten']);
    expect(await findings(granted, event(6, { hash: 'hash 6', checkpoint: { seq: 3, hash: 'another' } }))).toEqual([]);
  });

  test('does not take an event that the broker had stored, nor one that was held back, for something that happens now', async () => {
    const { findings, clock } = open();
    expect(await findings(granted, event(1), { retained: true })).toEqual(['retained']);
    clock.nowMs += 3_600_000;
    expect(await findings(granted, event(2))).toEqual(['late']);
  });

  test('does not take an old state for how the door is now: replayed, or no longer repeated', async () => {
    const { findings, clock } = open();
    const topic = topics.state('door');
    expect(await findings(topic, state('locked'), { atMs: nowMs, retained: true })).toEqual([]);
    expect(await findings(topic, state('released'), { atMs: nowMs + 1000 })).toEqual([]);
    expect(await findings(topic, state('locked'), { atMs: nowMs })).toEqual(['old']);
    clock.nowMs += 600_000;
    expect(await findings(topic, state('released'), { atMs: nowMs + 2000 })).toEqual(['old']);
  });

  test('believes no state of another door or key, and takes the last will for what it is', async () => {
    const { ear, findings } = open();
    expect(await findings(topics.state('door'), state('released'), { signer: other.sign })).toEqual(['other-key']);
    const will = Buffer.from('{"schema":1,"status":"offline","reason":"lost"}');
    expect(await ear.take(topics.status, will, true)).toMatchObject({ what: 'status', signed: false, findings: [] });
    const forged = Buffer.from('{"schema":1,"status":"online","at":"2026-01-05T12:00:00.000Z"}');
    expect(await ear.take(topics.status, forged, true)).toMatchObject({ findings: ['unsigned'] });
  });
});
