/**
 * A door's session with the farm about one job: the connection to Redis, the names of the keys and the queue of the
 * recipe. Opened by dispatch.ts, which owns the stack that closes it.
 */
import { Queue } from 'bullmq';
import { Fault } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { RecipeName, RecipeRun } from '../retrain/port.ts';
import { type FarmNames, farmNames } from './names.ts';
import { type FarmRedis, type FarmRedisOptions, openFarmRedis } from './redis.ts';
import { type Card, type Known, knownOf, type Party } from './seal.ts';
import type { JobData, JobResult } from './statements.ts';
import { dropSubmission } from './stream.ts';

export interface FarmOptions {
  readonly redis: Omit<FarmRedisOptions, 'signal'>;
  readonly prefix: string;
  readonly door: string;
  /** The door's keys: orders are signed, and results decrypted, with them. */
  readonly party: Party;
  /** The door's own card, to verify its receipts. */
  readonly own: Card;
  /** Who may take this door's jobs. */
  readonly trainers: readonly Card[];
  readonly engine: string;
  readonly maxBytes: number;
  /** How long a job's data may stay in Redis. Milliseconds. */
  readonly ttlMs: number;
  /** How long a job waits for a trainer that can do it. Milliseconds. */
  readonly waitMs: number;
  /** At most this many jobs begin in an hour; 0: no limit. */
  readonly jobsPerHour: number;
  readonly log: Log;
  readonly pace?: Partial<FarmPace>;
}

export interface FarmPace {
  /** Between two polls of a job. Milliseconds. */
  readonly pollMs: number;
  /** Before a failed attempt is repeated, by any trainer. Milliseconds. */
  readonly retryMs: number;
}

const usualPace: FarmPace = { pollMs: 1000, retryMs: 10_000 };
/**
 * A job fails after this many attempts that failed for a reason of the trainer (disk, memory), refused results, or
 * damaged bundles.
 */
export const tries = 5;

export interface FarmSession {
  readonly options: FarmOptions;
  readonly pace: FarmPace;
  readonly redis: FarmRedis;
  readonly names: FarmNames;
  readonly queue: Queue<JobData, JobResult>;
  readonly trainers: readonly Known[];
  readonly job: { readonly id: string; readonly recipe: RecipeName; readonly seed: number };
}

export type FarmRun = Omit<RecipeRun, 'threads' | 'checkpoint'>;

/** Throws Faults `farm-unreachable`, `not-permitted`, `bad-config`. */
export async function openFarmSession(
  options: FarmOptions,
  job: FarmSession['job'],
  signal: AbortSignal,
  stack: AsyncDisposableStack,
): Promise<FarmSession> {
  if (options.trainers.length === 0)
    throw new Fault('bad-config', 'This door trusts no trainer: name the cards of its trainers in farm.trainers (facelatch trainer key)');
  const trainers = await Promise.all(options.trainers.map(knownOf));
  const redis = stack.use(await openFarmRedis({ ...options.redis, signal }));
  const names = farmNames(options.prefix, options.door);
  const queue = new Queue<JobData, JobResult>(names.queue(job.recipe, options.engine), {
    connection: redis.client,
    prefix: names.queuePrefix,
    // Nobody reads the events: a door polls its job.
    streams: { events: { maxLen: 100 } },
  });
  // Lost connections are reported by the connection itself.
  queue.on('error', () => undefined);
  stack.defer(() => queue.close().catch(() => undefined));
  return { options, pace: { ...usualPace, ...options.pace }, redis, names, queue, trainers, job };
}

/** Kept with the queue in Redis: it holds over all trainers. */
export async function limitRate({ options, queue }: FarmSession): Promise<void> {
  const hourMs = 3_600_000;
  if (options.jobsPerHour > 0) await queue.setGlobalRateLimit(options.jobsPerHour, hourMs);
  else await queue.removeGlobalRateLimit();
}

/**
 * Removes the job from the queue and its data from Redis. A trainer that is working on it notices within a third of its
 * lease.
 */
export async function withdraw({ options, redis, names, queue, job }: FarmSession, submission: string): Promise<void> {
  await redis.guard(redis.client.set(names.cancelled(submission), '1', 'PX', Math.max(60_000, options.ttlMs)));
  await dropSubmission({ redis, names, submission });
  if ((await redis.guard(redis.client.get(names.standing(job.id)))) === submission)
    await redis.guard(redis.client.unlink(names.standing(job.id)));
  const found = await redis.guard(queue.getJob(names.job(submission)));
  // A job that a trainer has locked cannot be removed here: that trainer removes it when it notices.
  await redis.guard(found?.remove().catch(() => undefined) ?? Promise.resolve());
}
