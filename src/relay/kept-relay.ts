/**
 * The daemon's side of the relay keeper: starts the process that holds the line, sends it orders, and ends it when the
 * relay is disposed of. If that process is killed or hangs, this side takes the line back at once, drives it safe and
 * starts a new keeper, with growing waits if that fails.
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
  /** How long the line may take to change its level: for a network device its time-out. Default 0. Milliseconds. */
  readonly lineMs?: number;
  /**
   * How often the keeper hears from the daemon. After six times this long without, it goes safe. Default 500.
   * Milliseconds.
   */
  readonly heartbeatMs?: number;
}

const keeperFile = fileURLToPath(new URL('./keeper.ts', import.meta.url));
const answerMs = 1500;
const startMs = 20_000;
const closeMs = 1000;
/** After this many unanswered heartbeats a keeper counts as hung. */
const mostUnanswered = 4;
const backoffMs = { first: 100, most: 5000 };

/**
 * Starts the keeper and waits until it holds the line at its safe level.
 * @throws Fault of the line: `relay-missing`, `relay-busy`, `relay-forbidden`, `relay-failed`.
 */
export async function openKeptRelay(options: KeptRelayOptions): Promise<Relay> {
  const { adapter, place, log } = options;
  const { openLine } = (await import(adapter)) as LineAdapter<Place>; // loaded now: taking the line back must not wait for the disk
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
      // A signal for this process may have reached the keeper first. A new keeper is then closed again, and waited for.
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
        // If the keeper has ended meanwhile, it drove the line safe, or the line is being taken back and made safe.
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
  /** Resolves when the keeper confirms the order. */
  order(text: string): Promise<void>;
  /** Resolves with the reason when the keeper is gone. */
  readonly ended: Promise<string>;
}

interface KeeperOptions extends KeptRelayOptions {
  /** Ends the keeper, even one that does not hold the line yet. */
  readonly signal: AbortSignal;
  /** Called when the keeper is about to take the line: from then on nobody else may hold it. */
  readonly letGo: () => void;
  readonly onEdge: (level: Relay['level']) => void;
}

async function openKeeper({ signal, letGo, onEdge, ...options }: KeeperOptions): Promise<Keeper> {
  signal.throwIfAborted();
  const { adapter, place, maxMs, maxHoldMs, lineMs = 0, heartbeatMs = 500 } = options;
  const told: KeeperOrder = { adapter, maxMs, maxHoldMs, silenceMs: 6 * heartbeatMs };
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', keeperFile, JSON.stringify(told)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    // Nothing from the daemon's environment except the cache of compiled code, which halves the time to start.
    env: process.env.NODE_COMPILE_CACHE ? { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE } : {},
  }) as unknown as ChildProcessWithoutNullStreams;
  const gone = goneOf(child);
  child.stdin.on('error', () => undefined); // it is gone: `ended` says so
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
    if (!up) return; // startMs limits how long it may take to start
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

/** A keeper that does not answer may hold the line active: it is killed. */
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
