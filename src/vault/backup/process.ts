/** Takes a backup in a process of its own, of the lowest priority: the deciding thread hears only what became of it. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Fault, type FaultCode } from '../../base/errors.ts';
import { launched } from '../../base/low-priority.ts';
import type { FolderTask } from './folder.ts';
import type { Taken } from './take.ts';

export type BackupAnswer =
  | { readonly kind: 'taken'; readonly taken: Taken }
  | { readonly kind: 'fault'; readonly code: FaultCode; readonly message: string };

const program = fileURLToPath(new URL('./process-entry.ts', import.meta.url));
/** How long it may take to clean up after itself, milliseconds. */
const patienceMs = 3000;

/** Throws what `takeInFolder` throws; `backup-failed` where the process died; what `signal` carries. */
export async function takeBackupApart(task: FolderTask, signal: AbortSignal): Promise<Taken> {
  signal.throwIfAborted();
  const [execPath = process.execPath, ...before] = launched('idle');
  const child = fork(program, [], {
    execPath,
    execArgv: [...before, '--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced',
    // Nothing that would make it report to systemd in the daemon's name.
    env: { ...process.env, MALLOC_ARENA_MAX: '2', NOTIFY_SOCKET: undefined, WATCHDOG_USEC: undefined },
  });
  const { promise, resolve, reject } = Promise.withResolvers<BackupAnswer>();
  child.on('message', (answer: BackupAnswer) => resolve(answer));
  child.on('error', (error) => reject(new Fault('backup-failed', 'The process of the backup cannot be started', error)));
  child.on('exit', (code, killedBy) =>
    reject(new Fault('backup-failed', `The process of the backup ended early (${killedBy ?? `exit code ${code}`}): look at the memory`)),
  );
  const stop = () => reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  child.send(task);
  try {
    const answer = await promise;
    if (answer.kind === 'taken') return answer.taken;
    throw new Fault(answer.code, answer.message);
  } finally {
    signal.removeEventListener('abort', stop);
    if (child.connected) child.disconnect();
    if (child.exitCode === null && child.signalCode === null)
      await Promise.race([once(child, 'exit'), new Promise((done) => setTimeout(done, patienceMs).unref())]);
    child.kill('SIGKILL');
  }
}
