/** Every key that the farm uses in Redis. A door's keys begin with its prefix, so that one rule of Redis's access control list fences it in. */
import type { RecipeName } from '../retrain/port.ts';

export interface FarmNames {
  /** BullMQ's keys of this door begin with this. */
  readonly queuePrefix: string;
  /** A trainer of another version never sees the job. */
  queue(recipe: RecipeName, engine: string): string;
  /** A submission's id in the queue; cannot collide with BullMQ's own keys. */
  job(submission: string): string;
  /** Which submission of a door's job stands. */
  standing(job: string): string;
  chunk(submission: string, stream: string, index: number): string;
  /** Hash: stream → how many chunks it may have. What is to be deleted in the end. */
  streams(submission: string): string;
  /** Hash: the newest fencing token and its lease. */
  fence(submission: string): string;
  checkpoint(submission: string): string;
  /** There while the door wants the job no more. */
  cancelled(submission: string): string;
}

export function farmNames(prefix: string, door: string): FarmNames {
  const mine = `${prefix}:${door}`;
  return {
    queuePrefix: mine,
    queue: (recipe, engine) => `${recipe}@${engine}`,
    job: (submission) => `job-${submission}`,
    standing: (job) => `${mine}:standing:${job}`,
    chunk: (submission, stream, index) => `${mine}:chunk:${submission}:${stream}:${index}`,
    streams: (submission) => `${mine}:streams:${submission}`,
    fence: (submission) => `${mine}:fence:${submission}`,
    checkpoint: (submission) => `${mine}:checkpoint:${submission}`,
    cancelled: (submission) => `${mine}:cancelled:${submission}`,
  };
}

/** What the trainer whose signing key has this thumbprint says of itself: written by trainers, read by doors. */
export const presenceKey = (prefix: string, trainer: string): string => `${prefix}-trainers:${trainer}`;
