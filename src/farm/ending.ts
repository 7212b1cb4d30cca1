/**
 * Settles a job in the queue at the end of a turn: gives it back, fails it for now or for good, or removes it. The
 * turn's end comes out.
 */
import { UnrecoverableError } from 'bullmq';
import { Fault, isDiskFull, messageOf } from '../base/errors.ts';
import type { FarmRedis } from './redis.ts';
import type { FarmJob } from './statements.ts';

export type TurnEnd =
  | { readonly kind: 'done'; readonly seconds: number }
  | { readonly kind: 'gave-back' }
  /** Another trainer has it, or the door has withdrawn it. */
  | { readonly kind: 'lost'; readonly why: string }
  | { readonly kind: 'failed'; readonly why: string; readonly final: boolean }
  /** This trainer's key cannot decrypt it. */
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
  // It is in Redis unencrypted and is shown to people at the door.
  const text = `${code}|${why.replaceAll(/\p{Cc}+/gu, ' ').slice(0, 500)}`;
  try {
    await redis.guard(job.moveToFailed(withoutStack(isFinal ? new UnrecoverableError(text) : new Error(text)), lock, false));
    return { kind: 'failed', why, final: isFinal };
  } catch (lost) {
    return { kind: 'lost', why: messageOf(lost) };
  }
}

/** Codes of faults that would occur at any trainer. */
const final: ReadonlySet<string> = new Set([
  'training-failed',
  'bad-picture',
  'picture-damaged',
  'bad-argument',
  'model-damaged',
  'model-unfit',
  'farm-damaged',
]);

/** Fails the job: for good if `error` would occur at any trainer. `folder`: trainer.folder. */
export function failBy(queue: Queue, job: FarmJob, lock: string, error: unknown, folder: string): Promise<TurnEnd> {
  const fault = faultOf(error, folder);
  return fail(queue, job, lock, fault, fault instanceof Fault && final.has(fault.code));
}

function faultOf(error: unknown, folder: string): unknown {
  if (!isDiskFull(error)) return error;
  return new Fault('disk-full', `The disk of a trainer is full: free space in ${folder} (trainer.folder) there`, error);
}

/** The door has withdrawn the job, or its time is over. */
export async function endUnwanted(queue: Queue, job: FarmJob, lock: string, why: string): Promise<TurnEnd> {
  const end = await fail(queue, job, lock, new Fault('training-failed', why), true);
  await queue.redis.guard(job.remove().catch(() => undefined));
  return end;
}

/** The stack would be stored in Redis with the paths of this machine. */
function withoutStack(error: Error): Error {
  error.stack = error.message;
  return error;
}
