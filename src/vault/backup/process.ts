/** Takes a backup in a process of its own, of the lowest priority: the deciding thread hears only what became of it. */
import { fileURLToPath } from 'node:url';
import { Fault, type FaultCode } from '../../base/errors.ts';
import { askApart } from '../../base/process/apart.ts';
import type { FolderTask } from './folder.ts';
import type { Taken } from './take.ts';

export type BackupAnswer =
  | { readonly kind: 'taken'; readonly taken: Taken }
  | { readonly kind: 'fault'; readonly code: FaultCode; readonly message: string };

const apart = {
  program: fileURLToPath(new URL('./process-entry.ts', import.meta.url)),
  priority: 'idle',
  code: 'backup-failed',
  title: 'The process of the backup',
} as const;

/** Throws what `takeInFolder` throws; `backup-failed` where the process died; what `signal` carries. */
export async function takeBackupApart(task: FolderTask, signal: AbortSignal): Promise<Taken> {
  const answer = (await askApart(apart, task, signal)) as BackupAnswer;
  if (answer.kind === 'taken') return answer.taken;
  throw new Fault(answer.code, answer.message);
}
