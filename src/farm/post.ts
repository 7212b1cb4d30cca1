/** What a door needs to deal with one job on the farm: the connection, the names and the queue of its recipe, open for as long as the job is dealt with; and the end of what was sent. */
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
  /** This door's keys: it signs orders, and only it can read results. */
  readonly party: Party;
  /** The door itself, as it knows its own receipts again. */
  readonly own: Card;
  /** Who may take this door's jobs. */
  readonly trainers: readonly Card[];
  readonly engine: string;
  readonly maxBytes: number;
  /** How long a job's data may lie in Redis. */
  readonly ttlMs: number;
  /** How long a job waits for a trainer that can do it. */
  readonly waitMs: number;
  /** At most so many jobs an hour begin; 0: as many as come. */
  readonly jobsPerHour: number;
  readonly log: Log;
  readonly pace?: Partial<FarmPace>;
}

export interface FarmPace {
  /** Between two looks at a job. Milliseconds. */
  readonly pollMs: number;
  /** Before a trainer's failed try is tried again, by any trainer. Milliseconds. */
  readonly retryMs: number;
}

const usualPace: FarmPace = { pollMs: 1000, retryMs: 10_000 };
/** A trainer's own trouble (its disk, its memory) ends a job after so many tries; so do results that are refused, and bundles that arrive damaged. */
export const tries = 5;

export interface Post {
  readonly options: FarmOptions;
  readonly pace: FarmPace;
  readonly redis: FarmRedis;
  readonly names: FarmNames;
  readonly queue: Queue<JobData, JobResult>;
  readonly trainers: readonly Known[];
  readonly job: { readonly id: string; readonly recipe: RecipeName; readonly seed: number };
}

export type Run = Omit<RecipeRun, 'threads' | 'checkpoint'>;

export async function openPost(options: FarmOptions, job: Post['job'], signal: AbortSignal, stack: AsyncDisposableStack): Promise<Post> {
  if (options.trainers.length === 0)
    throw new Fault('bad-config', 'This door trusts no trainer: name the cards of its trainers in farm.trainers (facelatch trainer key)');
  const trainers = await Promise.all(options.trainers.map(knownOf));
  const redis = stack.use(await openFarmRedis({ ...options.redis, signal }));
  const names = farmNames(options.prefix, options.door);
  const queue = new Queue<JobData, JobResult>(names.queue(job.recipe, options.engine), {
    connection: redis.client,
    prefix: names.queuePrefix,
    // Nobody reads them: a door looks at its job.
    streams: { events: { maxLen: 100 } },
  });
  // Lost connections are told by the connection itself.
  queue.on('error', () => undefined);
  stack.defer(() => queue.close().catch(() => undefined));
  return { options, pace: { ...usualPace, ...options.pace }, redis, names, queue, trainers, job };
}

/** Of the engine, over all trainers: kept with the queue in Redis. */
export async function limitRate({ options, queue }: Post): Promise<void> {
  const hourMs = 3_600_000;
  if (options.jobsPerHour > 0) await queue.setGlobalRateLimit(options.jobsPerHour, hourMs);
  else await queue.removeGlobalRateLimit();
}

/** Takes the job out of the queue and deletes what lies in Redis of it; a trainer that is at it notices within a third of its lease. */
export async function withdraw({ options, redis, names, queue, job }: Post, submission: string): Promise<void> {
  await redis.guard(redis.client.set(names.cancelled(submission), '1', 'PX', Math.max(60_000, options.ttlMs)));
  await dropSubmission({ redis, names, submission });
  if ((await redis.guard(redis.client.get(names.standing(job.id)))) === submission)
    await redis.guard(redis.client.unlink(names.standing(job.id)));
  const found = await redis.guard(queue.getJob(names.job(submission)));
  // One that is locked by a trainer cannot be removed: that trainer removes it when it notices.
  await redis.guard(found?.remove().catch(() => undefined) ?? Promise.resolve());
}
