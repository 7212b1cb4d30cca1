/**
 * Publishes the journal, the states and the notices: keeps a connection to the broker, and opens a link over each.
 * Entries go out from a stored cursor, which moves when the broker has acknowledged them: at least once, in order. A
 * broker that is away or slow delays them and loses nothing. The house opens it; it ends with its signal. Nothing in
 * the path to the door waits for it.
 */

import { Fault, messageOf } from '../base/errors.ts';
import type { Signer } from '../base/jws.ts';
import type { Log } from '../base/log.ts';
import { serialQueue } from '../base/serial.ts';
import type { Clock } from '../base/time.ts';
import type { Desk } from '../command/port.ts';
import type { Entry, Journal } from '../journal/port.ts';
import { encodeOffline, encodeState } from './codec.ts';
import type { Hearing } from './commands.ts';
import { type BrokerOptions, type Connection, jsonProperties, labelOf, openConnection } from './connection.ts';
import { type CursorKeeper, cursorKeeper } from './cursor.ts';
import { packetTooLarge } from './faults.ts';
import { type Link, type LinkOptions, type Notice, openLink } from './link.ts';
import type { StateName, States } from './messages.ts';
import { withSignature } from './statement.ts';
import { type Topics, topicsOf } from './topics.ts';

export interface PublishOptions {
  readonly journal: Journal;
  readonly broker: BrokerOptions;
  /** First level or levels of every topic. Default `facelatch`. */
  readonly prefix?: string;
  /** The door's id: the next level. */
  readonly door: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Ends the publishing; what is left is sent for up to `drainMs`. */
  readonly signal: AbortSignal;
  /** How many messages may be sent and not yet acknowledged. Default 64. */
  readonly maxInFlight?: number;
  /**
   * An entry that is published later than this after it was written is marked `historical`, milliseconds. Default
   * 60,000.
   */
  readonly historicalAfterMs?: number;
  /**
   * First and longest wait before the next connection, milliseconds; doubled each time, with jitter. Default 500 and
   * 30,000.
   */
  readonly retryMinMs?: number;
  readonly retryMaxMs?: number;
  /** Default 1000. */
  readonly drainMs?: number;
  /** Entries published a second, at most: after an outage the backlog goes out at this rate. Default 5000. */
  readonly drainPerS?: number;
  /** If a message to itself takes longer than this, the broker delivers no commands, milliseconds. Default 5000. */
  readonly selfTestMs?: number;
  /** How often the retained states are sent again, milliseconds. Default 60,000. */
  readonly repeatMs?: number;
  /** The door's key, which signs states and events; without one they are not signed. */
  readonly signer?: Signer;
  /** Takes commands; without one the door listens for none. */
  readonly desk?: Desk;
  /** Where the door is announced to Home Assistant: its discovery prefix. */
  readonly homeAssistant?: { readonly prefix: string };
}

export interface PublicationStatus {
  /** `connecting` until the first attempt has an outcome; later `down` until one succeeds. */
  readonly state: 'connected' | 'connecting' | 'down';
  /** Entries that the broker has not acknowledged. */
  readonly backlog: number;
  /** What is wrong: with the broker while it is `down`, with reading the journal while it is `connected`. */
  readonly lastError?: Fault;
  /**
   * Entries since the start whose message the broker will never take: passed over, and journalled as
   * `message.refused`.
   */
  readonly setAside: number;
  /** Whether commands reach this door: a broker may take the subscription and deliver nothing. */
  readonly commands: Hearing;
}

export interface Publication {
  /** Resolves when the signal has ended it; rejects only for a bug. */
  readonly done: Promise<void>;
  readonly status: PublicationStatus;
  /** Publishes a state, retained, when it has changed; again after each reconnect. Never waits. */
  show<Name extends StateName>(name: Name, state: States[Name]): void;
  /**
   * Publishes a message that is neither a journal entry nor a state. A retained one goes out when it has changed, and
   * again after each reconnect; another goes out once, and not at all while there is no connection. The newest for a
   * topic wins. Never waits; a refusal by the broker is a line in the log.
   */
  tell(topic: string, notice: Notice): void;
}

/** After a connection that lasted longer than this the next wait is the shortest again, milliseconds. */
const stableMs = 5000;
const defaultRetryMaxMs = 30_000;

/** What one publication holds. */
interface Held {
  readonly options: PublishOptions;
  readonly topics: Topics;
  /** The topic on which Home Assistant says that it has started; undefined where the door is not announced there. */
  readonly birth: string | undefined;
  /** The broker's address, for messages to people. */
  readonly url: string;
  readonly cursor: CursorKeeper;
  /** The states as they were shown last, and their messages. */
  readonly shown: Map<StateName, string>;
  readonly states: Map<StateName, string>;
  /** Retained notices by topic. */
  readonly notices: Map<string, Notice>;
  state: PublicationStatus['state'];
  lastError: Fault | undefined;
  link: Link | undefined;
  setAside: number;
  /** Whether the next link sends one message at a time, to find the one at which the broker hangs up. */
  oneByOne: boolean;
  hearing: Hearing;
}

/**
 * Begins to publish and goes on until `signal`. Throws Fault `bad-config` for a door, prefix or address that cannot
 * be.
 */
export function publishJournal(options: PublishOptions): Publication {
  const topics = topicsOf(options.prefix ?? 'facelatch', options.door);
  const held: Held = {
    options,
    topics,
    birth: options.homeAssistant && topics.discovery(options.homeAssistant.prefix).birth,
    url: labelOf(options.broker.url),
    cursor: cursorKeeper(options.journal, options.clock, options.log),
    shown: new Map(),
    states: new Map(),
    notices: new Map(),
    state: 'connecting',
    lastError: undefined,
    link: undefined,
    setAside: 0,
    oneByOne: false,
    hearing: options.desk ? 'unknown' : 'off',
  };
  return {
    done: run(held),
    get status() {
      const { state, cursor, setAside, hearing: commands, lastError } = held;
      return { state, backlog: Math.max(0, cursor.head() - cursor.acked), setAside, commands, ...(lastError && { lastError }) };
    },
    show: (name, value) => show(held, name, value),
    tell: (topic, notice) => tell(held, topic, notice),
  };
}

async function run(held: Held): Promise<void> {
  const { signal, clock, log, desk, retryMinMs = 500, retryMaxMs = defaultRetryMaxMs } = held.options;
  let failures = 0;
  while (!signal.aborted) {
    const startedMs = clock.now();
    const fault = await connectAndServe(held).catch((error) => expected(error, signal));
    held.link = undefined;
    held.state = 'down';
    if (desk) held.hearing = 'unknown';
    if (signal.aborted) break;
    held.lastError = fault;
    failures = clock.now() - startedMs > stableMs ? 1 : failures + 1;
    const retryInMs = backoffMs(failures, retryMinMs, retryMaxMs);
    log.warn({ code: fault.code, detail: messageOf(fault), retryInMs }, 'broker down');
    await clock.sleep(retryInMs, signal).catch((error) => expected(error, signal));
  }
}

/** One connection from beginning to end. Returns the fault that ended it. */
async function connectAndServe(held: Held): Promise<Fault> {
  const { options, topics, url, cursor } = held;
  const { broker, desk, signal, log } = options;
  const will = {
    topic: topics.status,
    payload: Buffer.from(encodeOffline('lost')),
    qos: 1,
    retain: true,
    properties: jsonProperties,
  } as const;
  const connection = await openConnection({ broker: withLimit(broker, desk), clientId: topics.id, will, signal });
  held.state = 'connected';
  held.lastError = undefined;
  log.info({ broker: url }, 'broker connected');
  held.link = openLink(linkOptions(held, connection));
  const { fault, underWay, code } = await held.link.ended;
  const [suspect, ...others] = code === packetTooLarge ? underWay : [];
  // A broker that hangs up over a message does not say which. When they are sent one by one, the next time it is known.
  held.oneByOne = suspect !== undefined && others.length > 0;
  if (suspect && !held.oneByOne) {
    setAside(held, suspect, packetTooLarge, 'the broker hangs up on it: packet too large');
    cursor.move(suspect.seq, true);
  }
  return fault;
}

function linkOptions(held: Held, connection: Connection): LinkOptions {
  const { options, topics, birth, url, cursor, states, notices } = held;
  const { journal, clock, door, log, signal, desk, maxInFlight = 64, historicalAfterMs = 60_000 } = options;
  const { signer, repeatMs = 60_000 } = options;
  const inOrder = serialQueue();
  const { drainMs = 1000, drainPerS = 5000, selfTestMs = 5000, retryMaxMs = defaultRetryMaxMs } = options;
  return {
    ...{ connection, journal, cursor, clock, topics, door, url, states, notices, signal, log },
    ...{ historicalAfterMs, drainMs, drainPerS, selfTestMs, repeatMs },
    // One after the other: messages stay in the order in which they were asked for.
    sign: (topic, payload) => inOrder(() => (signer ? withSignature(topic, payload, clock.wall(), signer) : payload)),
    maxInFlight: held.oneByOne ? 1 : maxInFlight,
    journalRetryMs: retryMaxMs,
    onJournal: (fault) => {
      held.lastError = fault;
      if (fault) log.error({ code: fault.code, detail: messageOf(fault) }, 'journal not published');
    },
    onHearing: (hearing) => {
      held.hearing = hearing;
    },
    onSetAside: (entry, code, detail) => setAside(held, entry, code, detail),
    ...(desk && { desk }),
    ...(birth !== undefined && { homeAssistant: { birth } }),
  };
}

/** Passes over an entry whose message the broker will never take, and journals that. */
function setAside(held: Held, entry: Entry, code: number, detail: string): void {
  const { journal, log } = held.options;
  held.setAside++;
  log.error({ seq: entry.seq, kind: entry.event.kind, code, detail }, 'ALARM: the broker will never take this message; it is passed over');
  // The note about a message goes the same way and could meet the same end: there is no note about a note.
  if (entry.event.kind === 'message.refused') return;
  try {
    journal.append({ kind: 'message.refused', refusedSeq: entry.seq, code, detail });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    log.error({ code: error.code, seq: entry.seq }, 'a refused message cannot be journalled');
  }
}

function show<Name extends StateName>({ options, shown, states, link }: Held, name: Name, value: States[Name]): void {
  const said = JSON.stringify(value);
  if (shown.get(name) === said) return;
  shown.set(name, said);
  states.set(name, encodeState(value, options.clock.wall()));
  link?.showState(name);
}

function tell({ notices, link }: Held, topic: string, notice: Notice): void {
  if (notice.retain && notices.get(topic)?.payload === notice.payload) return;
  // An empty message removes what is retained; it need not be sent again once the broker has it.
  const once = {
    ...notice,
    onTaken: () => {
      notices.delete(topic);
      notice.onTaken?.();
    },
  };
  const told = notice.retain && notice.payload === '' ? once : notice;
  if (notice.retain) notices.set(topic, told);
  link?.tell(topic, told);
}

function withLimit(broker: BrokerOptions, desk: Desk | undefined): BrokerOptions {
  return desk ? { ...broker, maxPacketBytes: desk.maxBytes * 2 } : broker;
}

/** Exponential, half of it random: doors that lost the same broker do not all come back at the same moment. */
function backoffMs(failures: number, minMs: number, maxMs: number): number {
  return Math.round(Math.min(maxMs, minMs * 2 ** (failures - 1)) * (0.5 + Math.random() / 2));
}

/** A Fault as a value, also for what the signal interrupted. Anything else is a bug and is thrown again. */
function expected(error: unknown, signal: AbortSignal): Fault {
  if (error instanceof Fault) return error;
  if (signal.aborted) return new Fault('broker-unreachable', 'The publishing was ended.', error);
  throw error;
}
