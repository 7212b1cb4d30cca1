/**
 * What is published over one connection to the broker, from `online` to its end: journal entries and states go in, acknowledged
 * messages move the cursor, and why it ended comes out.
 */
import type { Desk } from '../command/port.ts';
import { Fault } from '../errors.ts';
import type { Entry, Journal, Seq } from '../journal/port.ts';
import type { Log } from '../log.ts';
import type { Clock } from '../time.ts';
import { encodeEntry, encodeOffline, encodeOnline, type StateName } from './codec.ts';
import { type Hearing, type Publish, serveCommands } from './commands.ts';
import { type Connection, publishAcked } from './connection.ts';
import type { CursorKeeper } from './cursor.ts';
import { isRefusal, publishFault } from './faults.ts';
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
  readonly maxInFlight: number;
  readonly historicalAfterMs: number;
  readonly drainMs: number;
  /** How long a journal that cannot be read is left alone, milliseconds. */
  readonly journalRetryMs: number;
  /** Hears that the journal cannot be read, and with `undefined` that it can. */
  readonly onJournal: (fault: Fault | undefined) => void;
  /** Takes commands; without one none are subscribed to. */
  readonly desk?: Desk;
  /** Hears whether commands reach the door. */
  readonly onHearing: (hearing: Hearing) => void;
  readonly log: Log;
  /** Asks for a proper end: what is left, then `offline`. */
  readonly signal: AbortSignal;
}

export interface Session {
  /** Resolves with why the session ended: the broker's fault, or that it was asked to. */
  readonly ended: Promise<Fault>;
  /** Sends the newest payload of a state. */
  showState(name: StateName): void;
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

  /** Sends in a slot that was taken, and gives it back; true when the broker has the message. A message it refuses ends the session. */
  const sendInSlot: Send = async (topic, payload, retain) => {
    try {
      if (over.signal.aborted) return false;
      await publishAcked(client, topic, payload, retain);
      return !over.signal.aborted;
    } catch (error) {
      if (isRefusal(error)) over.abort(publishFault(error, url, topic));
      // Else the connection broke, and why is told by its end.
      client.end(true);
      return false;
    } finally {
      slots.give();
    }
  };
  const send: Send = async (topic, payload, retain) => {
    await slots.take();
    return await sendInSlot(topic, payload, retain);
  };
  /** Ahead of what waits: a reply must not stand behind a backlog. A broker that refuses it ends nothing. */
  const sendReply: Publish = async (topic, payload, properties) => {
    await slots.take(true);
    try {
      if (over.signal.aborted) return;
      await client.publishAsync(topic, payload, { qos: 1, retain: false, properties });
    } finally {
      slots.give();
    }
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

  const run = async (): Promise<Fault> => {
    void connection.closed.then((fault) => over.abort(fault));
    void send(topics.status, encodeOnline(clock.wall()), true);
    for (const name of states.keys()) showState(name);
    if (options.desk) serveCommands({ ...options, desk: options.desk, client, publish: sendReply, over: over.signal });
    const pumping = pump(options, slots, sendInSlot, over.signal);
    await Promise.race([aborted(AbortSignal.any([signal, over.signal])), pumping]);
    if (!over.signal.aborted) await sayFarewell(options, send, over);
    await pumping;
    client.end(true);
    cursor.store();
    return over.signal.reason as Fault;
  };
  return { ended: run(), showState };
}

type Send = (topic: string, payload: string, retain: boolean) => Promise<boolean>;

/**
 * Sends entries in order, and moves the cursor in order, until the session is over or the journal is closed. A journal that cannot be
 * read is reported and tried again: that is no reason to hang up on the broker.
 */
async function pump(options: SessionOptions, slots: Slots, sendInSlot: Send, over: AbortSignal): Promise<void> {
  const { journal, cursor, clock, topics, door, historicalAfterMs, journalRetryMs, onJournal } = options;
  const underWay: { readonly seq: Seq; acked: boolean }[] = [];
  let taken = cursor.acked;
  const sendEntry = (entry: Entry) => {
    const item = { seq: entry.seq, acked: false };
    underWay.push(item);
    taken = entry.seq;
    const payload = encodeEntry(entry, { door, nowMs: clock.wall(), historicalAfterMs });
    void sendInSlot(topics.event(entry.event.kind), payload, false).then((arrived) => {
      item.acked = arrived;
      for (let first = underWay[0]; first?.acked; first = underWay[0]) {
        underWay.shift();
        cursor.move(first.seq, underWay.length === 0);
      }
    });
  };
  for (;;) {
    try {
      for await (const entry of journal.tail(taken, over)) {
        onJournal(undefined);
        await slots.take();
        if (over.aborted) return;
        sendEntry(entry);
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
