/**
 * A trainer's turn at one job: the order out of the queue goes in; it is checked, the newest checkpoint is taken up, the recipe runs while the
 * lease is renewed beside it, and the result goes to the door, signed by this trainer and for the door's eyes alone. Nothing of it stays here.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Job, UnrecoverableError } from 'bullmq';
import { Compile } from 'typebox/compile';
import { Fault, messageOf } from '../errors.ts';
import { packFolder, unpackData } from './farm-archive.ts';
import { type CheckpointKeeper, keepCheckpoints, restoreCheckpoint } from './farm-checkpoint.ts';
import { drawToken, type Fence, newestToken } from './farm-fence.ts';
import type { FarmNames } from './farm-names.ts';
import type { FarmRedis } from './farm-redis.ts';
import { type Known, knownOf, notForUs, type Party, seal, unseal } from './farm-seal.ts';
import { type JobData, type JobResult, jobData, type Order, order as orderSchema, type Result } from './farm-statements.ts';
import { type Channel, dropStream, receiveStream, sendStream } from './farm-stream.ts';
import type { Recipe, RecipeName, RecipeProgress, RecipeResult } from './port.ts';

export interface TurnOptions {
  readonly redis: FarmRedis;
  readonly names: FarmNames;
  readonly party: Party;
  readonly door: Known;
  readonly recipe: Recipe;
  readonly threads: number;
  /** Where a turn has its folder. */
  readonly folder: string;
  readonly engine: string;
  readonly maxBytes: number;
  readonly clockSkewS: number;
  readonly leaseMs: number;
  readonly checkpointMs: number;
  /** After so long a job that nobody here may read is offered again. Milliseconds. */
  readonly retryMs: number;
  /** Asked to stop: the job goes back. */
  readonly signal: AbortSignal;
  readonly tell: (event: TurnEvent) => void;
}

export type FarmJob = Job<JobData, JobResult>;

export type TurnEvent = { readonly job: string; readonly door: string; readonly recipe: RecipeName } & (
  | { readonly kind: 'taken'; readonly token: number; readonly from?: { readonly token: number } }
  | { readonly kind: 'progress'; readonly progress: RecipeProgress }
  | { readonly kind: 'checkpoint'; readonly bytes: number }
  | { readonly kind: 'trouble'; readonly why: string }
  | TurnEnd
);
export type TurnEnd =
  | { readonly kind: 'done'; readonly seconds: number }
  | { readonly kind: 'gave-back' }
  /** Somebody else has it now, or the door wants it no more. */
  | { readonly kind: 'lost'; readonly why: string }
  | { readonly kind: 'failed'; readonly why: string; readonly final: boolean }
  /** It cannot be read with this trainer's key. */
  | { readonly kind: 'not-ours' };

/** Faults that another trainer would meet too. */
const final: ReadonlySet<string> = new Set([
  'training-failed',
  'bad-picture',
  'bad-argument',
  'model-damaged',
  'model-unfit',
  'farm-damaged',
]);
const dataFits = Compile(jobData);

/** Takes its turn at `job`, which is locked with `lock`, and settles it. Throws faults of the connection. */
export async function takeTurn(options: TurnOptions, job: FarmJob, lock: string): Promise<TurnEnd> {
  const { door, recipe } = options;
  const say = (event: Parameters<typeof tellOf>[1]) =>
    options.tell(tellOf({ job: job.id ?? '', door: door.name, recipe: recipe.name }, event));
  const end = await settle(options, job, lock, say);
  say(end);
  return end;
}

type Told = TurnEvent extends infer E ? (E extends unknown ? Omit<E, 'job' | 'door' | 'recipe'> : never) : never;
const tellOf = (of: Pick<TurnEvent, 'job' | 'door' | 'recipe'>, event: Told): TurnEvent => ({ ...of, ...event }) as TurnEvent;

async function settle(options: TurnOptions, job: FarmJob, lock: string, say: (event: Told) => void): Promise<TurnEnd> {
  if (job.deferredFailure) return fail(options, job, lock, new Fault('training-failed', job.deferredFailure), true);
  const read = await readOrder(options, job);
  if ('refused' in read) {
    if (read.refused !== notForUs)
      return fail(options, job, lock, new Fault('not-permitted', `The order of this job ${read.refused}`), true);
    // Another trainer of the door may well read it.
    await options.redis.guard(job.moveToDelayed(options.redis.wall() + options.retryMs, lock));
    return { kind: 'not-ours' };
  }
  const { order } = read;
  const channel: Channel = { ...options, submission: order.submission };
  if (await isCancelled(channel)) return endUnwanted(options, job, lock, unwanted);
  const fence = await drawToken(channel, lifeMs(order, options.redis));
  const lease = keepLease(options, channel, job, lock, fence, order);
  try {
    return await work(options, { channel, order, fence, job, lock, lease, say });
  } catch (error) {
    if (lease.ended?.kind === 'lost') return { kind: 'lost', why: lease.ended.why };
    if (lease.ended) return endUnwanted(options, job, lock, lease.ended.why);
    if (options.signal.aborted) return giveBack(options, job, lock);
    const fault = faultOf(error, options.folder);
    return fail(options, job, lock, fault, fault instanceof Fault && final.has(fault.code));
  } finally {
    lease.stop();
  }
}

/** No space, no quota, or a limit on the file's size. */
const full = new Set<unknown>(['ENOSPC', 'EDQUOT', 'EFBIG']);

function faultOf(error: unknown, folder: string): unknown {
  if (!full.has((error as NodeJS.ErrnoException).code)) return error;
  return new Fault('disk-full', `The disk of a trainer is full: free space in ${folder} (trainer.folder) there`, error);
}

const lifeMs = ({ exp }: Order, { wall }: FarmRedis): number => exp * 1000 - wall();

async function readOrder(
  { party, door, recipe, engine, clockSkewS, names, redis }: TurnOptions,
  job: FarmJob,
): Promise<{ readonly order: Order } | { readonly refused: string }> {
  const { data } = job;
  if (!dataFits.Check(data)) return { refused: 'has another form than this version knows' };
  const read = await unseal(data.order, 'facelatch-farm-order+jwt', party, [door], orderSchema);
  if ('refused' in read) return read;
  const { claims: order } = read;
  const now = redis.wall() / 1000;
  const wrong: readonly (readonly [boolean, string])[] = [
    [order.door !== door.name, `is of the door ${order.door} and lies with ${door.name}`],
    [order.recipe !== recipe.name, `asks for ${order.recipe} and lies in the queue of ${recipe.name}`],
    [names.job(order.submission) !== job.id || order.submission !== data.submission, 'belongs to another job'],
    [
      order.engine !== engine,
      `is of facelatch ${order.engine}, and this trainer runs ${engine}: install the same version on door and trainers`,
    ],
    [
      order.iat > now + clockSkewS,
      `was signed ${(order.iat - now).toFixed(0)} s in the future (farm.clockSkewS allows ${clockSkewS}): synchronise the clocks of door and trainer`,
    ],
    [
      order.exp < now - clockSkewS,
      `has been void for ${(now - order.exp).toFixed(0)} s (farm.ttlMs of the door): its pictures are gone; the door begins anew`,
    ],
  ];
  const refused = wrong.find(([is]) => is)?.[1];
  return refused === undefined ? { order } : { refused };
}

interface Turn {
  readonly channel: Channel;
  readonly order: Order;
  readonly fence: Fence;
  readonly job: FarmJob;
  readonly lock: string;
  readonly lease: Lease;
  readonly say: (event: Told) => void;
}

async function work(options: TurnOptions, turn: Turn): Promise<TurnEnd> {
  const { channel, order, fence, lease, say } = turn;
  const signal = AbortSignal.any([options.signal, lease.signal]);
  const folder = await mkdtemp(join(options.folder, 'job-'));
  const [base, checkpoint, out] = ['base', 'checkpoint', 'out'].map((name) => join(folder, name)) as [string, string, string];
  try {
    for (const each of [base, checkpoint, out]) await mkdir(each, { mode: 0o700 });
    const trainers = await Promise.all(order.trainers.map(knownOf));
    const restored = await restoreCheckpoint(channel, checkpoint, options.party, trainers);
    say({ kind: 'taken', token: fence.token, ...('token' in restored && { from: { token: restored.token } }) });
    if ('none' in restored && restored.none) say({ kind: 'trouble', why: `begins anew: ${restored.none}` });
    const data = await unpackData(until(receiveStream(channel, order.data), signal), base);
    const keeper = keepCheckpoints({
      channel,
      fence,
      folder: checkpoint,
      copy: join(folder, 'copy'),
      everyMs: options.checkpointMs,
      by: options.party,
      to: trainers,
      lifeMs: () => lifeMs(order, options.redis),
      onSent: (bytes) => say({ kind: 'checkpoint', bytes }),
      onTrouble: (why) => say({ kind: 'trouble', why }),
    });
    const result = await running(options, turn, keeper, () =>
      options.recipe.run({
        data,
        base,
        out,
        checkpoint,
        seed: order.seed,
        threads: options.threads,
        signal,
        onProgress: progressTeller(turn),
      }),
    );
    signal.throwIfAborted();
    return await deliver(options, turn, result, signal);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Stopped, the last checkpoint goes out, so that nothing is lost. */
async function running(
  { signal }: TurnOptions,
  { lease }: Turn,
  keeper: CheckpointKeeper,
  run: () => Promise<RecipeResult>,
): Promise<RecipeResult> {
  try {
    return await run();
  } finally {
    await keeper.stop(signal.aborted && !lease.ended);
  }
}

async function deliver(options: TurnOptions, turn: Turn, made: RecipeResult, signal: AbortSignal): Promise<TurnEnd> {
  const { channel, order, fence, job, lock } = turn;
  const stream = await sendStream(channel, until(packFolder(made.folder), signal), lifeMs(order, options.redis));
  const claims: Result = {
    submission: order.submission,
    job: order.job,
    recipe: order.recipe,
    engine: options.engine,
    ...fence,
    iat: options.redis.wall() / 1000,
    data: stream,
    calibration: structuredClone(made.calibration) as Result['calibration'],
    seconds: made.seconds,
    figures: { ...made.figures },
  };
  const sealed = await seal(claims, 'facelatch-farm-result+jwt', options.party, [options.door]);
  try {
    await options.redis.guard(job.moveToCompleted({ token: fence.token, sealed }, lock, false));
  } catch (error) {
    // Sent twice over a connection that was cut, the second finds the first already done.
    const newest = await newestToken(channel);
    const state = newest?.lease === fence.lease ? await options.redis.guard(job.getState()) : 'unknown';
    if (state !== 'completed') {
      await dropStream(channel, stream);
      return { kind: 'lost', why: messageOf(error) };
    }
  }
  return { kind: 'done', seconds: made.seconds };
}

/** At most one report a second goes to Redis. */
function progressTeller({ job, say, channel }: Turn): (progress: RecipeProgress) => void {
  const everyMs = 1000;
  let toldAt = Number.NEGATIVE_INFINITY;
  return (progress) => {
    say({ kind: 'progress', progress });
    const now = performance.now();
    if (now - toldAt < everyMs && progress.done < progress.total) return;
    toldAt = now;
    const { stage, done, total, figures } = progress;
    channel.redis
      .guard(job.updateProgress({ stage: stage.slice(0, 200), done, total, ...(figures && { figures: { ...figures } }) }))
      .catch(() => undefined);
  };
}

async function giveBack({ redis }: TurnOptions, job: FarmJob, lock: string): Promise<TurnEnd> {
  try {
    await redis.guard(job.moveToWait(lock));
    return { kind: 'gave-back' };
  } catch (error) {
    return { kind: 'lost', why: messageOf(error) };
  }
}

async function fail({ redis }: TurnOptions, job: FarmJob, lock: string, error: unknown, isFinal: boolean): Promise<TurnEnd> {
  const code = error instanceof Fault ? error.code : 'bug';
  const why = messageOf(error);
  // It stands in Redis in the clear and is shown to people at the door.
  const text = `${code}|${why.replaceAll(/\p{Cc}+/gu, ' ').slice(0, 500)}`;
  try {
    await redis.guard(job.moveToFailed(withoutStack(isFinal ? new UnrecoverableError(text) : new Error(text)), lock, false));
    return { kind: 'failed', why, final: isFinal };
  } catch (lost) {
    return { kind: 'lost', why: messageOf(lost) };
  }
}

const unwanted = 'the door has taken the job back';

async function isCancelled({ redis, names, submission }: Channel): Promise<boolean> {
  return (await redis.guard(redis.client.exists(names.cancelled(submission)))) === 1;
}

/** The door asks no more for it. */
async function endUnwanted(options: TurnOptions, job: FarmJob, lock: string, why: string): Promise<TurnEnd> {
  const end = await fail(options, job, lock, new Fault('training-failed', why), true);
  await options.redis.guard(job.remove().catch(() => undefined));
  return end;
}

/** The stack would stand in Redis, with the paths of this machine. */
function withoutStack(error: Error): Error {
  error.stack = error.message;
  return error;
}

interface Lease {
  readonly signal: AbortSignal;
  readonly ended: { readonly kind: 'lost' | 'over'; readonly why: string } | undefined;
  stop(): void;
}

/** Renews the lock of the queue; notices when another trainer has taken over, when the door wants the job no more, and when its time is over. */
function keepLease({ leaseMs, redis }: TurnOptions, channel: Channel, job: FarmJob, lock: string, fence: Fence, order: Order): Lease {
  const over = new AbortController();
  let ended: Lease['ended'];
  let looking = false;
  const end = (kind: 'lost' | 'over', why: string) => {
    ended ??= { kind, why };
    over.abort(new Error(why));
  };
  const look = async () => {
    const renewed = await redis.guard(job.extendLock(lock, leaseMs));
    if (over.signal.aborted) return;
    if (renewed !== 1) return end('lost', 'the lease of this job is over: another trainer takes it up');
    if (await isCancelled(channel)) return end('over', unwanted);
    const newest = await newestToken(channel);
    if (newest?.lease !== fence.lease) return end('lost', 'a newer turn at this job has begun');
    if (lifeMs(order, redis) < 0) end('over', 'the job was not done within farm.ttlMs of the door');
  };
  const timer = setInterval(() => {
    // While Redis is away the question waits, and the work goes on.
    if (looking) return;
    looking = true;
    look()
      .catch(() => undefined)
      .finally(() => {
        looking = false;
      });
  }, leaseMs / 3);
  return {
    signal: over.signal,
    get ended() {
      return ended;
    },
    stop: () => clearInterval(timer),
  };
}

/** The pieces of `source` until the signal is aborted. */
async function* until(source: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const piece of source) {
    signal.throwIfAborted();
    yield piece;
  }
}
