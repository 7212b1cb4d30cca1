/** For tests with a broker: a subscriber that remembers, and a publisher with short waits. */
import { connectAsync, type IClientOptions } from 'mqtt';
import { vi } from 'vitest';
import { openLog } from '../../src/base/log.ts';
import { systemClock } from '../../src/base/time.ts';
import { type PublishOptions, publishJournal } from '../../src/mqtt/client.ts';
import { topicsOf } from '../../src/mqtt/topics.ts';

export const door = 'front-door';
export const topics = topicsOf('facelatch', door);

export interface Message {
  readonly topic: string;
  readonly retain: boolean;
  readonly qos: number;
  // biome-ignore lint/suspicious/noExplicitAny: whatever JSON came
  readonly body: any;
  readonly contentType: string | undefined;
}

export interface Witness extends AsyncDisposable {
  readonly messages: Message[];
  /** The seqs of the events that came, in the order in which they came. */
  readonly seqs: number[];
  readonly of: (topic: string) => Message[];
}

/**
 * Subscribes to all topics of the door. With QoS 0, because mosquitto then hands a message to the kernel before it acknowledges it to the
 * publisher: what it acknowledged is seen even if it is killed the moment after.
 */
export async function openWitness(url: string, options: IClientOptions & { qos?: 0 | 1 } = {}): Promise<Witness> {
  const { qos = 0, ...rest } = options;
  const client = await connectAsync(url, { protocolVersion: 5, reconnectPeriod: 0, ...rest }, false);
  const messages: Message[] = [];
  const seqs: number[] = [];
  client.on('message', (topic, payload, packet) => {
    const body = JSON.parse(payload.toString('utf8'));
    messages.push({ topic, retain: packet.retain, qos: packet.qos, body, contentType: packet.properties?.contentType });
    if (topic.includes('/event/')) seqs.push(body.seq);
  });
  await client.subscribeAsync(topics.all, { qos });
  return {
    messages,
    seqs,
    of: (topic) => messages.filter((message) => message.topic === topic),
    [Symbol.asyncDispose]: async () => void client.end(true),
  };
}

/** The seqs that are left when each that is not above the last one seen is dropped: what a consumer does. */
export function withoutRepeats(seqs: readonly number[]): number[] {
  const kept: number[] = [];
  for (const seq of seqs) if (seq > (kept.at(-1) ?? 0)) kept.push(seq);
  return kept;
}

export const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, index) => index + first);

/** Waits until `condition` holds. */
export const until = (condition: () => boolean, timeout = 15_000) => vi.waitUntil(condition, { timeout, interval: 4 });

export type TestOptions = Pick<PublishOptions, 'journal' | 'broker'> & Partial<PublishOptions>;

/** A publisher with short waits that ends with the test. */
export function publishing(options: TestOptions) {
  const stop = new AbortController();
  const publication = publishJournal({
    door,
    clock: systemClock,
    log: openLog('silent'),
    signal: stop.signal,
    retryMinMs: 10,
    retryMaxMs: 50,
    ...options,
  });
  return {
    publication,
    status: () => publication.status,
    stop: async () => {
      stop.abort();
      await publication.done;
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await publication.done;
    },
  };
}
