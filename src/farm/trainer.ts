/**
 * A trainer: takes one job at a time from the queues of its doors, for the recipes that it can do, and publishes its
 * presence. Started by `facelatch trainer`; runs until its signal is aborted, and owns the connection to Redis, the
 * queue workers and the folder of its jobs. BullMQ keeps the leases and offers the jobs of dead trainers again.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'bullmq';
import { asFault, messageOf } from '../base/errors.ts';
import type { Recipe } from '../retrain/port.ts';
import type { TurnEnd } from './ending.ts';
import { type FarmNames, farmNames } from './names.ts';
import { type FarmRedis, type FarmRedisOptions, openFarmRedis } from './redis.ts';
import { tellPresence, withdrawPresence } from './roll.ts';
import { type Card, type Known, knownOf, type Party } from './seal.ts';
import type { Device, JobData, JobResult } from './statements.ts';
import { type TurnEvent, takeTurn } from './turn.ts';

export interface TrainerOptions {
  readonly redis: Omit<FarmRedisOptions, 'signal' | 'onConnection' | 'patienceMs'>;
  /** farm.prefix */
  readonly prefix: string;
  readonly name: string;
  readonly device: Device;
  readonly party: Party;
  readonly doors: readonly Card[];
  readonly recipes: readonly Recipe[];
  readonly threads: number;
  /** Used by this trainer alone: what an earlier run left there is deleted. */
  readonly folder: string;
  /** Version of facelatch. */
  readonly engine: string;
  readonly maxBytes: number;
  readonly pace?: Partial<TrainerPace>;
  /** When it is aborted, the current job goes back to the queue with its checkpoint. */
  readonly signal: AbortSignal;
  readonly tell: (event: TrainerEvent) => void;
}

/** Milliseconds. */
export interface TrainerPace {
  /** Between two polls of empty queues. */
  readonly pollMs: number;
  /** A trainer that has not renewed its lease for this long is presumed dead. */
  readonly leaseMs: number;
  readonly presenceMs: number;
  readonly checkpointMs: number;
  readonly retryMs: number;
}

const usualPace: TrainerPace = { pollMs: 1000, leaseMs: 30_000, presenceMs: 10_000, checkpointMs: 10_000, retryMs: 10_000 };

export type TrainerEvent =
  | { readonly kind: 'ready'; readonly redis: string }
  | { readonly kind: 'redis-lost' }
  | { readonly kind: 'redis-back' }
  | { readonly kind: 'trouble'; readonly why: string }
  | TurnEvent;

/** A stalled job continues from its checkpoint. One that kills every trainer fails after this many times. */
const maxStalls = 20;
/** After an order that is not for this trainer, its queue is not polled for this long. */
const restMs = 60_000;
/** A trainer that is stopped while Redis is away waits this long to give its job back. */
const givingBackMs = 5000;

interface Lane {
  readonly door: Known;
  readonly recipe: Recipe;
  readonly names: FarmNames;
  readonly worker: Worker<JobData, JobResult>;
  restsUntil: number;
}

/** Throws Faults `farm-unreachable`, `not-permitted`, `bad-config` if it cannot start. */
export async function runTrainer(options: TrainerOptions): Promise<void> {
  const { signal, tell } = options;
  await emptyFolder(options.folder);
  const doors = await Promise.all(options.doors.map(knownOf));
  const closing = new AbortController();
  await using stack = new AsyncDisposableStack();
  let connected = true;
  const redis = stack.use(
    await openFarmRedis({
      ...options.redis,
      signal: closing.signal,
      onConnection: (is) => {
        connected = is;
        tell({ kind: is ? 'redis-back' : 'redis-lost' });
      },
    }),
  );
  stack.defer(closeAfter(signal, closing, () => connected));
  const lanes = doors.flatMap((door) => options.recipes.map((recipe) => laneOf(options, redis, door, recipe)));
  stack.defer(async () => void (await Promise.allSettled(lanes.map(({ worker }) => worker.close(true)))));
  for (const { worker } of lanes) await redis.guard(worker.waitUntilReady());
  for (const { worker } of lanes) await worker.startStalledCheckTimer();
  const presence = keepPresence(options, redis);
  stack.defer(() => presence.stop());
  // Whoever hears "ready" finds this trainer on the roll.
  await presence.tell().catch(() => undefined);
  tell({ kind: 'ready', redis: redis.label });
  while (!signal.aborted) {
    const took = await pollLanes(options, redis, lanes, presence);
    if (!took) await delay(options.pace?.pollMs ?? usualPace.pollMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Polls every queue once; gives whether there was a job. */
async function pollLanes(options: TrainerOptions, redis: FarmRedis, lanes: readonly Lane[], presence: PresenceKeeper): Promise<boolean> {
  let took = false;
  for (const lane of lanes) {
    if (options.signal.aborted || lane.restsUntil > performance.now()) continue;
    try {
      const lock = randomUUID();
      const job = await redis.guard(lane.worker.getNextJob(lock, { block: false }));
      if (!job) continue;
      await presence.tell(lane.recipe.name);
      const end = await takeTurn(turnOf(options, redis, lane), job, lock);
      took ||= end.kind !== 'not-ours';
      rest(lane, end, options.pace?.retryMs ?? usualPace.retryMs);
    } catch (error) {
      // The lease expires, and the queue offers the job again.
      if (!options.signal.aborted) options.tell({ kind: 'trouble', why: messageOf(error) });
    } finally {
      presence.tell().catch(() => undefined);
    }
  }
  return took;
}

/** After a failure this trainer leaves the next attempt to others. */
function rest(lane: Lane, end: TurnEnd, retryMs: number): void {
  if (end.kind === 'not-ours') lane.restsUntil = performance.now() + restMs;
  if (end.kind === 'failed' && !end.final) lane.restsUntil = performance.now() + 3 * retryMs;
}

function turnOf(options: TrainerOptions, redis: FarmRedis, { door, recipe, names }: Lane) {
  const { leaseMs, checkpointMs, retryMs } = { ...usualPace, ...options.pace };
  const { clockSkewS } = options.redis;
  return { ...options, redis, door, recipe, names, leaseMs, checkpointMs, retryMs, clockSkewS };
}

function laneOf({ prefix, engine, name, pace }: TrainerOptions, redis: FarmRedis, door: Known, recipe: Recipe): Lane {
  const { leaseMs } = { ...usualPace, ...pace };
  const names = farmNames(prefix, door.name);
  const worker = new Worker<JobData, JobResult>(names.queue(recipe.name, engine), null, {
    connection: redis.client,
    prefix: names.queuePrefix,
    name,
    autorun: false,
    lockDuration: leaseMs,
    stalledInterval: leaseMs / 2,
    maxStalledCount: maxStalls,
  });
  // Lost connections are reported by the connection itself.
  worker.on('error', () => undefined);
  return { door, recipe, names, worker, restsUntil: 0 };
}

/** Deletes what an earlier run left when it was killed. Throws Fault `bad-config`. */
async function emptyFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const left = (await readdir(folder)).filter((name) => name.startsWith('job-'));
    for (const name of left) await rm(join(folder, name), { recursive: true, force: true });
  } catch (error) {
    throw asFault(error, 'bad-config', `The folder ${folder} (trainer.folder) cannot be used`);
  }
}

/** Once the trainer is stopped, it waits only `givingBackMs` for a Redis that is away. Gives the clean-up. */
function closeAfter(signal: AbortSignal, closing: AbortController, connected: () => boolean): () => void {
  const every = 500;
  let timer: NodeJS.Timeout | undefined;
  const begin = () => {
    let awayMs = 0;
    timer = setInterval(() => {
      awayMs = connected() ? 0 : awayMs + every;
      if (awayMs >= givingBackMs) closing.abort(signal.reason);
    }, every);
  };
  signal.addEventListener('abort', begin, { once: true });
  return () => {
    signal.removeEventListener('abort', begin);
    clearInterval(timer);
    closing.abort(new Error('closed'));
  };
}

interface PresenceKeeper {
  /** Publishes at once; `busy`: the recipe of the current job. */
  tell(busy?: string): Promise<void>;
  stop(): Promise<void>;
}

function keepPresence(options: TrainerOptions, redis: FarmRedis): PresenceKeeper {
  const { prefix, party, name, device, recipes, engine } = options;
  const { presenceMs } = { ...usualPace, ...options.pace };
  let busy: string | undefined;
  const say = () => {
    const said = { name, device, recipes: recipes.map((recipe) => recipe.name), engine, ...(busy !== undefined && { busy }) };
    return tellPresence(redis, prefix, party, said, presenceMs);
  };
  const timer = setInterval(() => void say().catch(() => undefined), presenceMs);
  const tell = (at?: string) => {
    busy = at;
    return say();
  };
  return {
    tell,
    stop: async () => {
      clearInterval(timer);
      await withdrawPresence(redis, prefix, party).catch(() => undefined);
    },
  };
}
