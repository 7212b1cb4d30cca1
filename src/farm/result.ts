/** A result as a door takes it from the farm: signed by a trainer that it trusts, whole, and of the newest fencing token; everything else is refused with a reason. */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Compile } from 'typebox/compile';
import { Fault } from '../base/errors.ts';
import type { RecipeResult } from '../retrain/port.ts';
import { unpackFolder } from './archive.ts';
import { newestToken } from './fence.ts';
import type { Post, Run } from './post.ts';
import { unseal } from './seal.ts';
import { type JobResult, jobResult, type Result, result as resultSchema } from './statements.ts';
import { type Channel, dropStream, receiveStream } from './stream.ts';

const resultFits = Compile(jobResult);

/** The result, where it is one: signed by a trusted trainer, of this submission and its newest token, and whole. */
export async function take(
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
