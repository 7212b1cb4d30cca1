/**
 * Fencing tokens. A trainer that takes a job draws the next number and a random id. Only the holder of the newest token
 * may set the checkpoint, and the door takes only its result: the queue delivers at least once, so a trainer that was
 * presumed dead may come back with an old token.
 */
import { randomUUID } from 'node:crypto';
import type { Channel } from './stream.ts';

export interface Fence {
  readonly token: number;
  readonly lease: string;
}

/** KEYS: fence; ARGV: lease, time to live. */
const draw = `
local token = redis.call('HINCRBY', KEYS[1], 'token', 1)
redis.call('HSET', KEYS[1], 'lease', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return token`;

/** KEYS: fence, place; ARGV: lease, value, time to live. */
const setWhileHeld = `
if redis.call('HGET', KEYS[1], 'lease') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return 1`;

export async function drawToken({ redis, names, submission }: Channel, lifeMs: number): Promise<Fence> {
  const lease = randomUUID();
  const token = await redis.guard(redis.client.eval(draw, 1, names.fence(submission), lease, Math.max(1, Math.round(lifeMs))));
  return { token: Number(token), lease };
}

/** The newest token; undefined if nobody has taken the job, or Redis lost it. */
export async function newestToken({ redis, names, submission }: Omit<Channel, 'maxBytes'>): Promise<Fence | undefined> {
  const [token, lease] = await redis.guard(redis.client.hmget(names.fence(submission), 'token', 'lease'));
  return token && lease ? { token: Number(token), lease } : undefined;
}

/** Sets the checkpoint only if `fence` is still the newest; gives whether it was. */
export async function setCheckpoint(
  { redis, names, submission }: Channel,
  { lease }: Fence,
  sealed: string,
  lifeMs: number,
): Promise<boolean> {
  const keys = [names.fence(submission), names.checkpoint(submission)];
  return (await redis.guard(redis.client.eval(setWhileHeld, 2, ...keys, lease, sealed, Math.max(1, Math.round(lifeMs))))) === 1;
}
