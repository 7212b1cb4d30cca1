/**
 * The farm's connection to Redis. Settings go in; out comes a connection that reconnects by itself, to a Redis that was
 * checked (it does not evict keys, its clock agrees with ours, it lets us in), or a Fault. If Redis stays away for
 * longer than the patience, what waits for it fails.
 */
import { Redis, type RedisOptions } from 'ioredis';
import { asFault, Fault, messageOf } from '../base/errors.ts';
import { type Clock, systemClock } from '../base/time.ts';

/** Has the form of the `farm` section of the configuration; an empty text is a setting that is not set. */
export interface FarmRedisOptions {
  /** `rediss://host:6379`, or `redis://` on loopback. */
  readonly url: string;
  readonly user?: string;
  readonly password?: string;
  /** PEM: the authority that issued the certificate of Redis. */
  readonly ca?: string;
  /** How long Redis may be unreachable before what waits for it fails; without limit if absent. Milliseconds. */
  readonly patienceMs?: number;
  /** How far the clocks of this host and of Redis may differ. Seconds. */
  readonly clockSkewS: number;
  readonly clock?: Pick<Clock, 'wall'>;
  readonly signal: AbortSignal;
  /** Called when the connection is lost and when it is back. */
  readonly onConnection?: (connected: boolean) => void;
}

export interface FarmRedis extends AsyncDisposable {
  readonly client: Redis;
  /** The address without user and password. */
  readonly label: string;
  /** This host's wall clock, milliseconds since 1970. */
  wall(): number;
  /**
   * Resolves as `work` does. Rejects with a Fault for an error of Redis or if it was gone for too long, or with the
   * signal's reason.
   */
  guard<T>(work: Promise<T>): Promise<T>;
  /** Throws Fault `farm-unreachable` if Redis evicts keys when its memory is full. */
  requireKeeping(): Promise<void>;
}

/** A Redis that has not answered for this long is treated as gone. Milliseconds. */
const silenceMs = 20_000;
const pingEveryMs = 2000;
const retryMaxMs = 2000;

/** Throws Faults `farm-unreachable`, `not-permitted`, `bad-config`. */
export async function openFarmRedis(options: FarmRedisOptions): Promise<FarmRedis> {
  const { signal, patienceMs = Number.POSITIVE_INFINITY, clock = systemClock } = options;
  signal.throwIfAborted();
  const { label, tls, ...place } = placeOf(options.url);
  let opened = false;
  let said: unknown;
  const client = new Redis({
    ...place,
    ...(options.user && { username: options.user }),
    ...(options.password && { password: options.password }),
    ...(tls && { tls: { ...(options.ca && { ca: options.ca }) } }),
    lazyConnect: true,
    connectTimeout: 10_000,
    // BullMQ requires null. Commands wait while Redis is away; the patience limits how long.
    maxRetriesPerRequest: null,
    // When opening, one attempt is enough to say what is wrong.
    retryStrategy: (times) => (opened ? Math.min(times * 100, retryMaxMs) : null),
  } satisfies RedisOptions);
  client.on('error', (error) => {
    said = error;
  });
  try {
    await Promise.race([client.connect(), rejection(signal)]);
    opened = true;
    const faults = { label, user: options.user ?? '' };
    const requireKeeping = () => refuseEviction(client, label).catch(rethrow(faults));
    await requireKeeping();
    await refuseClock(client, label, options.clockSkewS, clock.wall).catch(rethrow(faults));
    const waiting = new Set<(reason: unknown) => void>();
    let over: { readonly reason: unknown } | undefined;
    const end = (reason: unknown) => {
      over ??= { reason };
      for (const reject of waiting) reject(reason);
    };
    const stop = () => end(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    const watch = watchConnection(client, label, patienceMs, end, options.onConnection);
    return {
      client,
      label,
      wall: () => clock.wall(),
      requireKeeping,
      // Not Promise.race with one long-lived promise: that would keep a reaction for every command.
      guard: (work) =>
        new Promise((resolve, reject) => {
          if (over) reject(over.reason);
          waiting.add(reject);
          work.then(resolve, (error) => reject(faultOf(error, faults))).finally(() => waiting.delete(reject));
        }),
      [Symbol.asyncDispose]: async () => {
        signal.removeEventListener('abort', stop);
        watch.stop();
        client.disconnect();
      },
    };
  } catch (error) {
    client.disconnect();
    if (signal.aborted) throw signal.reason;
    throw faultOf(opened ? error : (said ?? error), { label, user: options.user ?? '' });
  }
}

function rejection(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => undefined);
  if (signal.aborted) reject(signal.reason);
  else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  return promise;
}

interface Place {
  readonly label: string;
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly tls: boolean;
}

function placeOf(url: string): Place {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed?.hostname || !/^rediss?:$/.test(parsed.protocol))
    throw new Fault('bad-config', 'farm.url is not an address of a Redis: give rediss://host:6379 (redis:// on loopback only)');
  const tls = parsed.protocol === 'rediss:';
  const host = parsed.hostname.replace(/^\[|\]$/g, '');
  if (!tls && !/^(127(\.\d+){3}|::1|localhost)$/.test(host))
    throw new Fault(
      'bad-config',
      `farm.url ${parsed.protocol}//${parsed.host} would not be encrypted: give rediss:// (docs/learn/farm.md)`,
    );
  const db = Number(parsed.pathname.slice(1) || '0');
  if (!Number.isInteger(db)) throw new Fault('bad-config', `farm.url ends in ${parsed.pathname}, which is not the number of a database`);
  return { label: `${parsed.protocol}//${parsed.host}`, host, port: Number(parsed.port || '6379'), db, tls };
}

async function refuseEviction(client: Redis, label: string): Promise<void> {
  const policy = /^maxmemory_policy:(\S+)/m.exec(await client.info('memory'))?.[1] ?? 'noeviction';
  if (policy === 'noeviction') return;
  throw new Fault(
    'farm-unreachable',
    `Redis at ${label} evicts keys when its memory is full (maxmemory-policy ${policy}): set "maxmemory-policy noeviction" in its redis.conf, or CONFIG SET maxmemory-policy noeviction`,
  );
}

async function refuseClock(client: Redis, label: string, skewS: number, wall: () => number): Promise<void> {
  const before = wall();
  const [seconds = 0, micros = 0] = (await client.time()).map(Number);
  const after = wall();
  const theirs = seconds * 1000 + micros / 1000;
  const offS = (theirs < before ? theirs - before : theirs > after ? theirs - after : 0) / 1000;
  if (Math.abs(offS) <= skewS) return;
  throw new Fault(
    'farm-unreachable',
    `The clock of this host and that of Redis at ${label} differ by ${Math.abs(offS).toFixed(0)} s (farm.clockSkewS allows ${skewS}): synchronise both (chrony, systemd-timesyncd)`,
  );
}

interface Watch {
  stop(): void;
}

/** Pings Redis: a frozen one does not close its connection. */
function watchConnection(
  client: Redis,
  label: string,
  patienceMs: number,
  giveUp: (reason: Fault) => void,
  onConnection?: (connected: boolean) => void,
): Watch {
  let over = false;
  let downSince: number | undefined;
  let askedAt: number | undefined;
  const turn = (connected: boolean) => {
    // A connection that we close is not lost.
    if (over || (downSince === undefined) === connected) return;
    downSince = connected ? undefined : performance.now();
    onConnection?.(connected);
  };
  client.on('close', () => turn(false));
  client.on('ready', () => turn(true));
  const look = () => {
    const now = performance.now();
    if (downSince !== undefined && now - downSince > patienceMs)
      giveUp(
        new Fault(
          'farm-unreachable',
          `Redis at ${label} has been gone for ${Math.round((now - downSince) / 1000)} s (farm.patienceMs): start it again; the job can then be started again too`,
        ),
      );
    if (client.status !== 'ready') return;
    if (askedAt !== undefined) {
      if (now - askedAt <= silenceMs) return;
      askedAt = undefined;
      client.disconnect(true);
      return;
    }
    askedAt = now;
    const answered = () => {
      askedAt = undefined;
    };
    client.ping().then(answered, answered);
  };
  const timer = setInterval(look, Math.min(pingEveryMs, Math.max(50, patienceMs / 4)));
  return {
    stop: () => {
      over = true;
      clearInterval(timer);
    },
  };
}

interface Naming {
  readonly label: string;
  readonly user: string;
}

const rethrow = (naming: Naming) => (error: unknown) => {
  throw faultOf(error, naming);
};

/** An error of ioredis or Redis as a Fault with its remedy. */
function faultOf(error: unknown, { label, user }: Naming): Error {
  if (error instanceof Fault || (error instanceof Error && error.name === 'AbortError')) return error;
  const text = messageOf(error);
  const code = String((error as { code?: unknown }).code ?? '');
  if (/WRONGPASS|NOAUTH|invalid username-password|AUTH .*called without any password/i.test(text))
    return new Fault(
      'not-permitted',
      `Redis at ${label} refuses ${user ? `the user ${user}` : 'us without a user'} (${text}): check farm.user and farm.passwordFile`,
      error,
    );
  if (/NOPERM|The user executing the script can/.test(text))
    return new Fault(
      'not-permitted',
      `Redis at ${label} does not let ${user || 'the default user'} do what the farm needs (${text}): give it the access control line of docs/learn/farm.md`,
      error,
    );
  if (/^OOM|command not allowed when used memory/.test(text))
    return new Fault('farm-unreachable', `Redis at ${label} is full (${text}): raise its maxmemory, or lower farm.maxBundleBytes`, error);
  if (/^MISCONF|^READONLY/.test(text))
    return new Fault('farm-unreachable', `Redis at ${label} accepts no writes (${text}): look into its log and repair it`, error);
  if (/CERT|SELF_SIGNED|UNABLE_TO_|ALTNAME/.test(code))
    return new Fault(
      'farm-unreachable',
      `The certificate of Redis at ${label} is not accepted (${text}): set farm.caFile to the authority that issued it; it must be for the host of farm.url`,
      error,
    );
  if (/ERR_SSL|EPROTO/.test(code))
    return new Fault('farm-unreachable', `Redis at ${label} does not speak TLS on that port (${text}): check farm.url`, error);
  if (isConnectionError(text, code))
    return new Fault(
      'farm-unreachable',
      `Redis at ${label} cannot be reached (${code || text}): is it running, and is farm.url right?`,
      error,
    );
  return asFault(error, 'farm-unreachable', `Redis at ${label} answered`);
}

const isConnectionError = (text: string, code: string): boolean =>
  /^E[A-Z]+$/.test(code) || /Connection is closed|connect ETIMEDOUT|Stream isn't writeable/i.test(text);
