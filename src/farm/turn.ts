/**
 * A trainer's turn at one job. A queued job goes in; the recipe continues from the newest checkpoint while the lease is
 * renewed; the result goes to the door, signed by this trainer and encrypted for the door alone. Nothing of the job
 * stays on the trainer.
 */

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault, messageOf } from '../base/errors.ts';
import { shelfIn } from '../base/model/shelf.ts';
import type { Recipe, RecipeName, RecipeProgress, RecipeResult } from '../retrain/port.ts';
import { packFolder, unpackData } from './archive.ts';
import { type CheckpointKeeper, keepCheckpoints, restoreCheckpoint } from './checkpoint.ts';
import { endUnwanted, fail, failBy, giveBack, type TurnEnd } from './ending.ts';
import { drawToken, type Fence, newestToken } from './fence.ts';
import { isCancelled, keepLease, type Lease, lifeMs, unwanted } from './lease.ts';
import type { FarmNames } from './names.ts';
import { readOrder } from './order.ts';
import type { FarmRedis } from './redis.ts';
import { type Known, knownOf, notForUs, type Party, seal } from './seal.ts';
import type { FarmJob, Order, Result } from './statements.ts';
import { type Channel, dropStream, receiveStream, sendStream } from './stream.ts';

export interface TurnOptions {
  readonly redis: FarmRedis;
  readonly names: FarmNames;
  readonly party: Party;
  readonly door: Known;
  readonly recipe: Recipe;
  readonly threads: number;
  /** Each turn makes a folder of its own in it. */
  readonly folder: string;
  readonly engine: string;
  readonly maxBytes: number;
  readonly clockSkewS: number;
  readonly leaseMs: number;
  readonly checkpointMs: number;
  /** After this, a job that this trainer cannot decrypt is offered again. Milliseconds. */
  readonly retryMs: number;
  /** When it is aborted, the job goes back to the queue. */
  readonly signal: AbortSignal;
  readonly tell: (event: TurnEvent) => void;
}

export type TurnEvent = { readonly job: string; readonly door: string; readonly recipe: RecipeName } & (
  | { readonly kind: 'taken'; readonly token: number; readonly from?: { readonly token: number } }
  | { readonly kind: 'progress'; readonly progress: RecipeProgress }
  | { readonly kind: 'checkpoint'; readonly bytes: number }
  | { readonly kind: 'trouble'; readonly why: string }
  | TurnEnd
);

/** Works on `job`, which is locked with `lock`, and settles it in the queue. Throws faults of the connection. */
export async function takeTurn(options: TurnOptions, job: FarmJob, lock: string): Promise<TurnEnd> {
  const { door, recipe } = options;
  const say = (event: Told) => options.tell(tellOf({ job: job.id ?? '', door: door.name, recipe: recipe.name }, event));
  const end = await settle(options, job, lock, say);
  say(end);
  return end;
}

type Told = TurnEvent extends infer E ? (E extends unknown ? Omit<E, 'job' | 'door' | 'recipe'> : never) : never;
const tellOf = (of: Pick<TurnEvent, 'job' | 'door' | 'recipe'>, event: Told): TurnEvent => ({ ...of, ...event });

async function settle(options: TurnOptions, job: FarmJob, lock: string, say: (event: Told) => void): Promise<TurnEnd> {
  if (job.deferredFailure) return fail(options, job, lock, new Fault('training-failed', job.deferredFailure), true);
  const read = await readOrder(options, job);
  if ('refused' in read) {
    if (read.refused !== notForUs)
      return fail(options, job, lock, new Fault('not-permitted', `The order of this job ${read.refused}`), true);
    // Another trainer of the door may be able to decrypt it.
    await options.redis.guard(job.moveToDelayed(options.redis.wall() + options.retryMs, lock));
    return { kind: 'not-ours' };
  }
  const { order } = read;
  const channel: Channel = { ...options, submission: order.submission };
  if (await isCancelled(channel)) return endUnwanted(options, job, lock, unwanted);
  const fence = await drawToken(channel, lifeMs(order, options.redis));
  const lease = keepLease({ leaseMs: options.leaseMs, channel, job, lock, fence, order });
  try {
    return await work(options, { channel, order, fence, job, lock, lease, say });
  } catch (error) {
    if (lease.ended?.kind === 'lost') return { kind: 'lost', why: lease.ended.why };
    if (lease.ended) return endUnwanted(options, job, lock, lease.ended.why);
    if (options.signal.aborted) return giveBack(options, job, lock);
    return failBy(options, job, lock, error, options.folder);
  } finally {
    lease.stop();
  }
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
  const [base, checkpoint, out] = [join(folder, 'base'), join(folder, 'checkpoint'), join(folder, 'out')];
  try {
    for (const each of [base, checkpoint, out]) await mkdir(each, { mode: 0o700 });
    const trainers = await Promise.all(order.trainers.map(knownOf));
    const restored = await restoreCheckpoint(channel, checkpoint, options.party, trainers);
    say({ kind: 'taken', token: fence.token, ...('token' in restored && { from: { token: restored.token } }) });
    if ('none' in restored && restored.none) say({ kind: 'trouble', why: `starts from the beginning: ${restored.none}` });
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
        out: shelfIn(out),
        checkpoint: shelfIn(checkpoint),
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

/** When the trainer is stopped, the last checkpoint is sent, so that nothing is lost. */
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
    calibration: { ...made.calibration, table: [...made.calibration.table] },
    seconds: made.seconds,
    figures: { ...made.figures },
  };
  const sealed = await seal(claims, 'facelatch-farm-result+jwt', options.party, [options.door]);
  try {
    await options.redis.guard(job.moveToCompleted({ token: fence.token, sealed }, lock, false));
  } catch (error) {
    // After a lost connection the command is sent twice: the second finds the job already completed.
    const newest = await newestToken(channel);
    const state = newest?.lease === fence.lease ? await options.redis.guard(job.getState()) : 'unknown';
    if (state !== 'completed') {
      await dropStream(channel, stream);
      return { kind: 'lost', why: messageOf(error) };
    }
  }
  return { kind: 'done', seconds: made.seconds };
}

/** Sends at most one report a second to Redis. */
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

/** The pieces of `source` until the signal is aborted. */
async function* until(source: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const piece of source) {
    signal.throwIfAborted();
    yield piece;
  }
}
