/**
 * Sends requests to a door for `facelatch send`, over a connection of its own, and gives back what comes on its reply
 * topic. The command opens it, and ends it by disposing it.
 */
import { randomUUID } from 'node:crypto';
import { Fault } from '../base/errors.ts';
import { type BrokerOptions, labelOf, openConnection } from './connection.ts';
import { publishFault } from './faults.ts';
import { topicsOf } from './topics.ts';

export interface CallerOptions {
  readonly broker: BrokerOptions;
  readonly prefix?: string;
  readonly door: string;
  readonly signal: AbortSignal;
}

export interface Caller extends AsyncDisposable {
  /** The topic on which replies come. */
  readonly replyTopic: string;
  /**
   * Sends one request and gives each reply to `take` until that returns true (the reply is the door's own, say),
   * `timeoutMs` have passed (the result is false then) or the signal is aborted. Throws Fault `broker-refused` or
   * `broker-unreachable`.
   */
  call(command: string, payload: string, timeoutMs: number, take: (reply: Uint8Array) => Promise<boolean>): Promise<boolean>;
}

/** Longest reply, bytes: a reply may hold pictures. */
const maxReplyBytes = 32_000_000;

/** Connects. Throws Faults `broker-unreachable`, `broker-refused`, `bad-config`. */
export async function openCaller({ broker, prefix = 'facelatch', door, signal }: CallerOptions): Promise<Caller> {
  const topics = topicsOf(prefix, door);
  const url = labelOf(broker.url);
  const name = randomUUID();
  const guarded = { maxPacketBytes: maxReplyBytes, ...broker };
  const { client, closed } = await openConnection({ broker: guarded, clientId: `facelatch-send-${name.slice(0, 8)}`, signal });
  const replyTopic = topics.reply(name);
  const correlationData = Buffer.from(name);
  const asked = async <T>(topic: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw publishFault(error, url, topic);
    }
  };
  await asked(replyTopic, () => client.subscribeAsync(replyTopic, { qos: 1 }));
  return {
    replyTopic,
    call: async (command, payload, timeoutMs, take) => {
      const over = new AbortController();
      const came = Promise.withResolvers<boolean>();
      const onMessage = (_topic: string, reply: Buffer) => void take(reply).then((proved) => proved && came.resolve(true), came.reject);
      client.on('message', onMessage);
      const timer = setTimeout(() => came.resolve(false), timeoutMs);
      const stopped = () => came.reject(signal.reason);
      signal.addEventListener('abort', stopped, { once: true });
      void closed.then((fault) => came.reject(over.signal.aborted ? new Fault('broker-unreachable', 'ended') : fault));
      try {
        const topic = topics.command(command);
        const properties = { responseTopic: replyTopic, correlationData, payloadFormatIndicator: true };
        // QoS 0: the reply proves that the request arrived. An acknowledgement by the broker would only add 40 ms.
        const sent = asked(topic, () => client.publishAsync(topic, payload, { qos: 0, properties }));
        // A connection that breaks ends the wait below; the error of the publish adds nothing to that.
        sent.catch((error) => came.reject(error));
        return await came.promise;
      } finally {
        over.abort();
        clearTimeout(timer);
        client.off('message', onMessage);
        signal.removeEventListener('abort', stopped);
      }
    },
    [Symbol.asyncDispose]: async () => {
      await client.endAsync(true);
    },
  };
}
