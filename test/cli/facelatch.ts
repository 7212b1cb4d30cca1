/**
 * The command line: arguments in; exit code and what it wrote out. `facelatch` and `begin` run a command in the process
 * of the tests, `facelatchProcess` and `start` as a process of its own.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../../src/cli/run-program.ts';
import { withSurroundings } from '../../src/cli/surroundings.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));
const bin = join(root, 'bin', 'facelatch.mjs');

export interface Run {
  readonly code: number | null;
  /** What ended it, where that was a signal. */
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command at work. */
export interface Begun {
  readonly done: Promise<Run>;
  /** Resolves when standard output matches; rejects when the command ends before. */
  said(pattern: RegExp): Promise<void>;
}

export interface Running extends Begun {
  readonly child: ChildProcess;
}

const cleanEnvironment = () =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('FACELATCH_') && name !== 'STATE_DIRECTORY'));

/** Starts `facelatch …args`; `typed`: its standard input. No setting comes from the environment of the tests. */
export function start(args: readonly string[], env: Readonly<Record<string, string>> = {}, typed?: string): Running {
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: tmpdir(),
    // Two daemons of tests that run at the same time cannot listen on one port.
    env: { ...cleanEnvironment(), NO_COLOR: '1', FACELATCH_CONSOLE_ENABLED: 'false', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.end(typed);
  const written = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      written[name] += text;
    });
  const done = once(child, 'close').then(([code, signal]): Run => ({ code, signal, ...written }));
  return { child, done, said: saidIn(written, (look) => child.stdout.on('data', look), done) };
}

const saidIn = (written: { readonly stdout: string }, onText: (look: () => void) => void, done: Promise<Run>) => (pattern: RegExp) =>
  new Promise<void>((resolve, reject) => {
    const look = () => {
      if (pattern.test(written.stdout)) resolve();
    };
    onText(look);
    look();
    done.then(() => reject(new Error(`ended without saying ${pattern}: ${JSON.stringify(written)}`)), reject);
  });

/** As its users start it. For what only a process has: its environment, signals, memory that ends with it. */
export const facelatchProcess = (args: readonly string[], env?: Readonly<Record<string, string>>, typed?: string): Promise<Run> =>
  start(args, env, typed).done;

/** The same command, without the 0.3 s of processor time that a process takes to start. `isTTY`: typed on a terminal. */
export const facelatch = (args: readonly string[], env?: Readonly<Record<string, string>>, typed?: string, isTTY?: boolean): Promise<Run> =>
  begin(args, env, typed, isTTY).done;

/** Begins it; `stop` is what a signal does to the process. */
export function begin(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  typed = '',
  isTTY = false,
): Begun & { stop(): void } {
  const written = { stdout: '', stderr: '' };
  const looks: (() => void)[] = [];
  const into = (name: keyof typeof written) =>
    new Writable({
      decodeStrings: false,
      write(text: string, _encoding, done) {
        written[name] += text;
        for (const look of looks) look();
        done();
      },
    });
  let code: number = 0;
  const exit = (asked: number) => {
    code = asked;
  };
  const own = {
    stdin: Object.assign(Readable.from(typed === '' ? [] : [typed]), { isTTY }),
    stdout: into('stdout'),
    stderr: into('stderr'),
    env: { ...cleanEnvironment(), ...env },
  };
  const end = new AbortController();
  const run = async (): Promise<Run> => {
    await withSurroundings(own, () => runProgram(args, { stop: end.signal, exit }));
    return { code, signal: null, ...written };
  };
  const done = run();
  return { done, said: saidIn(written, (look) => looks.push(look), done), stop: () => end.abort(new Error('stopped by the test')) };
}

/** The JSON that a run printed; its standard error where it printed none. */
export function jsonOf({ stdout, stderr }: Run) {
  try {
    return JSON.parse(stdout);
  } catch {
    throw new Error(`no JSON: ${stdout}${stderr}`);
  }
}

/** A new folder of its own under the system's temporary one, and what takes it away. */
export function temporaryFolder(): { readonly path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), 'facelatch-cli-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A picture of the people who do not exist. */
export const demoPicture = (person: number, shot: 'neutral' | 'smiling'): string =>
  join(root, 'config', 'demo-people', `p${String(person).padStart(2, '0')}-${shot}.jpg`);
