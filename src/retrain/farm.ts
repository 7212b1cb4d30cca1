/**
 * The door's side of the farm: a job goes in; it is encrypted for the trainers that this door trusts and put into BullMQ's queue of its recipe,
 * followed, handed over anew where Redis lost it, and the one result that is signed by a trusted trainer, whole, and of the newest fencing token
 * comes out. Nothing is left in Redis then.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { Compile } from 'typebox/compile';
import { Fault } from '../errors.ts';
import type { Log } from '../log.ts';
import { digestOf, packData, unpackFolder } from './farm-archive.ts';
import { newestToken } from './farm-fence.ts';
import { type FarmNames, farmNames } from './farm-names.ts';
import { type FarmRedis, type FarmRedisOptions, openFarmRedis } from './farm-redis.ts';
import { presentTrainers } from './farm-roll.ts';
import { type Card, type Known, knownOf, type Party, seal, sign, unseal, verify } from './farm-seal.ts';
import {
  type JobData,
  type JobResult,
  jobResult,
  type Order,
  progress as progressSchema,
  type Receipt,
  type Result,
  receipt as receiptSchema,
  result as resultSchema,
} from './farm-statements.ts';
import { type Channel, dropStream, dropSubmission, receiveStream, sendStream } from './farm-stream.ts';
import type { Farm, RecipeName, RecipeResult, RecipeRun } from './port.ts';

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
const tries = 5;
/** A door forgives so many losses of everything by Redis in one job. */
const handings = 10;

interface Post {
  readonly options: FarmOptions;
  readonly pace: FarmPace;
  readonly redis: FarmRedis;
  readonly names: FarmNames;
  readonly queue: Queue<JobData, JobResult>;
  readonly trainers: readonly Known[];
  readonly job: { readonly id: string; readonly recipe: RecipeName; readonly seed: number };
}

type Run = Omit<RecipeRun, 'threads' | 'checkpoint'>;

/** Does no I/O. */
export function redisFarm(options: FarmOptions): Farm {
  return {
    train: async (job, run) => {
      await using stack = new AsyncDisposableStack();
      const post = await openPost(options, job, run.signal, stack);
      await post.redis.guard(limitRate(post));
      return await train(post, run);
    },
    cancel: async (job) => {
      await using stack = new AsyncDisposableStack();
      const post = await openPost(options, { ...job, seed: 0 }, new AbortController().signal, stack);
      const submission = await post.redis.guard(post.redis.client.get(post.names.standing(job.id)));
      if (submission) await withdraw(post, submission);
    },
  };
}

async function openPost(options: FarmOptions, job: Post['job'], signal: AbortSignal, stack: AsyncDisposableStack): Promise<Post> {
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
async function limitRate({ options, queue }: Post): Promise<void> {
  const hourMs = 3_600_000;
  if (options.jobsPerHour > 0) await queue.setGlobalRateLimit(options.jobsPerHour, hourMs);
  else await queue.removeGlobalRateLimit();
}

async function train(post: Post, run: Run): Promise<RecipeResult> {
  const digest = await digestOf(run.data, run.base);
  let submission = await standing(post, digest);
  let damaged = 0;
  for (let handing = 1; ; handing++) {
    submission ??= await submit(post, run, digest);
    const outcome = await follow(post, run, submission);
    if (outcome.kind === 'done') {
      await withdraw(post, submission);
      return outcome.result;
    }
    await withdraw(post, submission);
    if (outcome.kind === 'failed') throw outcome.fault;
    damaged += outcome.kind === 'damaged' ? 1 : 0;
    if (damaged >= tries || handing >= handings)
      throw new Fault('training-failed', `The farm was given this job ${handing} times, and each time: ${outcome.why}`);
    post.options.log.warn({ job: post.job.id, why: outcome.why }, 'job handed to the farm anew');
    submission = undefined;
  }
}

/** The submission of an earlier call for the same job on the same input, where it still stands. */
async function standing(post: Post, digest: string): Promise<string | undefined> {
  const { options, redis, names, queue, job } = post;
  const submission = await redis.guard(redis.client.get(names.standing(job.id)));
  if (!submission) return undefined;
  const found = await redis.guard(queue.getJob(names.job(submission)));
  const trusted = [await knownOf(options.own)];
  const read = found && (await verify(found.data.receipt, 'facelatch-farm-receipt+jwt', trusted, receiptSchema));
  const same =
    read !== undefined &&
    'claims' in read &&
    read.claims.submission === submission &&
    read.claims.job === job.id &&
    read.claims.recipe === job.recipe &&
    read.claims.digest === digest &&
    read.claims.exp > redis.wall() / 1000;
  if (same) return submission;
  await withdraw(post, submission);
  return undefined;
}

/** Sends the data, then puts the order into the queue. */
async function submit(post: Post, run: Run, digest: string): Promise<string> {
  const { options, redis, names, queue, trainers, job, pace } = post;
  await redis.requireKeeping();
  const submission = randomUUID();
  const channel: Channel = { redis, names, submission, maxBytes: options.maxBytes };
  const iat = redis.wall() / 1000;
  const exp = iat + options.ttlMs / 1000;
  // First of all, so that the next call finds what a cut left behind.
  await redis.guard(redis.client.set(names.standing(job.id), submission, 'PX', options.ttlMs));
  run.onProgress({ stage: 'sending the pictures to the farm', done: 0, total: 1 });
  const data = await sendStream(channel, packData(run.data, run.base), options.ttlMs);
  const order: Order = {
    door: options.door,
    submission,
    job: job.id,
    recipe: job.recipe,
    seed: job.seed,
    engine: options.engine,
    iat,
    exp,
    data,
    trainers: trainers.map(({ card }) => card as Order['trainers'][number]),
  };
  const receipt: Receipt = { submission, job: job.id, recipe: job.recipe, digest, exp };
  const content: JobData = {
    submission,
    order: await seal(order, 'facelatch-farm-order+jwt', options.party, trainers),
    receipt: await sign(receipt, 'facelatch-farm-receipt+jwt', options.party),
  };
  const age = Math.ceil(options.ttlMs / 1000);
  await redis.guard(
    queue.add(job.recipe, content, {
      jobId: names.job(submission),
      attempts: tries,
      backoff: { type: 'fixed', delay: pace.retryMs },
      stackTraceLimit: 0,
      removeOnComplete: { age },
      removeOnFail: { age },
    }),
  );
  options.log.info({ job: job.id, recipe: job.recipe, submission, bytes: data.bytes }, 'job given to the farm');
  return submission;
}

type Outcome =
  | { readonly kind: 'done'; readonly result: RecipeResult }
  | { readonly kind: 'failed'; readonly fault: Fault }
  /** To be handed over anew: its data did not arrive whole, or Redis lost the job. */
  | { readonly kind: 'damaged' | 'gone'; readonly why: string };

async function follow(post: Post, run: Run, submission: string): Promise<Outcome> {
  const { options, redis, names, queue, job, pace } = post;
  const watch = waitingWatch(post, run);
  const endsAt = performance.now() + options.ttlMs;
  let told = '';
  let refusals = 0;
  for (;;) {
    run.signal.throwIfAborted();
    // In this order: what is read of a job that has ended is what it ended in.
    const state = await redis.guard(queue.getJobState(names.job(submission)));
    const found = await redis.guard(queue.getJob(names.job(submission)));
    if (!found) return { kind: 'gone', why: 'Redis lost the job (is "appendonly yes" set?)' };
    if (state === 'completed') {
      const taken = await take(post, run, submission, found.returnvalue);
      if ('result' in taken) return { kind: 'done', result: taken.result };
      options.log.warn({ job: job.id, why: taken.refused }, 'result of the farm refused');
      if (++refusals >= tries) return { kind: 'failed', fault: new Fault('not-permitted', `The farm's result ${taken.refused}`) };
      await redis.guard(found.retry('completed', { resetAttemptsMade: true }));
    } else if (state === 'failed') return outcomeOf(found.failedReason);
    else if (state === 'active') {
      watch.reset();
      const text = JSON.stringify(found.progress);
      if (text !== told && progressFits.Check(found.progress)) run.onProgress(found.progress as Parameters<Run['onProgress']>[0]);
      told = text;
    } else {
      const fault = await watch.look();
      if (fault) return { kind: 'failed', fault };
    }
    if (performance.now() > endsAt)
      return { kind: 'failed', fault: new Fault('training-failed', 'The farm was not done with this job within farm.ttlMs: raise it') };
    await delay(pace.pollMs, undefined, { signal: run.signal }).catch(() => undefined);
  }
}

const progressFits = Compile(progressSchema);
const resultFits = Compile(jobResult);

/** What a trainer said when it failed: `code|message`, or BullMQ's own words. */
function outcomeOf(reason: string): Outcome {
  const [, code = '', text = reason] = /^([a-z-]+)\|(.*)$/s.exec(reason) ?? [];
  const why = text.replaceAll(/\p{Cc}+/gu, ' ').slice(0, 500);
  if (code === 'farm-damaged') return { kind: 'damaged', why };
  return { kind: 'failed', fault: new Fault(code === 'not-permitted' ? code : 'training-failed', `The trainer says: ${why}`) };
}

/** Whether anybody is there who can do the job. */
function waitingWatch({ options, redis, trainers, job }: Post, run: Run) {
  const everyMs = Math.min(5000, options.waitMs / 2);
  let since = performance.now();
  let lookedAt = Number.NEGATIVE_INFINITY;
  return {
    reset: () => {
      since = performance.now();
    },
    /** A Fault where it has waited long enough. */
    look: async (): Promise<Fault | undefined> => {
      const now = performance.now();
      if (now - lookedAt < everyMs) return undefined;
      lookedAt = now;
      const present = await presentTrainers(redis, options.prefix, trainers);
      const able = present.filter(({ recipes, engine }) => recipes.includes(job.recipe) && engine === options.engine);
      run.onProgress({ stage: able.length > 0 ? 'waiting for a trainer' : 'no trainer is there that can do it', done: 0, total: 1 });
      if (able.length > 0) since = now;
      if (now - since < options.waitMs) return undefined;
      const there = present.map(({ name, engine, recipes }) => `${name} (facelatch ${engine}: ${recipes.join(', ')})`).join('; ');
      return new Fault(
        'farm-unreachable',
        `No trainer that this door trusts can do ${job.recipe} in facelatch ${options.engine}; there ${present.length === 0 ? 'is none at all' : `are ${there}`}: start one of the same version (facelatch trainer), or wait longer (farm.waitMs)`,
      );
    },
  };
}

/** The result, where it is one: signed by a trusted trainer, of this submission and its newest token, and whole. */
async function take(
  post: Post,
  run: Run,
  submission: string,
  value: unknown,
): Promise<{ readonly result: RecipeResult } | { readonly refused: string }> {
  const { options, redis, names, trainers, job } = post;
  if (!resultFits.Check(value)) return { refused: 'has another form than this version knows' };
  const { sealed } = value as JobResult;
  const read = await unseal(sealed, 'facelatch-farm-result+jwt', options.party, trainers, resultSchema);
  if ('refused' in read) return read;
  const { claims, by } = read;
  const channel: Channel = { redis, names, submission, maxBytes: options.maxBytes };
  const refused = mismatch(claims, await newestToken(channel), submission, post);
  if (refused) return { refused };
  await mkdir(run.out, { recursive: true, mode: 0o700 });
  await emptied(run.out);
  try {
    await unpackFolder(receiveStream(channel, claims.data), run.out);
  } catch (error) {
    await emptied(run.out);
    await dropStream(channel, claims.data).catch(() => undefined);
    if (error instanceof Fault && error.code === 'farm-damaged') return { refused: `is not whole: ${error.message}` };
    throw error;
  }
  options.log.info({ job: job.id, trainer: by.name, token: claims.token, bytes: claims.data.bytes }, 'result taken from the farm');
  return { result: { folder: run.out, calibration: claims.calibration, seconds: claims.seconds, figures: claims.figures } };
}

function mismatch(
  claims: Result,
  newest: { readonly token: number; readonly lease: string } | undefined,
  submission: string,
  { options, redis, job }: Post,
): string | undefined {
  const { engine } = options;
  const { clockSkewS } = options.redis;
  const now = redis.wall() / 1000;
  const wrong: readonly (readonly [boolean, string])[] = [
    [claims.submission !== submission || claims.job !== job.id || claims.recipe !== job.recipe, 'is of another job'],
    [claims.engine !== engine, `was made by facelatch ${claims.engine}, and this door runs ${engine}`],
    [
      claims.token !== newest?.token || claims.lease !== newest?.lease,
      `bears the fencing token ${claims.token}, and the newest is ${newest?.token ?? 'unknown'}: its trainer had lost the job`,
    ],
    [
      claims.iat > now + clockSkewS,
      `was signed ${(claims.iat - now).toFixed(0)} s in the future (farm.clockSkewS allows ${clockSkewS}): synchronise the clocks of door and trainer`,
    ],
  ];
  return wrong.find(([is]) => is)?.[1];
}

async function emptied(folder: string): Promise<void> {
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
}

/** Takes the job out of the queue and deletes what lies in Redis of it; a trainer that is at it notices within a third of its lease. */
async function withdraw({ options, redis, names, queue, job }: Post, submission: string): Promise<void> {
  await redis.guard(redis.client.set(names.cancelled(submission), '1', 'PX', Math.max(60_000, options.ttlMs)));
  await dropSubmission({ redis, names, submission });
  if ((await redis.guard(redis.client.get(names.standing(job.id)))) === submission)
    await redis.guard(redis.client.unlink(names.standing(job.id)));
  const found = await redis.guard(queue.getJob(names.job(submission)));
  // One that is locked by a trainer cannot be removed: that trainer removes it when it notices.
  await redis.guard(found?.remove().catch(() => undefined) ?? Promise.resolve());
}
