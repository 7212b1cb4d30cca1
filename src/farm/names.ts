/**
 * Every key that the farm uses in Redis. A door's keys begin with its prefix, so that one access control rule of Redis
 * confines the door to them.
 */
import type { RecipeName } from '../retrain/port.ts';

export interface FarmNames {
  /** BullMQ's keys of this door begin with this. */
  readonly queuePrefix: string;
  /** Contains the version: a trainer of another version never sees the job. */
  queue(recipe: RecipeName, engine: string): string;
  /** The id of a submission in the queue; cannot collide with BullMQ's own keys. */
  job(submission: string): string;
  /** The current submission of a door's job. */
  standing(job: string): string;
  chunk(submission: string, stream: string, index: number): string;
  /** Hash: stream → how many chunks it may have. They are deleted in the end. */
  streams(submission: string): string;
  /** Hash: the newest fencing token and its lease. */
  fence(submission: string): string;
  checkpoint(submission: string): string;
  /** Exists after the door has withdrawn the job. */
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

/** The presence of the trainer whose signing key has this thumbprint: written by trainers, read by doors. */
export const presenceKey = (prefix: string, trainer: string): string => `${prefix}-trainers:${trainer}`;
