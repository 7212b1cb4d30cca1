/** A door's job as it is given to the farm: data and order go out, encrypted for the trainers that the door trusts; the submission comes back, or the one that still stands. */
import { randomUUID } from 'node:crypto';
import { packData } from './archive.ts';
import { type Post, type Run, tries, withdraw } from './post.ts';
import { knownOf, seal, sign, verify } from './seal.ts';
import { type JobData, type Order, type Receipt, receipt as receiptSchema } from './statements.ts';
import { type Channel, sendStream } from './stream.ts';

/** The submission of an earlier call for the same job on the same input, where it still stands. */
export async function standing(post: Post, digest: string): Promise<string | undefined> {
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
export async function submit(post: Post, run: Run, digest: string): Promise<string> {
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
