/**
 * Submits a door's job to the farm: the data and the order, encrypted for the trainers that the door trusts. The id of
 * the submission comes out, or that of an earlier one which is still valid.
 */
import { randomUUID } from 'node:crypto';
import { packData } from './archive.ts';
import { knownOf, seal, signStatement, verifyStatement } from './seal.ts';
import { type FarmRun, type FarmSession, tries, withdraw } from './session.ts';
import { type JobData, type Order, type Receipt, receiptForm } from './statements.ts';
import { type Channel, sendStream } from './stream.ts';

/** The submission of an earlier call for the same job and input, if it is still valid. */
export async function standingSubmission(session: FarmSession, digest: string): Promise<string | undefined> {
  const { options, redis, names, queue, job } = session;
  const submission = await redis.guard(redis.client.get(names.standing(job.id)));
  if (!submission) return undefined;
  const found = await redis.guard(queue.getJob(names.job(submission)));
  const trusted = [await knownOf(options.own)];
  const read = found && (await verifyStatement(found.data.receipt, 'facelatch-farm-receipt+jwt', trusted, receiptForm));
  const same =
    read !== undefined &&
    'claims' in read &&
    read.claims.submission === submission &&
    read.claims.job === job.id &&
    read.claims.recipe === job.recipe &&
    read.claims.digest === digest &&
    read.claims.exp > redis.wall() / 1000;
  if (same) return submission;
  await withdraw(session, submission);
  return undefined;
}

/** Sends the data, then puts the order into the queue. */
export async function submit(session: FarmSession, run: FarmRun, digest: string): Promise<string> {
  const { options, redis, names, queue, trainers, job, pace } = session;
  await redis.requireKeeping();
  const submission = randomUUID();
  const channel: Channel = { redis, names, submission, maxBytes: options.maxBytes };
  const iat = redis.wall() / 1000;
  const exp = iat + options.ttlMs / 1000;
  // First of all: if this call is interrupted, the next one finds what it left.
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
    trainers: trainers.map(({ card }) => card),
  };
  const receipt: Receipt = { submission, job: job.id, recipe: job.recipe, digest, exp };
  const content: JobData = {
    submission,
    order: await seal(order, 'facelatch-farm-order+jwt', options.party, trainers),
    receipt: await signStatement(receipt, 'facelatch-farm-receipt+jwt', options.party),
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
