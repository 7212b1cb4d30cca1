/**
 * Sends QoS 1 messages over one connection, no more at a time than the broker takes, and notes the fault that ends
 * it. A link (link.ts) opens it over its connection; once `over` is aborted nothing more is sent.
 */
import { Fault } from '../base/errors.ts';
import type { Properties } from './commands.ts';
import { type Connection, publishAcked } from './connection.ts';
import { isForGood, isRefusal, publishFault } from './faults.ts';

export interface Outlet {
  readonly connection: Connection;
  /** The broker's address, for messages to people. */
  readonly url: string;
  readonly slots: Slots;
  /** Aborted with the fault that ends the link. */
  readonly over: AbortController;
}

export type OnRefused = (code: number, detail: string) => void;

export function outletOf(connection: Connection, url: string, maxInFlight: number): Outlet {
  const over = new AbortController();
  return { connection, url, over, slots: openSlots(Math.min(maxInFlight, connection.receiveMaximum), over.signal) };
}

/** The fault that has ended the link; undefined while it goes on. */
export function endOf({ over }: Outlet): Fault | undefined {
  const reason: unknown = over.signal.reason;
  return reason instanceof Fault ? reason : undefined;
}

/**
 * Publishes in a slot that was taken, and gives the slot back. When the connection is broken the slot is kept:
 * nothing more may be tried over it.
 */
export async function inSlot({ over, slots }: Outlet, publish: () => Promise<void>): Promise<{ readonly error?: unknown }> {
  if (over.signal.aborted) return { error: over.signal.reason };
  try {
    await publish();
    slots.give();
    return {};
  } catch (error) {
    if (isRefusal(error)) slots.give();
    return { error };
  }
}

/**
 * Publishes in a slot that was taken. Returns true when the message is done with. A refusal ends the link, unless the
 * broker refuses this message for good and `onRefused` is there to hear of it.
 */
export async function sendInSlot(outlet: Outlet, topic: string, payload: string, retain: boolean, onRefused?: OnRefused): Promise<boolean> {
  const { connection, over, url } = outlet;
  const { error } = await inSlot(outlet, () => publishAcked(connection.client, topic, payload, retain));
  if (over.signal.aborted) return false;
  if (error === undefined) return true;
  if (onRefused && isForGood(error)) {
    onRefused(error.code, error.message);
    return true;
  }
  if (isRefusal(error)) over.abort(publishFault(error, url, topic));
  // Otherwise the connection broke; its end tells why.
  connection.client.end(true);
  return false;
}

/** Waits for a slot, then for what is to be sent, and publishes. Returns true when the broker has the message. */
export async function sendRetained(outlet: Outlet, topic: string, payload: () => Promise<string>): Promise<boolean> {
  await outlet.slots.take();
  return await sendInSlot(outlet, topic, await payload(), true);
}

/**
 * Goes ahead of what waits: a reply must not stand behind a backlog. A refusal ends nothing; it rejects as mqtt.js
 * does.
 */
export async function sendReply(outlet: Outlet, topic: string, payload: string, qos: 0 | 1, properties: Properties): Promise<void> {
  const { client } = outlet.connection;
  if (qos === 0) return void (await client.publishAsync(topic, payload, { qos, properties }));
  await outlet.slots.take(true);
  const { error } = await inSlot(outlet, async () => void (await client.publishAsync(topic, payload, { qos, properties })));
  if (error !== undefined) throw error;
}

interface Slots {
  /** `ahead` of all that wait already. */
  take(ahead?: boolean): Promise<void>;
  give(): void;
}

/**
 * `count` places for messages under way, given in the order in which they are asked for; endless once `over` is
 * aborted.
 */
function openSlots(count: number, over: AbortSignal): Slots {
  let left = count;
  const waiting: (() => void)[] = [];
  over.addEventListener('abort', () => {
    left = Number.POSITIVE_INFINITY;
    for (const next of waiting.splice(0)) next();
  });
  const take = async (ahead = false) => {
    if (left > 0) left--;
    else await new Promise<void>((resolve) => (ahead ? waiting.unshift(resolve) : waiting.push(resolve)));
  };
  const give = () => {
    const next = waiting.shift();
    if (next) next();
    else left++;
  };
  return { take, give };
}

/** Resolves when `signal` is aborted. */
export function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}
