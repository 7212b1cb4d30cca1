/**
 * Everything that goes over one connection to the broker, from `online` to its end: journal entries, states, notices,
 * and commands with their replies. The publication (client.ts) opens one for each connection. It owns the connection
 * and closes it; `ended` says when and why.
 */
import { Fault } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Desk } from '../command/port.ts';
import type { Entry } from '../journal/port.ts';
import { encodeOffline, encodeOnline } from './codec.ts';
import { type Hearing, serveCommands } from './commands.ts';
import { type Connection, packetBytes, publishAcked } from './connection.ts';
import { isRefusal } from './faults.ts';
import type { StateName } from './messages.ts';
import { aborted, endOf, inSlot, type Outlet, outletOf, sendReply, sendRetained } from './outlet.ts';
import { type PumpOptions, pumpJournal, type UnderWay } from './pump.ts';

export interface LinkOptions extends PumpOptions {
  readonly connection: Connection;
  /** The broker's address, for messages to people. */
  readonly url: string;
  /** The newest payload of each state; they are sent again after `repeatMs`. */
  readonly states: ReadonlyMap<StateName, string>;
  readonly repeatMs: number;
  /** The retained notices by topic: sent when the link begins. */
  readonly notices: ReadonlyMap<string, Notice>;
  readonly maxInFlight: number;
  readonly drainMs: number;
  /** Takes commands; without one none are subscribed to. */
  readonly desk?: Desk;
  /** Hears whether commands reach the door. */
  readonly onHearing: (hearing: Hearing) => void;
  /** Where the door is announced to Home Assistant: its birth topic. It may send commands then. */
  readonly homeAssistant?: { readonly birth: string };
  /** How long a message to itself may take, milliseconds. */
  readonly selfTestMs: number;
  readonly log: Log;
  /** Asks for a proper end: what is left, then `offline`. */
  readonly signal: AbortSignal;
}

export interface Link {
  /** Resolves with how the link ended. */
  readonly ended: Promise<End>;
  /** Sends the newest payload of a state. */
  showState(name: StateName): void;
  /** Sends a notice, in place of one for the same topic that still waits. */
  tell(topic: string, notice: Notice): void;
}

/** A message that is neither an entry of the journal nor a state of the door. */
export interface Notice {
  readonly payload: string | Buffer;
  readonly retain: boolean;
  /** Default `application/json`. */
  readonly contentType?: string;
  /** Hears that the broker has it. */
  readonly onTaken?: () => void;
}

export interface End {
  /** The broker's fault, or that the end was asked for. */
  readonly fault: Fault;
  /** The entries that were sent and not acknowledged. */
  readonly underWay: readonly Entry[];
  /** The reason code of the broker's DISCONNECT, if it sent one. */
  readonly code: number | undefined;
}

/** How long the farewell may take, milliseconds. */
const farewellMs = 500;

/** What one link holds. */
interface Held {
  readonly options: LinkOptions;
  readonly outlet: Outlet;
  /**
   * States of which a message is under way. The newest payload waits, so that nothing piles up before a slow broker.
   */
  readonly busy: Set<StateName>;
  /** The notice of each topic that waits, and the topics for which one is under way. */
  readonly waiting: Map<string, Notice>;
  readonly telling: Set<string>;
}

/** Publishes over `connection` until it breaks or `signal` asks for the end; closes it in both cases. */
export function openLink(options: LinkOptions): Link {
  const outlet = outletOf(options.connection, options.url, options.maxInFlight);
  const held: Held = { options, outlet, busy: new Set(), waiting: new Map(), telling: new Set() };
  return {
    ended: run(held),
    showState: (name) => showState(held, name),
    tell: (topic, notice) => tell(held, topic, notice),
  };
}

async function run(held: Held): Promise<End> {
  const { options, outlet } = held;
  const { connection, cursor, states, notices, desk, signal, url } = options;
  const { client } = connection;
  const { over } = outlet;
  void connection.closed.then((fault) => over.abort(fault));
  // The states go first: whoever reacts to `online` must not take what the broker kept from before for how the door
  // is now.
  for (const name of states.keys()) showState(held, name);
  sayOnline(held);
  void repeatRetained(held);
  for (const [topic, notice] of notices) tell(held, topic, notice);
  if (options.homeAssistant) hearBirth(held, options.homeAssistant.birth);
  if (desk) serveCommands({ ...options, desk, client, publish: (...message) => sendReply(outlet, ...message), over: over.signal });
  const underWay: UnderWay[] = [];
  const pumping = pumpJournal(options, outlet, underWay);
  await Promise.race([aborted(AbortSignal.any([signal, over.signal])), pumping]);
  if (!over.signal.aborted) await sayFarewell(held);
  const left = underWay.filter(({ done }) => !done).map(({ entry }) => entry);
  await pumping;
  client.end(true);
  cursor.store();
  return { fault: endOf(outlet) ?? endedFault(url), underWay: left, code: connection.disconnectCode() };
}

function sayOnline(held: Held): void {
  void sayStatus(held, encodeOnline(held.options.clock.wall()));
}

async function sayStatus({ options, outlet }: Held, payload: string): Promise<boolean> {
  const { topics, sign } = options;
  return await sendRetained(outlet, topics.status, () => sign(topics.status, payload));
}

/** A broker may have lost what it keeps, or somebody may have written over it. */
async function repeatRetained(held: Held): Promise<void> {
  const { clock, states, repeatMs } = held.options;
  const over = held.outlet.over.signal;
  for (;;) {
    await clock.sleep(repeatMs, over).catch(() => undefined);
    if (over.aborted) return;
    for (const name of states.keys()) showState(held, name);
    sayOnline(held);
  }
}

const endedFault = (url: string) => new Fault('broker-unreachable', `The connection to the broker ${url} was ended.`);

/**
 * Sends what is left, then `offline`, then DISCONNECT, which keeps the broker from sending the last will. All within
 * a set time.
 */
async function sayFarewell(held: Held): Promise<void> {
  const { options, outlet } = held;
  const { cursor, connection, url, drainMs } = options;
  const { over } = outlet;
  await cursor.reaches(cursor.head(), AbortSignal.any([over.signal, AbortSignal.timeout(drainMs)]));
  const told = await Promise.race([sayStatus(held, encodeOffline('stopped')), aborted(AbortSignal.timeout(farewellMs))]);
  over.abort(endedFault(url));
  // mqtt.js would wait without end for what is still under way, so a broker that is stuck gets no farewell.
  if (told) await Promise.race([connection.client.endAsync(), aborted(AbortSignal.timeout(farewellMs))]);
}

function showState(held: Held, name: StateName): void {
  const { busy, options, outlet } = held;
  const { states, topics, sign } = options;
  const payload = states.get(name);
  if (payload === undefined || busy.has(name)) return;
  busy.add(name);
  const topic = topics.state(name);
  void sendRetained(outlet, topic, () => sign(topic, payload)).then((arrived) => {
    busy.delete(name);
    if (arrived && states.get(name) !== payload) showState(held, name);
  });
}

function tell(held: Held, topic: string, notice: Notice): void {
  const { waiting, telling } = held;
  waiting.set(topic, notice);
  if (telling.has(topic)) return;
  telling.add(topic);
  void tellWaiting(held, topic);
}

/**
 * Sends the newest notice for a topic until none waits. That it sends no more is noted in the same step in which it
 * finds none: a notice that came in between would wait for ever.
 */
async function tellWaiting({ options, outlet, waiting, telling }: Held, topic: string): Promise<void> {
  const { connection, log } = options;
  try {
    for (let next = waiting.get(topic); next && !outlet.over.signal.aborted; next = waiting.get(topic)) {
      waiting.delete(topic);
      await outlet.slots.take();
      const { payload, retain, contentType, onTaken } = waiting.get(topic) ?? next;
      waiting.delete(topic);
      if (packetBytes(topic, payload) > connection.maximumPacketSize) {
        outlet.slots.give();
        log.warn({ topic, bytes: payload.length }, 'notice too long for the broker');
        continue;
      }
      const properties = contentType === undefined ? undefined : { contentType };
      const { error } = await inSlot(outlet, () => publishAcked(connection.client, topic, payload, retain, properties));
      if (error === undefined) onTaken?.();
      // Nothing at the door depends on a notice, so a refusal has no other effect. A connection that broke is told by
      // its end.
      if (isRefusal(error)) log.warn({ topic, code: error.code }, 'notice refused by the broker');
    }
  } finally {
    telling.delete(topic);
  }
}

/** Home Assistant has started: it is told again, so that it need not rely on what the broker kept. */
function hearBirth(held: Held, birth: string): void {
  const { connection, notices, log } = held.options;
  connection.client.on('message', (topic, payload) => {
    if (topic !== birth || payload.toString('latin1') !== 'online') return;
    for (const [to, notice] of notices) tell(held, to, notice);
  });
  connection.client.subscribeAsync(birth, { qos: 0 }).catch((error) => {
    if (isRefusal(error)) log.warn({ topic: birth, code: error.code }, 'subscription refused by the broker');
  });
}
