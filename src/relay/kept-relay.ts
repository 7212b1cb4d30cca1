/**
 * The daemon's side of the relay keeper: orders go to the process that holds the line. Should that process be killed or hang, the line is taken
 * back here at once and driven safe, and a new keeper is started, with growing waits where that fails.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { asFault, Fault, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { FromKeeper, KeeperOrder, Place } from './keeper-talk.ts';
import type { AnyLine, LineAdapter } from './line.ts';
import type { Relay } from './port.ts';
import type { LineLimits } from './timer.ts';

export interface KeptRelayOptions extends LineLimits {
  /** URL of the module that opens the line (`LineAdapter`). */
  readonly adapter: string;
  readonly place: Place;
  readonly log: Log;
  /** How long the line itself may take for one level: of a device on the network its time-out. Default 0. Milliseconds. */
  readonly lineMs?: number;
  /** How often the keeper hears from the daemon. Default 500. It goes safe after six times as long without. Milliseconds. */
  readonly heartbeatMs?: number;
}

const keeperFile = fileURLToPath(new URL('./keeper.ts', import.meta.url));
const answerMs = 1500;
const startMs = 20_000;
const closeMs = 1000;
/** Heartbeats without an answer, after which a keeper hangs. */
const mostUnanswered = 4;
const backoffMs = { first: 100, most: 5000 };

/**
 * Starts the keeper and waits until it holds the line at its safe level. Throws the Fault of the line (`relay-missing`, `relay-busy`,
 * `relay-forbidden`, `relay-failed`).
 */
export async function openKeptRelay(options: KeptRelayOptions): Promise<Relay> {
  const { adapter, place, log } = options;
  const { openLine } = (await import(adapter)) as LineAdapter<Place>; // here already: taking the line back must not wait for the disk
  const over = new AbortController();
  let level: Relay['level'] = 'safe';
  let keeper: Keeper | undefined;
  let recovering: Promise<void> | undefined;
  const start = async (letGo: () => void) => {
    const onEdge = (edge: Relay['level']) => {
      level = edge;
    };
    const started = await openKeeper({ ...options, signal: over.signal, letGo, onEdge });
    keeper = started;
    void started.ended.then((why) => {
      if (keeper === started) keeper = undefined;
      // A signal meant for this process may have reached the keeper first: then a new one is about to be closed again, and waited for.
      if (!over.signal.aborted) recovering = recover(why);
    });
    return started.label;
  };
  const recover = async (why: string) => {
    log.error({ err: why }, 'relay keeper lost');
    let own: AnyLine | undefined;
    const letGo = () => {
      own?.[Symbol.dispose]();
      own = undefined;
    };
    for (let waitMs = backoffMs.first; !over.signal.aborted; waitMs = Math.min(backoffMs.most, waitMs * 2)) {
      try {
        own ??= await openLine(place);
        await own.drive('safe', 0);
        level = 'safe';
        await start(letGo);
        log.warn('relay keeper back: the line was driven safe and is held again');
        return;
      } catch (error) {
        if (over.signal.aborted) break;
        log.error({ err: messageOf(error), retryInMs: waitMs }, 'relay line cannot be taken back');
        await delay(waitMs, undefined, { ref: false, signal: over.signal }).catch(() => undefined);
      }
    }
    letGo();
  };
  const label = await start(() => undefined);
  const order = async (text: string) => {
    if (!keeper) throw new Fault('relay-failed', `The relay (${label}) has lost its line and is taking it back`);
    await keeper.order(text);
  };
  return {
    label,
    get level() {
      return level;
    },
    get held() {
      return keeper !== undefined;
    },
    pulse: (durationMs) => order(`pulse ${Math.round(durationMs)}`),
    hold: (leaseMs) => order(`hold ${Math.round(leaseMs)}`),
    safe: async () => {
      const asked = keeper;
      try {
        await asked?.order('safe');
      } catch (error) {
        // One that has ended meanwhile drove the line safe, or it is being taken back and driven so.
        if (keeper === asked) throw error;
      }
    },
    [Symbol.asyncDispose]: async () => {
      over.abort();
      await Promise.all([keeper?.ended, recovering]);
      level = 'safe';
    },
  };
}

interface Keeper {
  readonly label: string;
  /** Resolves at the keeper's word that it was done. */
  order(text: string): Promise<void>;
  /** Why it is gone. */
  readonly ended: Promise<string>;
}

interface KeeperOptions extends KeptRelayOptions {
  /** Closes the keeper, even one that does not hold the line yet. */
  readonly signal: AbortSignal;
  /** Called when the keeper is about to take the line: nobody may hold it any more. */
  readonly letGo: () => void;
  readonly onEdge: (level: Relay['level']) => void;
}

async function openKeeper({ signal, letGo, onEdge, ...options }: KeeperOptions): Promise<Keeper> {
  signal.throwIfAborted();
  const { adapter, place, maxMs, maxHoldMs, lineMs = 0, heartbeatMs = 500 } = options;
  const told: KeeperOrder = { adapter, maxMs, maxHoldMs, silenceMs: 6 * heartbeatMs };
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', keeperFile, JSON.stringify(told)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    // Nothing of the daemon's environment, but where compiled code is kept: it starts in half the time.
    env: process.env.NODE_COMPILE_CACHE ? { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE } : {},
  }) as unknown as ChildProcessWithoutNullStreams;
  const gone = goneOf(child);
  child.stdin.on('error', () => undefined); // it is gone: its end says so
  const say = (text: string) => child.stdin.write(`${text}\n`);
  const asked = new Map<number, { resolve(): void; reject(error: Fault): void }>();
  const holds = Promise.withResolvers<string>();
  let unanswered = 0;
  let up = false;
  let next = 1;
  const hear = (message: FromKeeper) => {
    if ('up' in message) {
      up = true;
      letGo();
      say(`take ${JSON.stringify(place)}`);
    } else if ('held' in message) holds.resolve(message.held);
    else if ('fault' in message) holds.reject(new Fault(message.fault.code, message.fault.message));
    else if ('edge' in message) onEdge(message.edge);
    else if ('alive' in message) unanswered = 0;
    else if ('done' in message) asked.get(message.done)?.resolve();
    else asked.get(message.failed)?.reject(new Fault('relay-failed', message.message));
  };
  createInterface({ input: child.stdout }).on('line', (text) => hear(JSON.parse(text) as FromKeeper));
  const beat = setInterval(() => {
    if (!up) return; // how long it may take to start is startMs
    if (unanswered++ >= mostUnanswered) child.kill('SIGKILL');
    else say('alive');
  }, heartbeatMs);
  beat.unref();
  const close = () => {
    child.stdin.end();
    within(ended, closeMs + 2 * lineMs, child).catch(() => undefined);
  };
  signal.addEventListener('abort', close, { once: true });
  const ended = gone.then((why) => {
    signal.removeEventListener('abort', close);
    clearInterval(beat);
    const fault = new Fault('relay-failed', `The relay keeper ended (${why})`);
    holds.reject(fault);
    for (const { reject } of asked.values()) reject(fault);
    return why;
  });
  const label = await within(holds.promise, startMs, child);
  return {
    label,
    ended,
    order: async (text) => {
      const id = next++;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      asked.set(id, { resolve, reject });
      say(`${id} ${text}`);
      await within(promise, answerMs + 4 * lineMs, child).finally(() => asked.delete(id));
    },
  };
}

function goneOf(child: ChildProcessWithoutNullStreams): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(messageOf(error)));
    child.once('exit', (code, signal) => resolve(signal ?? `exit ${code}`));
  });
}

/** A keeper that does not answer is of no use and may hold the line active: it is killed. */
async function within<T>(promise: Promise<T>, ms: number, child: ChildProcessWithoutNullStreams): Promise<T> {
  const over = new AbortController();
  const late = delay(ms, undefined, { signal: over.signal }).then(() => {
    child.kill('SIGKILL');
    throw new Fault('relay-failed', `The relay keeper did not answer within ${ms} ms`);
  });
  try {
    return await Promise.race([promise, late]);
  } catch (error) {
    throw asFault(error, 'relay-failed', 'The relay keeper failed');
  } finally {
    over.abort();
    late.catch(() => undefined);
  }
}
