/**
 * The door's side of the farm. A job goes in: it is encrypted for the trainers that this door trusts, put into the
 * BullMQ queue of its recipe, and followed; if Redis loses it, it is submitted again. Out comes the one result that a
 * trusted trainer signed, that is complete and has the newest fencing token. After that nothing is left in Redis.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Fault } from '../base/errors.ts';
import type { Farm, RecipeResult } from '../retrain/port.ts';
import { inputDigest } from './archive.ts';
import { takeResult } from './result.ts';
import { type FarmOptions, type FarmRun, type FarmSession, limitRate, openFarmSession, tries, withdraw } from './session.ts';
import { progressForm } from './statements.ts';
import { standingSubmission, submit } from './submission.ts';
import { waitingWatch } from './waiting.ts';

/** A door submits one job this many times before it fails. */
const mostSubmissions = 10;

/** Connects for each call. */
export function redisFarm(options: FarmOptions): Farm {
  return {
    train: async (job, run) => {
      await using stack = new AsyncDisposableStack();
      const session = await openFarmSession(options, job, run.signal, stack);
      await session.redis.guard(limitRate(session));
      return await train(session, run);
    },
    cancel: async (job) => {
      await using stack = new AsyncDisposableStack();
      const session = await openFarmSession(options, { ...job, seed: 0 }, new AbortController().signal, stack);
      const submission = await session.redis.guard(session.redis.client.get(session.names.standing(job.id)));
      if (submission) await withdraw(session, submission);
    },
  };
}

async function train(session: FarmSession, run: FarmRun): Promise<RecipeResult> {
  const digest = await inputDigest(run.data, run.base);
  let submission = await standingSubmission(session, digest);
  let damaged = 0;
  for (let submitted = 1; ; submitted++) {
    submission ??= await submit(session, run, digest);
    const outcome = await follow(session, run, submission);
    await withdraw(session, submission);
    if (outcome.kind === 'done') return outcome.result;
    if (outcome.kind === 'failed') throw outcome.fault;
    damaged += outcome.kind === 'damaged' ? 1 : 0;
    if (damaged >= tries || submitted >= mostSubmissions)
      throw new Fault('training-failed', `The farm was given this job ${submitted} times and failed each time: ${outcome.why}`);
    session.options.log.warn({ job: session.job.id, why: outcome.why }, 'job submitted to the farm again');
    submission = undefined;
  }
}

type Outcome =
  | { readonly kind: 'done'; readonly result: RecipeResult }
  | { readonly kind: 'failed'; readonly fault: Fault }
  /** To be submitted again: the data did not arrive complete, or Redis lost the job. */
  | { readonly kind: 'damaged' | 'gone'; readonly why: string };

async function follow(session: FarmSession, run: FarmRun, submission: string): Promise<Outcome> {
  const { options, redis, names, queue, job, pace } = session;
  const watch = waitingWatch(session, run);
  const endsAt = performance.now() + options.ttlMs;
  let told = '';
  let refusals = 0;
  for (;;) {
    run.signal.throwIfAborted();
    // State first: then the data of a job that has ended is final.
    const state = await redis.guard(queue.getJobState(names.job(submission)));
    const found = await redis.guard(queue.getJob(names.job(submission)));
    if (!found) return { kind: 'gone', why: 'Redis lost the job (is "appendonly yes" set?)' };
    if (state === 'completed') {
      const taken = await takeResult(session, run, submission, found.returnvalue);
      if ('result' in taken) return { kind: 'done', result: taken.result };
      options.log.warn({ job: job.id, why: taken.refused }, 'result of the farm refused');
      if (++refusals >= tries) return { kind: 'failed', fault: new Fault('not-permitted', `The farm's result ${taken.refused}`) };
      await redis.guard(found.retry('completed', { resetAttemptsMade: true }));
    } else if (state === 'failed') return outcomeOf(found.failedReason);
    else if (state === 'active') {
      watch.reset();
      const text = JSON.stringify(found.progress);
      if (text !== told && progressForm.Check(found.progress)) run.onProgress(found.progress);
      told = text;
    } else {
      const fault = await watch.look();
      if (fault) return { kind: 'failed', fault };
    }
    if (performance.now() > endsAt)
      return { kind: 'failed', fault: new Fault('training-failed', 'The farm did not finish this job within farm.ttlMs: raise it') };
    await delay(pace.pollMs, undefined, { signal: run.signal }).catch(() => undefined);
  }
}

/** `reason` is `code|message` (ending.ts), or a message of BullMQ. */
function outcomeOf(reason: string): Outcome {
  const [, code = '', text = reason] = /^([a-z-]+)\|(.*)$/s.exec(reason) ?? [];
  const why = text.replaceAll(/\p{Cc}+/gu, ' ').slice(0, 500);
  if (code === 'farm-damaged') return { kind: 'damaged', why };
  return { kind: 'failed', fault: new Fault(code === 'not-permitted' ? code : 'training-failed', `The trainer says: ${why}`) };
}
