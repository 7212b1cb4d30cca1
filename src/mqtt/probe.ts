/**
 * For `facelatch doctor`. In: the broker's settings. Out: whether this door may connect and publish, or a fault with
 * the remedy.
 */
import { randomUUID } from 'node:crypto';
import type { MqttClient } from 'mqtt';
import { asFault, type Fault } from '../base/errors.ts';
import { type BrokerOptions, labelOf, openConnection, publishAcked } from './connection.ts';
import { isRefusal, publishFault } from './faults.ts';
import { type Topics, topicsOf } from './topics.ts';

export interface ProbeOptions {
  readonly broker: BrokerOptions;
  readonly prefix?: string;
  readonly door: string;
  /** For connecting, and again for the answer, milliseconds. Default 5000. */
  readonly timeoutMs?: number;
  /** Whether the door takes commands. If so, the probe also tries whether the broker delivers them. */
  readonly commands?: boolean;
}

export type BrokerProbe =
  | { readonly ok: true; readonly url: string; readonly connectMs: number; readonly publishMs: number; readonly delivers?: boolean }
  | { readonly ok: false; readonly fault: Fault };

/**
 * Connects with a client id of its own, so that a running daemon stays connected, and publishes to the door's probe
 * topic. An MQTT 3.1.1 broker does not say that a topic is forbidden (section 3.3.5), so with one only the connection
 * is proved.
 */
export async function probeBroker({
  broker,
  prefix = 'facelatch',
  door,
  timeoutMs = 5000,
  commands = false,
}: ProbeOptions): Promise<BrokerProbe> {
  try {
    const topics = topicsOf(prefix, door);
    const url = labelOf(broker.url);
    const startedMs = performance.now();
    const clientId = `facelatch-probe-${randomUUID().slice(0, 6)}`;
    const { client } = await openConnection({ broker: { ...broker, connectTimeoutMs: timeoutMs }, clientId });
    const connectedMs = performance.now();
    try {
      const timer = setTimeout(() => client.end(true), timeoutMs);
      try {
        await publishAcked(client, topics.probe, JSON.stringify({ schema: 1, probe: clientId }), false);
      } catch (error) {
        throw publishFault(error, url, topics.probe);
      } finally {
        clearTimeout(timer);
      }
      const publishMs = performance.now() - connectedMs;
      const heard = commands ? { delivers: await delivers(client, topics, timeoutMs) } : {};
      return { ok: true, url, connectMs: connectedMs - startedMs, publishMs, ...heard };
    } finally {
      client.end(true);
    }
  } catch (error) {
    return { ok: false, fault: asFault(error, 'broker-unreachable', 'The broker could not be tried') };
  }
}

/**
 * mosquitto grants a subscription that its access list forbids. Only a message that comes back proves that commands
 * arrive.
 */
async function delivers(client: MqttClient, topics: Topics, timeoutMs: number): Promise<boolean> {
  const nonce = JSON.stringify({ schema: 1, selfTest: randomUUID() });
  const came = Promise.withResolvers<boolean>();
  client.on('message', (topic, payload) => topic === topics.selfTest && payload.toString('utf8') === nonce && came.resolve(true));
  client.on('close', () => came.resolve(false));
  const timer = setTimeout(() => came.resolve(false), timeoutMs);
  try {
    await client.subscribeAsync(topics.selfTest, { qos: 1 });
    await publishAcked(client, topics.selfTest, nonce, false);
    return await came.promise;
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
