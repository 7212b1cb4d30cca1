/**
 * What a broker may send. In: the bytes of a connection. Out: the same bytes, slowed to a set rate, for mqtt.js; or an
 * offence, found in the fixed header before the body is read. mqtt.js alone would collect a packet of 256 MB, and keep
 * every QoS 2 message that is never released. Connections (connection.ts) put it in front of mqtt.js.
 */
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { type Clock, systemClock } from '../base/time.ts';
import { type TokenBucket, tokenBucket } from '../base/token-bucket.ts';

/** Reason codes of a DISCONNECT to the broker: MQTT 5.0, section 3.14.2.1. */
const malformedPacket = 0x81;
const protocolError = 0x82;
const packetTooLarge = 0x95;
const qosNotSupported = 0x9b;

/** What a broker did that it may not do. */
export interface Offence {
  /** The reason code that answers it. */
  readonly code: number;
  /** Said of the broker, as in "sends a packet of type 5". */
  readonly what: string;
}

export interface InboundLimits {
  /** Longest message, with its fixed header, bytes. */
  readonly maxBytes: number;
  /** Version of MQTT: packets of version 5 have properties. */
  readonly version: 4 | 5;
}

export interface InboundOptions {
  readonly limits: InboundLimits;
  readonly clock?: Clock;
  readonly onOffence: (offence: Offence) => void;
}

/** Messages read a second; what is above that waits at the broker. Commands of people need less than one. */
const messagesPerS = 500;
/** Acknowledgements and the like: one for each message of the door, which sends 5000 a second at most. */
const answersPerS = 20_000;
/** What may come at once: little enough to leave the thread to the door in between. */
const messagesAtOnce = 100;
const answersAtOnce = 2000;
/** Bytes read a second, if `maxBytes` is not more. */
const leastBytesPerS = 256_000;
/** Longest packet that is not a message, and longest properties and topic of a message, bytes. */
const maxAnswerBytes = 16_384;
const maxPropertyBytes = 16_384;
const maxTopicBytes = 1024;
/** Bytes of properties a second, and how many may come at once: mqtt.js needs a millisecond for 1 kB. */
const propertyBytesPerS = 65_536;
const propertyBytesAtOnce = 32_768;
/** An answer of so many bytes has no property worth counting. */
const shortAnswerBytes = 32;

const connack = 2;
const publish = 3;
/** PUBACK, SUBACK, UNSUBACK, PINGRESP, DISCONNECT. PUBREC, PUBREL and PUBCOMP belong to QoS 2. */
const answers = new Set([4, 9, 11, 13, 14]);

/** A fixed header: section 2.1. */
interface Header {
  readonly type: number;
  /** Of a message. */
  readonly qos: number;
  /** Bytes after the fixed header. */
  readonly length: number;
}

/** What is known of the packets that came so far. */
interface Reading {
  readonly limits: InboundLimits;
  /** The bytes of a fixed header that is not whole yet. */
  readonly header: number[];
  bodyLeft: number;
  /** The beginning of the message under way, until the length of its properties is known. */
  head: MessageHead | undefined;
  connected: boolean;
}

/** Section 3.3.2: topic, packet identifier, properties. */
interface MessageHead {
  readonly idBytes: number;
  /** Bytes that came so far. */
  came: number;
  topicBytes: number;
  readonly lengthBytes: number[];
}

/** A packet whose turn comes when its first bytes have been looked at. */
interface Found {
  readonly kind: 'message' | 'answer';
  readonly propertyBytes: number;
  /** Where that is in the chunk. */
  readonly at: number;
}

/**
 * Passes what `from` gives on to `to` until it ends. On an offence it reads no more and tells; whoever opened the
 * connection ends it.
 */
export async function passInbound(from: Readable, to: Writable, { limits, clock = systemClock, onOffence }: InboundOptions): Promise<void> {
  const reading: Reading = { limits, header: [], bodyLeft: 0, head: undefined, connected: false };
  const buckets = bucketsOf(limits, clock);
  try {
    for await (const chunk of from.iterator({ destroyOnReturn: false })) {
      const offence = await passChunk(reading, chunk, to, buckets, clock);
      if (!offence) continue;
      onOffence(offence);
      return;
    }
    to.end();
  } catch {
    // The connection broke: its "error" and "close" tell why.
  }
}

interface Buckets {
  readonly message: TokenBucket;
  readonly answer: TokenBucket;
  readonly property: TokenBucket;
  readonly byte: TokenBucket;
  readonly byteSize: number;
}

function bucketsOf({ maxBytes }: InboundLimits, clock: Clock): Buckets {
  const bytesPerS = Math.max(leastBytesPerS, maxBytes);
  const bucket = (perS: number, size: number) => tokenBucket({ perS, size, clock });
  return {
    message: bucket(messagesPerS, messagesAtOnce),
    answer: bucket(answersPerS, answersAtOnce),
    property: bucket(propertyBytesPerS, propertyBytesAtOnce),
    byte: bucket(bytesPerS, 2 * bytesPerS),
    byteSize: 2 * bytesPerS,
  };
}

/** Passes a chunk on, each packet in its turn. */
async function passChunk(reading: Reading, chunk: Buffer, to: Writable, buckets: Buckets, clock: Clock): Promise<Offence | undefined> {
  await turn(buckets.byte, clock, Math.min(chunk.length, buckets.byteSize));
  let passed = 0;
  for (const found of packetsIn(reading, chunk)) {
    if ('code' in found) return found;
    const { kind, propertyBytes, at } = found;
    const [taken, read] = [buckets[kind].take(), buckets.property.take(propertyBytes)];
    if (taken && read) continue;
    // What came before goes on while this packet waits.
    const refused = await pass(chunk.subarray(passed, at), to);
    if (refused) return refused;
    passed = at;
    if (!taken) await turn(buckets[kind], clock, 1);
    if (!read) await turn(buckets.property, clock, propertyBytes);
  }
  return await pass(chunk.subarray(passed), to);
}

async function turn(bucket: TokenBucket, clock: Clock, count: number): Promise<void> {
  while (!bucket.take(count)) await clock.sleep(Math.max(1, bucket.waitMs(count)));
}

/** mqtt.js throws at some packets that cannot be read. */
async function pass(bytes: Buffer, to: Writable): Promise<Offence | undefined> {
  try {
    if (bytes.length > 0 && !to.write(bytes)) await once(to, 'drain');
    return undefined;
  } catch {
    return malformed;
  }
}

const malformed: Offence = { code: malformedPacket, what: 'sends packets that cannot be read' };

/** The packets of a chunk, as far as none offends. */
function* packetsIn(reading: Reading, chunk: Buffer): Generator<Offence | Found> {
  for (let at = 0; at < chunk.length; ) {
    const { head } = reading;
    if (head || reading.bodyLeft === 0) {
      const found = head ? lookAtHead(reading, head, chunk[at] ?? 0) : lookAtHeader(reading, chunk[at] ?? 0);
      at++;
      if (!found) continue;
      yield 'code' in found ? found : { ...found, at };
    } else {
      const length = Math.min(reading.bodyLeft, chunk.length - at);
      reading.bodyLeft -= length;
      at += length;
    }
  }
}

/** One more byte of a fixed header. */
function lookAtHeader(reading: Reading, byte: number): Offence | Omit<Found, 'at'> | undefined {
  reading.header.push(byte);
  const header = headerOf(reading.header);
  if (header === undefined) return undefined;
  const offence = offenceOf(header, reading);
  if (offence) return offence;
  const { type, qos, length } = header;
  reading.header.length = 0;
  reading.bodyLeft = length;
  reading.connected = true;
  if (type !== publish) return { kind: 'answer', propertyBytes: length > shortAnswerBytes ? length : 0 };
  if (reading.limits.version === 4) return { kind: 'message', propertyBytes: 0 };
  if (length === 0) return malformed;
  reading.head = { idBytes: qos > 0 ? 2 : 0, came: 0, topicBytes: 0, lengthBytes: [] };
  return undefined;
}

/** One more byte of the beginning of a message. */
function lookAtHead(reading: Reading, head: MessageHead, byte: number): Offence | Omit<Found, 'at'> | undefined {
  reading.bodyLeft--;
  head.came++;
  if (head.came <= 2) head.topicBytes = head.topicBytes * 256 + byte;
  if (head.topicBytes > maxTopicBytes)
    return { code: packetTooLarge, what: `sends a message whose topic is longer than ${maxTopicBytes} bytes` };
  if (head.came > 2 + head.topicBytes + head.idBytes) head.lengthBytes.push(byte);
  const propertyBytes = lengthOf(head.lengthBytes);
  if (propertyBytes === undefined) return reading.bodyLeft === 0 ? malformed : undefined;
  if (propertyBytes > maxPropertyBytes)
    return { code: packetTooLarge, what: `sends a message with more than ${maxPropertyBytes} bytes of properties` };
  reading.head = undefined;
  return { kind: 'message', propertyBytes };
}

/** Undefined while bytes are missing. */
function headerOf([first = 0, ...lengthBytes]: readonly number[]): Header | undefined {
  const length = lengthOf(lengthBytes);
  return length === undefined ? undefined : { type: first >> 4, qos: (first >> 1) & 3, length };
}

/** A variable byte integer (section 1.5.5); undefined while bytes are missing, infinite where it is too long. */
function lengthOf(bytes: readonly number[]): number | undefined {
  const last = bytes.at(-1);
  if (last === undefined || (last > 127 && bytes.length < 4)) return undefined;
  return last > 127 ? Number.POSITIVE_INFINITY : bytes.reduce((sum, byte, index) => sum + (byte & 127) * 128 ** index, 0);
}

function offenceOf({ type, qos, length }: Header, { limits, connected }: Reading): Offence | undefined {
  if (length === Number.POSITIVE_INFINITY || (type === publish && qos === 3)) return malformed;
  if ((type === connack) === connected || !(type === connack || type === publish || answers.has(type)))
    return { code: protocolError, what: `sends a packet of type ${type}, which it may not send now` };
  if (type === publish && qos === 2) return { code: qosNotSupported, what: 'sends a message with QoS 2; the door subscribes with QoS 1' };
  const most = type === publish ? limits.maxBytes : maxAnswerBytes;
  if (length + 5 <= most) return undefined;
  return { code: packetTooLarge, what: `sends a packet of ${length} bytes; ${most} are taken` };
}
