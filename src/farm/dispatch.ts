/**
 * The door's side of the farm: a job goes in; it is encrypted for the trainers that this door trusts and put into BullMQ's queue of its recipe,
 * followed, handed over anew where Redis lost it, and the one result that is signed by a trusted trainer, whole, and of the newest fencing token
 * comes out. Nothing is left in Redis then.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Compile } from 'typebox/compile';
import { Fault } from '../base/errors.ts';
import type { Farm, RecipeResult } from '../retrain/port.ts';
import { digestOf } from './archive.ts';
import { type FarmOptions, limitRate, openPost, type Post, type Run, tries, withdraw } from './post.ts';
import { take } from './result.ts';
import { progress as progressSchema } from './statements.ts';
import { standing, submit } from './submission.ts';
import { waitingWatch } from './waiting.ts';

/** A door forgives so many losses of everything by Redis in one job. */
const handings = 10;

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

/** What a trainer said when it failed: `code|message`, or BullMQ's own words. */
function outcomeOf(reason: string): Outcome {
  const [, code = '', text = reason] = /^([a-z-]+)\|(.*)$/s.exec(reason) ?? [];
  const why = text.replaceAll(/\p{Cc}+/gu, ' ').slice(0, 500);
  if (code === 'farm-damaged') return { kind: 'damaged', why };
  return { kind: 'failed', fault: new Fault(code === 'not-permitted' ? code : 'training-failed', `The trainer says: ${why}`) };
}
