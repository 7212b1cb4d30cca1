/**
 * Seals what a job keeps on the disk until it ends: pictures, checkpoints, the network. Its key is made of the job's
 * own key in the vault, and goes to the training process by message: the process has no vault. A key in, a seal out.
 */
import { randomBytes } from 'node:crypto';
import { Fault } from '../base/errors.ts';
import type { FileSeal } from '../base/model/shelf.ts';
import type { JobKey } from '../retrain/task.ts';
import type { Vault } from '../vault/port.ts';
import { opened, sealed } from '../vault/sealing.ts';

export function jobSeal({ job, key }: JobKey): FileSeal {
  const placeOf = (name: string) => ({ schema: 'job 1', column: 'file', row: `${job} ${name}` });
  return {
    seal: (name, bytes) => sealed(key, { model: job }, placeOf(name), bytes),
    open: (name, bytes) => opened(key, { model: job }, placeOf(name), bytes),
  };
}

/** The same at every start, until the job's key is destroyed. Throws Fault `training-failed`, the vault's. */
export function keyOfJob(vault: Vault, job: string): JobKey {
  const key = vault.pseudonym({ model: job }, 'job', job);
  if (!key) throw new Fault('training-failed', 'The key of this job was destroyed, because somebody was removed: start the training again');
  return { job, key };
}

/** Of a comparison: it does not outlive the process. */
export const passingKey = (job: string): JobKey => ({ job, key: new Uint8Array(randomBytes(32)) });
