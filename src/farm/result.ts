/** The return value of a finished job goes in; out comes its result, unpacked, or why the door refuses it. */
import { Fault } from '../base/errors.ts';
import type { RecipeResult } from '../retrain/port.ts';
import { unpackTo } from './archive.ts';
import { newestToken } from './fence.ts';
import { unseal } from './seal.ts';
import type { FarmRun, FarmSession } from './session.ts';
import { jobResultForm, type Result, resultForm } from './statements.ts';
import { type Channel, dropStream, receiveStream } from './stream.ts';

/**
 * The result must be signed by a trusted trainer, belong to this submission and its newest fencing token, and be
 * complete.
 */
export async function takeResult(
  session: FarmSession,
  run: FarmRun,
  submission: string,
  value: unknown,
): Promise<{ readonly result: RecipeResult } | { readonly refused: string }> {
  const { options, redis, names, trainers, job } = session;
  if (!jobResultForm.Check(value)) return { refused: 'has a form that this version does not know' };
  const read = await unseal(value.sealed, 'facelatch-farm-result+jwt', options.party, trainers, resultForm);
  if ('refused' in read) return read;
  const { claims, by } = read;
  const channel: Channel = { redis, names, submission, maxBytes: options.maxBytes };
  const refused = mismatch(claims, await newestToken(channel), submission, session);
  if (refused) return { refused };
  run.out.empty();
  try {
    await unpackTo(receiveStream(channel, claims.data), run.out);
  } catch (error) {
    run.out.empty();
    await dropStream(channel, claims.data).catch(() => undefined);
    if (error instanceof Fault && error.code === 'farm-damaged') return { refused: `is not complete: ${error.message}` };
    throw error;
  }
  options.log.info({ job: job.id, trainer: by.name, token: claims.token, bytes: claims.data.bytes }, 'result taken from the farm');
  return { result: { folder: run.out.folder, calibration: claims.calibration, seconds: claims.seconds, figures: claims.figures } };
}

function mismatch(
  claims: Result,
  newest: { readonly token: number; readonly lease: string } | undefined,
  submission: string,
  { options, redis, job }: FarmSession,
): string | undefined {
  const { engine } = options;
  const { clockSkewS } = options.redis;
  const now = redis.wall() / 1000;
  const wrong: readonly (readonly [boolean, string])[] = [
    [claims.submission !== submission || claims.job !== job.id || claims.recipe !== job.recipe, 'belongs to another job'],
    [claims.engine !== engine, `was made by facelatch ${claims.engine}, and this door runs ${engine}`],
    [
      claims.token !== newest?.token || claims.lease !== newest?.lease,
      `has the fencing token ${claims.token}, and the newest is ${newest?.token ?? 'unknown'}: its trainer had lost the job`,
    ],
    [
      claims.iat > now + clockSkewS,
      `was signed ${(claims.iat - now).toFixed(0)} s in the future (farm.clockSkewS allows ${clockSkewS}): synchronise the clocks of door and trainer`,
    ],
  ];
  return wrong.find(([applies]) => applies)?.[1];
}
