/**
 * Sends the journal over one connection. In: entries, from the cursor on. Out: messages in order, no faster than the
 * set rate, and the cursor moved in order as the broker acknowledges them. It ends with the link or with the journal.
 */
import { Fault } from '../base/errors.ts';
import type { Clock } from '../base/time.ts';
import { type TokenBucket, tokenBucket } from '../base/token-bucket.ts';
import type { Entry, Journal } from '../journal/port.ts';
import { encodeEntry } from './codec.ts';
import { packetBytes } from './connection.ts';
import type { CursorKeeper } from './cursor.ts';
import { packetTooLarge } from './faults.ts';
import { aborted, type OnRefused, type Outlet, sendInSlot } from './outlet.ts';
import type { Topics } from './topics.ts';

export interface PumpOptions {
  readonly journal: Journal;
  readonly cursor: CursorKeeper;
  readonly clock: Clock;
  readonly topics: Topics;
  readonly door: string;
  /** Signs a payload; gives it back as it is where there is no key. */
  readonly sign: Sign;
  readonly historicalAfterMs: number;
  /** Entries published a second, at most. */
  readonly drainPerS: number;
  /** How long a journal that cannot be read is left alone, milliseconds. */
  readonly journalRetryMs: number;
  /** Hears of an entry whose message the broker will never take. */
  readonly onSetAside: (entry: Entry, code: number, detail: string) => void;
  /** Hears that the journal cannot be read, and with `undefined` that it can. */
  readonly onJournal: (fault: Fault | undefined) => void;
}

/** The payload of a topic, signed. */
export type Sign = (topic: string, payload: string) => Promise<string>;

export interface UnderWay {
  readonly entry: Entry;
  done: boolean;
}

/** Messages that fall into this time may go at once, milliseconds: timers are no finer. */
const burstMs = 20;

/**
 * Sends until the link is over or the journal is closed. A journal that cannot be read is reported and tried again; the
 * connection stays. `underWay` holds, in order, what was sent and is not acknowledged yet.
 */
export async function pumpJournal(options: PumpOptions, outlet: Outlet, underWay: UnderWay[]): Promise<void> {
  const { journal, cursor, clock, drainPerS, journalRetryMs, onJournal } = options;
  const over = outlet.over.signal;
  const bucket = tokenBucket({ perS: drainPerS, size: Math.max(1, (drainPerS * burstMs) / 1000), clock });
  let taken = cursor.acked;
  for (;;) {
    try {
      for await (const entry of journal.tail(taken, over)) {
        onJournal(undefined);
        await token(bucket, clock, over);
        await outlet.slots.take();
        // One after the other, so that entries stay in order.
        const message = await signedMessage(options, entry);
        if (over.aborted) return;
        taken = entry.seq;
        follow(options, outlet, underWay, message);
      }
      return;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      onJournal(error);
      await Promise.race([clock.sleep(journalRetryMs, over).catch(() => {}), aborted(over)]);
    }
  }
}

/** Takes one token; returns at once when the link is over. */
async function token(bucket: TokenBucket, clock: Clock, over: AbortSignal): Promise<void> {
  while (!bucket.take() && !over.aborted) await clock.sleep(Math.max(1, bucket.waitMs()), over).catch(() => undefined);
}

/** Sends an entry in its slot, and moves the cursor once it and all before it are done with. */
function follow(options: PumpOptions, outlet: Outlet, underWay: UnderWay[], message: Message): void {
  const item = { entry: message.entry, done: false };
  underWay.push(item);
  void sendEntry(options, outlet, message).then((done) => {
    item.done = done;
    for (let first = underWay[0]; first?.done; first = underWay[0]) {
      underWay.shift();
      options.cursor.move(first.entry.seq, underWay.length === 0);
    }
  });
}

interface Message {
  readonly entry: Entry;
  readonly topic: string;
  readonly payload: string;
}

async function signedMessage({ topics, door, clock, historicalAfterMs, sign }: PumpOptions, entry: Entry): Promise<Message> {
  const topic = topics.event(entry.event.kind);
  return { entry, topic, payload: await sign(topic, encodeEntry(entry, { door, nowMs: clock.wall(), historicalAfterMs })) };
}

async function sendEntry({ onSetAside }: PumpOptions, outlet: Outlet, { entry, topic, payload }: Message): Promise<boolean> {
  const setAside: OnRefused = (code, detail) => onSetAside(entry, code, detail);
  const longest = outlet.connection.maximumPacketSize;
  if (packetBytes(topic, payload) <= longest) return await sendInSlot(outlet, topic, payload, false, setAside);
  outlet.slots.give();
  setAside(packetTooLarge, `the broker takes no packet above ${longest} bytes`);
  return true;
}
