/**
 * Publishes the journal: entries go in from a stored cursor, messages with QoS 1 go out, and the cursor moves when the broker has
 * acknowledged them. Delivery is at least once and in order; a broker that is away or slow delays it and loses nothing. All of it runs
 * beside the daemon: nothing in the path to the door waits for it.
 */

import { Fault } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Clock } from '../base/time.ts';
import type { Desk } from '../command/port.ts';
import type { Entry, Journal } from '../journal/port.ts';
import { encodeOffline, encodeState } from './codec.ts';
import type { Hearing } from './commands.ts';
import { type BrokerOptions, jsonProperties, labelOf, openConnection } from './connection.ts';
import { cursorKeeper } from './cursor.ts';
import { packetTooLarge } from './faults.ts';
import type { StateName, States } from './messages.ts';
import { type Notice, openSession, type Session } from './session.ts';
import { topicsOf } from './topics.ts';

export interface PublishOptions {
  readonly journal: Journal;
  readonly broker: BrokerOptions;
  /** First level or levels of every topic. Default `facelatch`. */
  readonly prefix?: string;
  /** The door's id, the next level. */
  readonly door: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Ends the publishing; what is left is sent for up to `drainMs`. */
  readonly signal: AbortSignal;
  /** Messages sent and not yet acknowledged, at most. Default 64. */
  readonly maxInFlight?: number;
  /** An entry published later than this after it was written is marked `historical`, milliseconds. Default 60,000. */
  readonly historicalAfterMs?: number;
  /** First and longest wait before the next connection, milliseconds; doubled each time and jittered. Default 500 and 30,000. */
  readonly retryMinMs?: number;
  readonly retryMaxMs?: number;
  /** Default 1000. */
  readonly drainMs?: number;
  /** Entries published a second, at most: after an outage the backlog goes out at this rate. Default 5000. */
  readonly drainPerS?: number;
  /** How long a message to itself may take before the broker counts as one that delivers no commands, milliseconds. Default 5000. */
  readonly selfTestMs?: number;
  /** Takes commands; without one the door listens to none. */
  readonly desk?: Desk;
  /** Where Home Assistant is told of the door: its discovery prefix. */
  readonly homeAssistant?: { readonly prefix: string };
}

export interface PublicationStatus {
  /** `connecting` until the first attempt has an outcome; later `down` until one succeeds. */
  readonly state: 'connected' | 'connecting' | 'down';
  /** Entries that the broker has not acknowledged. */
  readonly backlog: number;
  /** What is wrong: with the broker while it is `down`, with reading the journal while it is `connected`. */
  readonly lastError?: Fault;
  /** Entries since the start whose message the broker will never take: journalled as `message.refused`, and passed over. */
  readonly setAside: number;
  /** Whether commands reach this door: a broker may take the subscription and deliver nothing. */
  readonly commands: Hearing;
}

export interface Publication {
  /** Resolves when the signal has ended it; rejects only for a mistake in the program. */
  readonly done: Promise<void>;
  readonly status: PublicationStatus;
  /** Publishes a state, retained, when it has changed; again after each reconnect. Never waits. */
  show<Name extends StateName>(name: Name, state: States[Name]): void;
  /**
   * Publishes a message that is neither of the journal nor a state: a retained one when it has changed, and again after each reconnect; another once,
   * and not at all while there is no connection. The newest of a topic wins. Never waits; a broker that refuses it costs a line in the log.
   */
  tell(topic: string, notice: Notice): void;
}

/** A connection that lasted so long, milliseconds, was a good one: the next wait is the shortest again. */
const stableMs = 5000;

/** Begins to publish and goes on until `signal`. Throws Fault `bad-config` for a door, prefix or address that cannot be. */
export function publishJournal(options: PublishOptions): Publication {
  const { journal, broker, door, clock, log, signal, retryMinMs = 500, retryMaxMs = 30_000 } = options;
  const { maxInFlight = 64, historicalAfterMs = 60_000, drainMs = 1000, drainPerS = 5000, selfTestMs = 5000 } = options;
  const topics = topicsOf(options.prefix ?? 'facelatch', door);
  const birth = options.homeAssistant && topics.discovery(options.homeAssistant.prefix).birth;
  const url = labelOf(broker.url);
  const cursor = cursorKeeper(journal, clock, log);
  const shown = new Map<StateName, string>();
  const states = new Map<StateName, string>();
  const notices = new Map<string, Notice>();
  const will = {
    topic: topics.status,
    payload: Buffer.from(encodeOffline('lost')),
    qos: 1,
    retain: true,
    properties: jsonProperties,
  } as const;
  let state: PublicationStatus['state'] = 'connecting';
  let lastError: Fault | undefined;
  let session: Session | undefined;
  let setAside = 0;
  let oneByOne = false;
  let commands: Hearing = options.desk ? 'unknown' : 'off';

  const onJournal = (fault: Fault | undefined) => {
    lastError = fault;
    if (fault) log.error({ code: fault.code, detail: fault.message }, 'journal not published');
  };
  const onSetAside = (entry: Entry, code: number, detail: string) => {
    setAside++;
    log.error(
      { seq: entry.seq, kind: entry.event.kind, code, detail },
      'ALARM: the broker will never take this message; it is passed over',
    );
    // The note about a message goes the same way and could meet the same end: of that there is no further note.
    if (entry.event.kind === 'message.refused') return;
    try {
      journal.append({ kind: 'message.refused', refusedSeq: entry.seq, code, detail });
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      log.error({ code: error.code, seq: entry.seq }, 'a refused message cannot be journalled');
    }
  };
  const connectAndServe = async (): Promise<Fault> => {
    const connection = await openConnection({ broker: withLimit(broker, options.desk), clientId: `facelatch-${door}`, will, signal });
    state = 'connected';
    lastError = undefined;
    log.info({ broker: url }, 'broker connected');
    const onHearing = (hearing: Hearing) => {
      commands = hearing;
    };
    const limits = {
      selfTestMs,
      maxInFlight: oneByOne ? 1 : maxInFlight,
      historicalAfterMs,
      drainMs,
      drainPerS,
      journalRetryMs: retryMaxMs,
    };
    session = openSession({
      connection,
      journal,
      cursor,
      clock,
      topics,
      door,
      url,
      states,
      notices,
      signal,
      onJournal,
      onHearing,
      onSetAside,
      log,
      ...(options.desk && { desk: options.desk }),
      ...(birth !== undefined && { homeAssistant: { birth } }),
      ...limits,
    });
    const { fault, underWay, code } = await session.ended;
    const [suspect, ...others] = code === packetTooLarge ? underWay : [];
    // A broker that hangs up over a message does not say which: sent one by one, the next time it is known.
    oneByOne = suspect !== undefined && others.length > 0;
    if (suspect && !oneByOne) {
      onSetAside(suspect, packetTooLarge, 'the broker hangs up on it: packet too large');
      cursor.move(suspect.seq, true);
    }
    return fault;
  };

  const run = async () => {
    let failures = 0;
    while (!signal.aborted) {
      const startedMs = clock.now();
      const fault = await connectAndServe().catch((error) => expected(error, signal));
      session = undefined;
      state = 'down';
      if (options.desk) commands = 'unknown';
      if (signal.aborted) break;
      lastError = fault;
      failures = clock.now() - startedMs > stableMs ? 1 : failures + 1;
      const retryInMs = backoffMs(failures, retryMinMs, retryMaxMs);
      log.warn({ code: fault.code, detail: fault.message, retryInMs }, 'broker down');
      await clock.sleep(retryInMs, signal).catch((error) => expected(error, signal));
    }
  };

  return {
    done: run(),
    get status() {
      return { state, backlog: Math.max(0, cursor.head() - cursor.acked), setAside, commands, ...(lastError && { lastError }) };
    },
    show: (name, value) => {
      const said = JSON.stringify(value);
      if (shown.get(name) === said) return;
      shown.set(name, said);
      states.set(name, encodeState(value, clock.wall()));
      session?.showState(name);
    },
    tell: (topic, notice) => {
      if (notice.retain && notices.get(topic)?.payload === notice.payload) return;
      // An empty message takes back what is retained: once is enough.
      const once = {
        ...notice,
        onTaken: () => {
          notices.delete(topic);
          notice.onTaken?.();
        },
      };
      const told = notice.retain && notice.payload === '' ? once : notice;
      if (notice.retain) notices.set(topic, told);
      session?.tell(topic, told);
    },
  };
}

function withLimit(broker: BrokerOptions, desk: Desk | undefined): BrokerOptions {
  return desk ? { ...broker, maxPacketBytes: desk.maxBytes * 2 } : broker;
}

/** Exponential, half of it jittered: doors that lost the same broker do not all come back in the same moment. */
function backoffMs(failures: number, minMs: number, maxMs: number): number {
  return Math.round(Math.min(maxMs, minMs * 2 ** (failures - 1)) * (0.5 + Math.random() / 2));
}

/** A Fault as a value, and whatever the signal interrupted; anything else is a mistake in the program and is thrown on. */
function expected(error: unknown, signal: AbortSignal): Fault {
  if (error instanceof Fault) return error;
  if (signal.aborted) return new Fault('broker-unreachable', 'The publishing was ended.', error);
  throw error;
}
