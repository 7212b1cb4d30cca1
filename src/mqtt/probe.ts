/** For `facelatch doctor`: the broker's settings go in, and whether this door may connect and publish comes out, with the remedy if not. */
import { randomUUID } from 'node:crypto';
import { asFault, type Fault } from '../errors.ts';
import { type BrokerOptions, labelOf, openConnection, publishAcked } from './connection.ts';
import { publishFault } from './faults.ts';
import { topicsOf } from './topics.ts';

export interface ProbeOptions {
  readonly broker: BrokerOptions;
  readonly prefix?: string;
  readonly door: string;
  /** For connecting and for the answer, each. Default 5000. */
  readonly timeoutMs?: number;
}

export type BrokerProbe =
  | { readonly ok: true; readonly url: string; readonly connectMs: number; readonly publishMs: number }
  | { readonly ok: false; readonly fault: Fault };

/**
 * Connects under a name of its own, so that a running daemon keeps its place, and publishes to the door's probe topic. An MQTT 3.1.1
 * broker does not say that a topic is forbidden (section 3.3.5), so there only the connection is really proved.
 */
export async function probeBroker({ broker, prefix = 'facelatch', door, timeoutMs = 5000 }: ProbeOptions): Promise<BrokerProbe> {
  try {
    const topics = topicsOf(prefix, door);
    const url = labelOf(broker.url);
    const startedMs = performance.now();
    const clientId = `facelatch-probe-${randomUUID().slice(0, 6)}`;
    const { client } = await openConnection({ broker: { ...broker, connectTimeoutMs: timeoutMs }, clientId });
    const connectedMs = performance.now();
    const timer = setTimeout(() => client.end(true), timeoutMs);
    try {
      await publishAcked(client, topics.probe, JSON.stringify({ schema: 1, probe: clientId }), false);
    } catch (error) {
      throw publishFault(error, url, topics.probe);
    } finally {
      clearTimeout(timer);
      client.end(true);
    }
    return { ok: true, url, connectMs: connectedMs - startedMs, publishMs: performance.now() - connectedMs };
  } catch (error) {
    return { ok: false, fault: asFault(error, 'broker-unreachable', 'The broker could not be tried') };
  }
}
