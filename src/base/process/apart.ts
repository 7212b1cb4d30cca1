/**
 * One question to a program that runs in a process of its own, behind everything else: the question goes in by message,
 * and the answer comes back. The process ends with its answer, with its question's signal, or with whoever asked.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Fault, type FaultCode } from '../errors.ts';
import { launched, type Priority } from '../low-priority.ts';

export interface Apart {
  /** File that answers one message and then disconnects. */
  readonly program: string;
  readonly priority: Exclude<Priority, 'normal'>;
  /** Of the Fault for a process that gives no answer. */
  readonly code: FaultCode;
  /** As in "The process of the backup". */
  readonly title: string;
}

/** How long it may take to clean up after itself, milliseconds. */
const patienceMs = 3000;

/** Throws the Fault of `apart` where there is no answer, and what `signal` carries. The answer is not checked. */
export async function askApart(apart: Apart, question: object, signal: AbortSignal): Promise<unknown> {
  const { program, priority, code, title } = apart;
  signal.throwIfAborted();
  const [execPath = process.execPath, ...before] = launched(priority);
  const child = fork(program, [], {
    execPath,
    execArgv: [...before, '--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced',
    // Nothing that would make it report to systemd in the daemon's name.
    env: { ...process.env, MALLOC_ARENA_MAX: '2', NOTIFY_SOCKET: undefined, WATCHDOG_USEC: undefined },
  });
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  child.on('message', resolve);
  child.on('error', (error) => reject(new Fault(code, `${title} cannot be started`, error)));
  child.on('exit', (exitCode, killedBy) =>
    reject(new Fault(code, `${title} ended early (${killedBy ?? `exit code ${exitCode}`}): look at the memory`)),
  );
  const stop = () => reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  child.send(question);
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', stop);
    if (child.connected) child.disconnect();
    if (child.exitCode === null && child.signalCode === null)
      await Promise.race([once(child, 'exit'), new Promise((done) => setTimeout(done, patienceMs).unref())]);
    child.kill('SIGKILL');
  }
}
