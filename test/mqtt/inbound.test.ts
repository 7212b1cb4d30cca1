/** What a broker may send: decided by the fixed header, before the body is there. */
import { PassThrough, Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { type Offence, passInbound } from '../../src/mqtt/inbound.ts';
import { fakeClock } from '../fakes/clock.ts';

const connack = Buffer.from([0x20, 3, 0, 0, 0]);
const puback = Buffer.from([0x40, 2, 0, 1]);
/** A message as MQTT 5 sends it. */
const message = ({ qos = 0, topic = 'a/b', properties = 0, payload = 10 }): Buffer => {
  const name = Buffer.from(topic);
  const userProperty = Buffer.from([0x26, 0, 1, 97, 0, 1, 98]);
  const all = Buffer.concat(Array.from({ length: properties / userProperty.length }, () => userProperty));
  const body = Buffer.concat([
    Buffer.from([name.length >> 8, name.length & 255]),
    name,
    Buffer.from(qos > 0 ? [0, 1] : []),
    varint(all.length),
    all,
    Buffer.alloc(payload),
  ]);
  return Buffer.concat([Buffer.from([0x30 | (qos << 1)]), varint(body.length), body]);
};
function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let left = value; bytes.length === 0 || left > 0; left = Math.floor(left / 128)) bytes.push((left % 128) + (left >= 128 ? 128 : 0));
  return Buffer.from(bytes);
}

function through(options: { maxBytes?: number; version?: 4 | 5; write?: (chunk: Buffer) => void } = {}) {
  const from = new PassThrough();
  const passed: Buffer[] = [];
  const to = new Writable({
    write: (chunk, _encoding, done) => {
      options.write?.(chunk);
      passed.push(chunk);
      done();
    },
  });
  const clock = fakeClock();
  const offences: Offence[] = [];
  const limits = { maxBytes: options.maxBytes ?? 1000, version: options.version ?? 5 } as const;
  const done = passInbound(from, to, { limits, clock, onOffence: (offence) => offences.push(offence) });
  return { from, clock, offences, done, passed: () => Buffer.concat(passed) };
}

/** What came through, and the code of the offence that ended it. */
async function passedOf(bytes: readonly Buffer[], options: Parameters<typeof through>[0] = {}) {
  const { from, offences, done, passed } = through(options);
  for (const each of bytes) from.write(each);
  from.end();
  await done;
  return { passed: passed(), code: offences[0]?.code };
}

test('what a broker may send goes through unchanged, however it is cut', async () => {
  const all = Buffer.concat([
    connack,
    message({ qos: 1 }),
    puback,
    message({ properties: 70 }),
    message({ payload: 400 }),
    Buffer.from([0xd0, 0]),
  ]);
  expect(await passedOf([all])).toEqual({ passed: all, code: undefined });
  expect(await passedOf([...all].map((byte) => Buffer.from([byte])))).toEqual({ passed: all, code: undefined });
});

describe('a broker is answered with the reason, and nothing of the body is kept', () => {
  test.each<[string, readonly Buffer[], number, Parameters<typeof through>[0]?]>([
    ['a packet of 256 MB', [connack, Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f])], 0x95],
    ['a message above the limit', [connack, message({ payload: 1001 })], 0x95],
    ['QoS 2', [connack, message({ qos: 2 })], 0x9b],
    ['a part of QoS 2', [connack, Buffer.from([0x62, 2, 0, 1])], 0x82],
    ['QoS 3', [connack, message({ qos: 3 })], 0x81],
    ['a length of five bytes', [connack, Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 1])], 0x81],
    ['anything before CONNACK', [message({})], 0x82],
    ['CONNACK again', [connack, connack], 0x82],
    ['what only a client sends', [connack, Buffer.from([0x82, 0])], 0x82],
    ['an acknowledgement of 20 kB', [connack, Buffer.concat([Buffer.from([0x40]), varint(20_000)])], 0x95],
    ['properties of 20 kB', [connack, message({ properties: 20_000 })], 0x95, { maxBytes: 100_000 }],
    ['a topic of 2 kB', [connack, message({ topic: 'x'.repeat(2000) })], 0x95, { maxBytes: 100_000 }],
    ['a message without a topic', [connack, Buffer.from([0x30, 1, 0])], 0x81],
  ])('%s', async (_what, bytes, code, options) => {
    const { passed, code: said } = await passedOf(bytes, options);
    expect(said).toBe(code);
    expect(passed.length).toBeLessThanOrEqual(connack.length);
  });

  test('a packet at which mqtt.js throws', async () => {
    const write = () => {
      throw new Error('cannot be read');
    };
    expect((await passedOf([connack], { write })).code).toBe(0x81);
  });
});

test('MQTT 3.1.1 has no properties: what stands there is the payload', async () => {
  const bytes = Buffer.concat([connack, Buffer.from([0x30, 6, 0, 1, 97, 0xff, 0xff, 0xff])]);
  expect(await passedOf([bytes], { version: 4 })).toEqual({ passed: bytes, code: undefined });
});

test('a flood is read at a set rate: the rest waits at the broker', async () => {
  const { from, clock, passed } = through();
  const one = message({ payload: 0 });
  from.write(Buffer.concat([connack, ...Array.from({ length: 2000 }, () => one)]));
  await clock.advance(0);
  const first = (passed().length - connack.length) / one.length;
  await clock.advance(1000);
  const second = (passed().length - connack.length) / one.length;
  expect(first).toBeLessThan(110);
  expect(second - first).toBeGreaterThan(450);
  expect(second - first).toBeLessThan(550);
});

test('properties are read at a set rate too', async () => {
  const { from, clock, passed } = through({ maxBytes: 1_000_000 });
  const one = message({ properties: 7000, payload: 0 });
  from.write(Buffer.concat([connack, ...Array.from({ length: 100 }, () => one)]));
  await clock.advance(0);
  expect(passed().length).toBeLessThan(6 * one.length);
  await clock.advance(1000);
  expect(passed().length).toBeLessThan(18 * one.length);
});
