/**
 * The process that trains: a task goes in, its progress and result come out. It runs at the lowest priority that the
 * system gives, is stopped (SIGSTOP) while somebody is at the door, and ends with the daemon. Nothing it holds delays
 * the door.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { kill } from 'node:process';
import { Fault, messageOf } from '../base/errors.ts';
import { launched, type Priority } from '../base/low-priority.ts';
import type { RecipeProgress } from './port.ts';
import type { TaskMessage, TaskResult, TrainingTask } from './task.ts';

export interface TrainingProcessOptions {
  readonly priority: Priority;
  /** The program of the process: src/learning/process-entry.ts. */
  readonly program: string;
  /** What learns and measures in it: a module that exports `workshopOf`. */
  readonly workshop: string;
  /** Remembers the process: one that was stopped when its daemon was killed would stay stopped forever. */
  readonly pidFile?: string;
}

export interface TaskHooks {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: RecipeProgress) => void;
  readonly onLog: (line: string) => void;
}

export interface TrainingProcess extends AsyncDisposable {
  /**
   * One task at a time. Throws what the task threw, as a Fault; `training-failed` (cause: `Crash`) where the process
   * died; what `signal` carries.
   */
  run<T extends TrainingTask>(task: T, hooks: TaskHooks): Promise<TaskResult<T>>;
  /** While true the process is stopped. */
  hold(still: boolean): void;
  readonly pid: number | undefined;
}

/** A process that died before it answered: worth another attempt, from its checkpoint. */
export class Crash extends Error {
  override readonly name = 'Crash';
}

/** How long a cancelled process may take to end by itself, milliseconds. */
const patienceMs = 3000;
/** Ends the process that an earlier daemon left behind; another process that now has its number is left alone. */
function reap(pidFile: string, program: string): void {
  try {
    const pid = Number(readFileSync(pidFile, 'utf8'));
    if (pid > 1 && readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(program)) kill(pid, 'SIGKILL');
  } catch {
    // There was none, or it has ended.
  }
  rmSync(pidFile, { force: true });
}

export function trainingProcess({ program, workshop, priority, pidFile }: TrainingProcessOptions): TrainingProcess {
  if (pidFile) reap(pidFile, program);
  let child: ChildProcess | undefined;
  let still = false;
  const end = async (process: ChildProcess) => {
    if (process.exitCode !== null || process.signalCode !== null) return;
    const gone = once(process, 'exit');
    process.kill('SIGKILL');
    await gone;
  };
  return {
    get pid() {
      return child?.pid;
    },
    hold: (now) => {
      if (still === now) return;
      still = now;
      child?.kill(now ? 'SIGSTOP' : 'SIGCONT');
    },
    run: async <T extends TrainingTask>(task: T, { signal, onProgress, onLog }: TaskHooks) => {
      signal.throwIfAborted();
      if (child) throw new Fault('training-busy', 'A training is under way already');
      const [execPath = process.execPath, ...before] = launched(priority);
      const started = fork(program, [workshop], {
        execPath,
        execArgv: [...before, '--disable-warning=ExperimentalWarning'],
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
        serialization: 'advanced',
        // Its memory stays small, and it inherits nothing that would make it report to systemd in the daemon's name.
        env: { ...process.env, MALLOC_ARENA_MAX: '2', NOTIFY_SOCKET: undefined, WATCHDOG_USEC: undefined },
      });
      child = started;
      if (pidFile && started.pid !== undefined) writeFileSync(pidFile, String(started.pid), { mode: 0o600 });
      if (still) started.kill('SIGSTOP');
      const { promise, resolve, reject } = Promise.withResolvers<TaskResult<T>>();
      let said = '';
      started.stderr?.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-2000);
        for (const line of text.split('\n')) if (line.trim()) onLog(line.trim().slice(0, 500));
      });
      started.on('message', (message: TaskMessage) => {
        if (message.kind === 'progress') onProgress(message.progress);
        else if (message.kind === 'done') resolve(message.result as TaskResult<T>);
        else reject(new Fault(message.code, message.message));
      });
      started.on('error', (error) =>
        reject(new Fault('training-failed', `The training process cannot be started: ${messageOf(error)}`, error)),
      );
      started.on('exit', (code, killedBy) => {
        const last = said.trim().split('\n').at(-1);
        const why = killedBy ? `killed by ${killedBy}` : `exit code ${code}`;
        reject(new Fault('training-failed', `The training process ended early (${why})${last ? `: ${last}` : ''}`, new Crash(why)));
      });
      const stop = () => {
        reject(signal.reason);
        if (started.connected) started.send({ kind: 'cancel' });
        started.kill('SIGCONT');
      };
      signal.addEventListener('abort', stop, { once: true });
      if (started.connected) started.send(task);
      try {
        return await promise;
      } finally {
        signal.removeEventListener('abort', stop);
        // A cancelled process gets a moment to write its checkpoint; one that answered has nothing more to do.
        if (signal.aborted && started.exitCode === null && started.signalCode === null)
          await Promise.race([once(started, 'exit'), new Promise((done) => setTimeout(done, patienceMs).unref())]);
        await end(started);
        if (pidFile) rmSync(pidFile, { force: true });
        child = undefined;
      }
    },
    [Symbol.asyncDispose]: async () => {
      if (child) await end(child);
    },
  };
}
