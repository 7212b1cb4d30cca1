/**
 * A trainer's lease of a job. Opened for each turn, renewed in the queue until `stop`; it ends by itself when another
 * trainer has the job, the door has withdrawn it, or its time is over.
 */
import { type Fence, newestToken } from './fence.ts';
import type { FarmRedis } from './redis.ts';
import type { FarmJob, Order } from './statements.ts';
import type { Channel } from './stream.ts';

export interface Lease {
  readonly signal: AbortSignal;
  readonly ended: { readonly kind: 'lost' | 'over'; readonly why: string } | undefined;
  stop(): void;
}

export interface LeaseOptions {
  readonly leaseMs: number;
  readonly channel: Channel;
  readonly job: FarmJob;
  readonly lock: string;
  readonly fence: Fence;
  readonly order: Order;
}

export function keepLease({ leaseMs, channel, job, lock, fence, order }: LeaseOptions): Lease {
  const { redis } = channel;
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
    if (renewed !== 1) return end('lost', 'the lease of this job has expired: another trainer takes it');
    if (await isCancelled(channel)) return end('over', unwanted);
    const newest = await newestToken(channel);
    if (newest?.lease !== fence.lease) return end('lost', 'a newer turn at this job has begun');
    if (lifeMs(order, redis) < 0) end('over', 'the job was not finished within farm.ttlMs of the door');
  };
  const timer = setInterval(() => {
    // While Redis is unreachable this waits, and the training continues.
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

/** How long the order, and what belongs to it in Redis, remains valid. Milliseconds. */
export const lifeMs = ({ exp }: Order, { wall }: FarmRedis): number => exp * 1000 - wall();

export const unwanted = 'the door has taken the job back';

export async function isCancelled({ redis, names, submission }: Channel): Promise<boolean> {
  return (await redis.guard(redis.client.exists(names.cancelled(submission)))) === 1;
}
