/** The real command line as a child process: arguments in; exit code and what it wrote out. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
const bin = join(root, 'bin', 'facelatch.mjs');

export interface Run {
  readonly code: number | null;
  /** What ended it, where that was a signal. */
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly done: Promise<Run>;
  /** Resolves when standard output matches; rejects when the process ends before. */
  said(pattern: RegExp): Promise<void>;
}

/** Starts `facelatch …args`; `typed`: its standard input. No setting comes from the environment of the tests. */
export function start(args: readonly string[], env: Readonly<Record<string, string>> = {}, typed?: string): Running {
  const clean = Object.entries(process.env).filter(([name]) => !name.startsWith('FACELATCH_') && name !== 'STATE_DIRECTORY');
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: tmpdir(),
    env: { ...Object.fromEntries(clean), NO_COLOR: '1', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.end(typed);
  const written = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      written[name] += text;
    });
  const done = once(child, 'close').then(([code, signal]): Run => ({ code, signal, ...written }));
  const said = (pattern: RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (pattern.test(written.stdout)) resolve();
      };
      child.stdout.on('data', look);
      look();
      done.then(() => reject(new Error(`ended without saying ${pattern}: ${JSON.stringify(written)}`)), reject);
    });
  return { child, done, said };
}

export const facelatch = (args: readonly string[], env?: Readonly<Record<string, string>>, typed?: string): Promise<Run> =>
  start(args, env, typed).done;

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
