/**
 * The console process's side of the channel to the daemon: questions go out and their answers come back; what the
 * daemon tells by itself goes to who listens.
 */
import type { Answered, Asker, FromConsole, ToConsole } from './port.ts';

/** One side of an IPC channel. */
export interface DaemonChannel {
  send(message: FromConsole, handle?: unknown): void;
}

export interface AskedHouse {
  /** Resolves always: a daemon that does not answer in time is an error like others. */
  ask(name: string, args: unknown, caller: Asker): Promise<Answered>;
  /** Takes an answer in. */
  answered(message: Extract<ToConsole, { kind: 'answer' }>): void;
}

/** Longest wait for an answer. Milliseconds: an enrolment makes templates, a training is only begun. */
const patienceMs = 60_000;
/** Most questions that wait at once. */
const mostWaiting = 64;

const failed = (code: string, message: string): Answered => ({ ok: false, error: { code, message } });

export function askOver(channel: DaemonChannel): AskedHouse {
  const waiting = new Map<number, (answer: Answered) => void>();
  let nextId = 1;
  return {
    ask: (name, args, caller) => {
      if (waiting.size >= mostWaiting) return Promise.resolve(failed('busy', 'Too many requests are under way: try again in a moment.'));
      return new Promise((resolve) => {
        const id = nextId++;
        const timer = setTimeout(() => end(failed('failed', 'The door did not answer in time.')), patienceMs);
        const end = (answer: Answered) => {
          clearTimeout(timer);
          waiting.delete(id);
          resolve(answer);
        };
        waiting.set(id, end);
        channel.send({ kind: 'ask', id, name, args, caller });
      });
    },
    answered: ({ id, answered }) => waiting.get(id)?.(answered),
  };
}
