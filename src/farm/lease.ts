/** A trainer's hold on a job: renewed in the queue while the work goes on; why it ended comes out: another trainer has it, the door wants it no more, or its time is over. */
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

/** Renews the lock of the queue; notices when another trainer has taken over, when the door wants the job no more, and when its time is over. */
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

/** How long what lies in Redis of the order is good for. Milliseconds. */
export const lifeMs = ({ exp }: Order, { wall }: FarmRedis): number => exp * 1000 - wall();

export const unwanted = 'the door has taken the job back';

export async function isCancelled({ redis, names, submission }: Channel): Promise<boolean> {
  return (await redis.guard(redis.client.exists(names.cancelled(submission)))) === 1;
}
