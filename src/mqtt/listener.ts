/**
 * Hears one door for `facelatch listen`, over a connection of its own: its status, states and events. The command opens
 * it, and ends it by disposing it.
 */
import { randomUUID } from 'node:crypto';
import { Fault } from '../base/errors.ts';
import type { Signer } from '../base/jws.ts';
import { serialQueue } from '../base/serial.ts';
import { type BrokerOptions, labelOf, openConnection } from './connection.ts';
import { isRefusal, publishFault } from './faults.ts';
import { type Heard, listening } from './listening.ts';
import { topicsOf } from './topics.ts';

export interface ListenerOptions {
  readonly broker: BrokerOptions;
  readonly prefix: string;
  readonly door: string;
  /** The door's public key. */
  readonly signer: Signer;
  readonly onHeard: (heard: Heard) => void;
  readonly signal: AbortSignal;
}

export interface Listener extends AsyncDisposable {
  /** Resolves with the fault when the connection ends. */
  readonly closed: Promise<Fault>;
}

/** Connects and subscribes. Throws Faults `broker-unreachable`, `broker-refused`, `broker-unruly`, `bad-config`. */
export async function openListener({ broker, prefix, door, signer, onHeard, signal }: ListenerOptions): Promise<Listener> {
  const topics = topicsOf(prefix, door);
  const url = labelOf(broker.url);
  const { client, closed } = await openConnection({ broker, clientId: `facelatch-listen-${randomUUID().slice(0, 8)}`, signal });
  const ear = listening({ topics, signer, nowMs: Date.now });
  const inOrder = serialQueue();
  client.on('message', (topic, message, { retain }) => {
    void inOrder(async () => {
      const heard = await ear.take(topic, message, retain);
      if (heard) onHeard(heard);
    });
  });
  try {
    const granted = await client.subscribeAsync([topics.status, topics.states, topics.events], { qos: 1 });
    if (granted.some(({ qos }) => qos > 2)) throw new Error('not authorised');
  } catch (error) {
    client.end(true);
    if (isRefusal(error)) throw publishFault(error, url, topics.events);
    throw new Fault(
      'broker-refused',
      `The broker ${url} does not let you hear ${topics.events}; allow the user of mqtt.user to read ${topics.all}.`,
      error,
    );
  }
  return {
    closed,
    [Symbol.asyncDispose]: async () => {
      await client.endAsync(true);
    },
  };
}
