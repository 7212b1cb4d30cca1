/**
 * What is published over one connection to the broker, from `online` to its end: journal entries and states go in, acknowledged
 * messages move the cursor, and why it ended comes out.
 */

import { Fault } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Clock } from '../base/time.ts';
import type { Desk } from '../command/port.ts';
import type { Entry, Journal } from '../journal/port.ts';
import { encodeEntry, encodeOffline, encodeOnline } from './codec.ts';
import { type Hearing, type Publish, serveCommands } from './commands.ts';
import { type Connection, packetBytes, publishAcked } from './connection.ts';
import type { CursorKeeper } from './cursor.ts';
import { openDrain } from './drain.ts';
import { isForGood, isRefusal, packetTooLarge, publishFault } from './faults.ts';
import type { StateName } from './messages.ts';
import type { Topics } from './topics.ts';

export interface SessionOptions {
  readonly connection: Connection;
  readonly journal: Journal;
  readonly cursor: CursorKeeper;
  readonly clock: Clock;
  readonly topics: Topics;
  readonly door: string;
  /** The broker's address for messages to people. */
  readonly url: string;
  /** The newest payload of each state. */
  readonly states: ReadonlyMap<StateName, string>;
  /** The retained notices by topic: sent when the session begins. */
  readonly notices: ReadonlyMap<string, Notice>;
  readonly maxInFlight: number;
  readonly historicalAfterMs: number;
  readonly drainMs: number;
  /** Entries published a second, at most. */
  readonly drainPerS: number;
  /** How long a journal that cannot be read is left alone, milliseconds. */
  readonly journalRetryMs: number;
  /** Hears of an entry whose message the broker will never take. */
  readonly onSetAside: (entry: Entry, code: number, detail: string) => void;
  /** Hears that the journal cannot be read, and with `undefined` that it can. */
  readonly onJournal: (fault: Fault | undefined) => void;
  /** Takes commands; without one none are subscribed to. */
  readonly desk?: Desk;
  /** Hears whether commands reach the door. */
  readonly onHearing: (hearing: Hearing) => void;
  /** Where Home Assistant is told of the door: it says there when it has started, and may send commands. */
  readonly homeAssistant?: { readonly birth: string };
  /** How long a message to itself may take, milliseconds. */
  readonly selfTestMs: number;
  readonly log: Log;
  /** Asks for a proper end: what is left, then `offline`. */
  readonly signal: AbortSignal;
}

export interface Session {
  /** Resolves with how the session ended. */
  readonly ended: Promise<End>;
  /** Sends the newest payload of a state. */
  showState(name: StateName): void;
  /** Sends a notice; one of the same topic that still waits gives way to it. */
  tell(topic: string, notice: Notice): void;
}

/** A message that is no entry of the journal and no state of the door. */
export interface Notice {
  readonly payload: string | Buffer;
  readonly retain: boolean;
  /** Default `application/json`. */
  readonly contentType?: string;
  /** Hears that the broker has it. */
  readonly onTaken?: () => void;
}

export interface End {
  /** The broker's fault, or that it was asked to. */
  readonly fault: Fault;
  /** The entries that were sent and not acknowledged. */
  readonly underWay: readonly Entry[];
  /** The reason code of the broker's DISCONNECT, if it sent one. */
  readonly code: number | undefined;
}

/** How long the farewell may take, milliseconds. */
const farewellMs = 500;

/** Publishes over `connection` until it breaks or `signal` asks for the end; closes it in both cases. */
export function openSession(options: SessionOptions): Session {
  const { connection, cursor, clock, topics, url, states, signal } = options;
  const { client } = connection;
  // Aborted with the fault that ends the session.
  const over = new AbortController();
  const slots = openSlots(Math.min(options.maxInFlight, connection.receiveMaximum), over.signal);

  /** Publishes in a slot that was taken, and gives it back. Once the connection is broken it is kept: nothing more is to be tried over it. */
  const inSlot = async (publish: () => Promise<void>): Promise<{ readonly error?: unknown }> => {
    if (over.signal.aborted) return { error: over.signal.reason };
    try {
      await publish();
      slots.give();
      return {};
    } catch (error) {
      if (isRefusal(error)) slots.give();
      return { error };
    }
  };
  /** True when the message is done with. One that is refused ends the session, unless it is refused for good and somebody cares. */
  const sendInSlot: Send = async (topic, payload, retain, onRefused) => {
    const { error } = await inSlot(() => publishAcked(client, topic, payload, retain));
    if (over.signal.aborted) return false;
    if (error === undefined) return true;
    if (onRefused && isForGood(error)) {
      onRefused(error.code, error.message);
      return true;
    }
    if (isRefusal(error)) over.abort(publishFault(error, url, topic));
    // Else the connection broke, and why is told by its end.
    client.end(true);
    return false;
  };
  const send: Send = async (topic, payload, retain) => {
    await slots.take();
    return await sendInSlot(topic, payload, retain);
  };
  /** Ahead of what waits: a reply must not stand behind a backlog. A broker that refuses it ends nothing. */
  const sendReply: Publish = async (topic, payload, qos, properties) => {
    if (qos === 0) return void (await client.publishAsync(topic, payload, { qos, properties }));
    await slots.take(true);
    const { error } = await inSlot(async () => void (await client.publishAsync(topic, payload, { qos, properties })));
    if (error !== undefined) throw error;
  };

  // One message of a state is under way and the newest waits, so that nothing piles up before a slow broker.
  const busy = new Set<StateName>();
  const showState = (name: StateName) => {
    const payload = states.get(name);
    if (payload === undefined || busy.has(name)) return;
    busy.add(name);
    void send(topics.state(name), payload, true).then((arrived) => {
      busy.delete(name);
      if (arrived && states.get(name) !== payload) showState(name);
    });
  };

  const waiting = new Map<string, Notice>();
  const telling = new Set<string>();
  const tell = (topic: string, notice: Notice) => {
    waiting.set(topic, notice);
    if (telling.has(topic)) return;
    telling.add(topic);
    void tellAll(topic).finally(() => telling.delete(topic));
  };
  const tellAll = async (topic: string) => {
    for (let next = waiting.get(topic); next && !over.signal.aborted; next = waiting.get(topic)) {
      waiting.delete(topic);
      await slots.take();
      const { payload, retain, contentType, onTaken } = waiting.get(topic) ?? next;
      waiting.delete(topic);
      if (packetBytes(topic, payload) > connection.maximumPacketSize) {
        slots.give();
        options.log.warn({ topic, bytes: payload.length }, 'notice too long for the broker');
        continue;
      }
      const properties = contentType === undefined ? undefined : { contentType };
      const { error } = await inSlot(() => publishAcked(client, topic, payload, retain, properties));
      if (error === undefined) onTaken?.();
      // Nothing of the door hangs on it: a broker that refuses it loses nothing else. That the connection broke is told by its end.
      if (isRefusal(error)) options.log.warn({ topic, code: error.code }, 'notice refused by the broker');
    }
  };

  /** Home Assistant has started: told anew, it need not rely on what the broker kept. */
  const hearBirth = (birth: string) => {
    client.on('message', (topic, payload) => {
      if (topic !== birth || payload.toString('latin1') !== 'online') return;
      for (const [to, notice] of options.notices) tell(to, notice);
    });
    client.subscribeAsync(birth, { qos: 0 }).catch((error) => {
      if (isRefusal(error)) options.log.warn({ topic: birth, code: error.code }, 'subscription refused by the broker');
    });
  };

  const underWay: UnderWay[] = [];
  const run = async (): Promise<End> => {
    void connection.closed.then((fault) => over.abort(fault));
    // The states first: whoever goes by `online` must not take what the broker kept from before for how the door is now.
    for (const name of states.keys()) showState(name);
    void send(topics.status, encodeOnline(clock.wall()), true);
    for (const [topic, notice] of options.notices) tell(topic, notice);
    if (options.homeAssistant) hearBirth(options.homeAssistant.birth);
    if (options.desk) serveCommands({ ...options, desk: options.desk, client, publish: sendReply, over: over.signal });
    const pumping = pump(options, slots, sendInSlot, underWay, over.signal);
    await Promise.race([aborted(AbortSignal.any([signal, over.signal])), pumping]);
    if (!over.signal.aborted) await sayFarewell(options, send, over);
    const left = underWay.filter(({ done }) => !done).map(({ entry }) => entry);
    await pumping;
    client.end(true);
    cursor.store();
    return { fault: over.signal.reason as Fault, underWay: left, code: connection.disconnectCode() };
  };
  return { ended: run(), showState, tell };
}

type OnRefused = (code: number, detail: string) => void;
type Send = (topic: string, payload: string, retain: boolean, onRefused?: OnRefused) => Promise<boolean>;

interface UnderWay {
  readonly entry: Entry;
  done: boolean;
}

/**
 * Sends entries in order, and moves the cursor in order, until the session is over or the journal is closed. A journal that cannot be
 * read is reported and tried again: that is no reason to hang up on the broker.
 */
async function pump(options: SessionOptions, slots: Slots, sendInSlot: Send, underWay: UnderWay[], over: AbortSignal): Promise<void> {
  const { connection, journal, cursor, clock, topics, door, historicalAfterMs, journalRetryMs, onJournal, onSetAside } = options;
  const drain = openDrain(options.drainPerS, clock, over);
  let taken = cursor.acked;
  const sendEntry = async (entry: Entry): Promise<boolean> => {
    const topic = topics.event(entry.event.kind);
    const payload = encodeEntry(entry, { door, nowMs: clock.wall(), historicalAfterMs });
    const setAside: OnRefused = (code, detail) => onSetAside(entry, code, detail);
    if (packetBytes(topic, payload) <= connection.maximumPacketSize) return await sendInSlot(topic, payload, false, setAside);
    slots.give();
    setAside(packetTooLarge, `the broker takes no packet above ${connection.maximumPacketSize} bytes`);
    return true;
  };
  const follow = (entry: Entry) => {
    const item = { entry, done: false };
    underWay.push(item);
    taken = entry.seq;
    void sendEntry(entry).then((done) => {
      item.done = done;
      for (let first = underWay[0]; first?.done; first = underWay[0]) {
        underWay.shift();
        cursor.move(first.entry.seq, underWay.length === 0);
      }
    });
  };
  for (;;) {
    try {
      for await (const entry of journal.tail(taken, over)) {
        onJournal(undefined);
        await drain.next();
        await slots.take();
        if (over.aborted) return;
        follow(entry);
      }
      return;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      onJournal(error);
      await Promise.race([clock.sleep(journalRetryMs, over).catch(() => {}), aborted(over)]);
    }
  }
}

/** What is left, then `offline`, then DISCONNECT, which keeps the broker from sending the last will; all within a set time. */
async function sayFarewell(options: SessionOptions, send: Send, over: AbortController): Promise<void> {
  const { cursor, connection, topics, url, drainMs } = options;
  await cursor.reaches(cursor.head(), AbortSignal.any([over.signal, AbortSignal.timeout(drainMs)]));
  const told = await Promise.race([send(topics.status, encodeOffline('stopped'), true), aborted(AbortSignal.timeout(farewellMs))]);
  over.abort(new Fault('broker-unreachable', `The connection to the broker ${url} was ended.`));
  // mqtt.js would wait for what is still under way, without end, so a broker that is stuck gets no farewell.
  if (told) await Promise.race([connection.client.endAsync(), aborted(AbortSignal.timeout(farewellMs))]);
}

interface Slots {
  /** `ahead` of all who wait already. */
  take(ahead?: boolean): Promise<void>;
  give(): void;
}

/** `count` places for messages under way, given in the order in which they are asked for; endless once `over` is aborted. */
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

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}
