/** How a turn at a job ends in the queue: given back, failed for good or for now, or wanted no more; what the queue says goes out as the turn's end. */
import { UnrecoverableError } from 'bullmq';
import { Fault, messageOf } from '../base/errors.ts';
import type { FarmRedis } from './redis.ts';
import type { FarmJob } from './statements.ts';

export type TurnEnd =
  | { readonly kind: 'done'; readonly seconds: number }
  | { readonly kind: 'gave-back' }
  /** Somebody else has it now, or the door wants it no more. */
  | { readonly kind: 'lost'; readonly why: string }
  | { readonly kind: 'failed'; readonly why: string; readonly final: boolean }
  /** It cannot be read with this trainer's key. */
  | { readonly kind: 'not-ours' };

interface Queue {
  readonly redis: FarmRedis;
}

export async function giveBack({ redis }: Queue, job: FarmJob, lock: string): Promise<TurnEnd> {
  try {
    await redis.guard(job.moveToWait(lock));
    return { kind: 'gave-back' };
  } catch (error) {
    return { kind: 'lost', why: messageOf(error) };
  }
}

export async function fail({ redis }: Queue, job: FarmJob, lock: string, error: unknown, isFinal: boolean): Promise<TurnEnd> {
  const code = error instanceof Fault ? error.code : 'bug';
  const why = messageOf(error);
  // It stands in Redis in the clear and is shown to people at the door.
  const text = `${code}|${why.replaceAll(/\p{Cc}+/gu, ' ').slice(0, 500)}`;
  try {
    await redis.guard(job.moveToFailed(withoutStack(isFinal ? new UnrecoverableError(text) : new Error(text)), lock, false));
    return { kind: 'failed', why, final: isFinal };
  } catch (lost) {
    return { kind: 'lost', why: messageOf(lost) };
  }
}

/** Faults that another trainer would meet too. */
const final: ReadonlySet<string> = new Set([
  'training-failed',
  'bad-picture',
  'bad-argument',
  'model-damaged',
  'model-unfit',
  'farm-damaged',
]);

/** Failed by what `error` says: for good where another trainer would meet it too. `folder`: where turns have their folders. */
export function failBy(queue: Queue, job: FarmJob, lock: string, error: unknown, folder: string): Promise<TurnEnd> {
  const fault = faultOf(error, folder);
  return fail(queue, job, lock, fault, fault instanceof Fault && final.has(fault.code));
}

/** No space, no quota, or a limit on the file's size. */
const full = new Set<unknown>(['ENOSPC', 'EDQUOT', 'EFBIG']);

function faultOf(error: unknown, folder: string): unknown {
  if (!full.has((error as NodeJS.ErrnoException).code)) return error;
  return new Fault('disk-full', `The disk of a trainer is full: free space in ${folder} (trainer.folder) there`, error);
}

/** The door asks no more for it. */
export async function endUnwanted(queue: Queue, job: FarmJob, lock: string, why: string): Promise<TurnEnd> {
  const end = await fail(queue, job, lock, new Fault('training-failed', why), true);
  await queue.redis.guard(job.remove().catch(() => undefined));
  return end;
}

/** The stack would stand in Redis, with the paths of this machine. */
function withoutStack(error: Error): Error {
  error.stack = error.message;
  return error;
}
