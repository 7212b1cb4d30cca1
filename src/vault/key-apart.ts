/**
 * The key in a file that may lie on a share which does not answer. A file goes in; its key, or why there is none, comes
 * out within a time limit. Another process reads it, because nothing ends a read that hangs in the kernel: neither a
 * thread nor the process that made it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { asFault, Fault } from '../base/errors.ts';
import { keyOfText } from './key-file.ts';

/** `hung`: it did not answer in time. `gone`: there is no file. */
export type KeyLook = { readonly key: Uint8Array } | 'hung' | 'gone' | Fault;

/** Files of keys that a process touches in no other way than by looking at them apart. */
export interface KeysApart {
  /** From now on the file is `hung` until a look has ended. */
  leave(file: string): void;
  /** Resolves within the limit. */
  look(file: string, limitMs: number): Promise<void>;
  /** What the last look found. A key is a copy, and stays where a later look hangs. Undefined for any other file. */
  found(file: string): KeyLook | undefined;
}

/** `program`: for tests, in place of `head`. One process at a time reads a file: one that hangs may hang for long. */
export function keysApart(program = 'head'): KeysApart {
  const running = new Set<string>();
  const last = new Map<string, KeyLook>();
  const note = (file: string, found: KeyLook) => {
    const before = last.get(file);
    const held = typeof before === 'object' && 'key' in before ? before.key : undefined;
    if (held && found === 'hung') return;
    held?.fill(0);
    last.set(file, found);
  };
  const leave = (file: string) => void (last.has(file) || last.set(file, 'hung'));
  return {
    leave,
    look: async (file, limitMs) => {
      if (running.has(file)) return;
      leave(file);
      const child = spawn(program, ['-c', '1000', file], {
        ...{ stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' },
        // The words for what went wrong are those of the C locale.
        env: { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C' },
      });
      running.add(file);
      const over = () => running.delete(file);
      child.once('exit', over).once('error', over);
      note(file, await Promise.race([lookOf(child, file), hungAfter(child, limitMs)]));
    },
    found: (file) => {
      const found = last.get(file);
      return typeof found === 'object' && 'key' in found ? { key: Uint8Array.from(found.key) } : found;
    },
  };
}

async function lookOf(child: ChildProcess, file: string): Promise<KeyLook> {
  const failed = new Promise<never>((_, reject) => child.once('error', reject));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  const whole = () => {
    const content = Buffer.concat(chunks);
    chunks.push(content);
    return content;
  };
  try {
    const [said, code] = await Promise.race([Promise.all([child.stderr ? text(child.stderr) : '', ended]), failed]);
    if (code === 0) return { key: keyOfText(whole(), file) };
    if (/No such file|Not a directory/.test(said)) return 'gone';
    return new Fault('vault-down', `The key of the vault in ${file} cannot be read: ${said.trim().split(': ').at(-1)}`);
  } catch (error) {
    return asFault(error, 'vault-down', `The key of the vault in ${file} cannot be read`);
  } finally {
    for (const chunk of chunks) chunk.fill(0);
  }
}

/** The process is no longer waited for, not even by the end of this one. */
function hungAfter(child: ChildProcess, limitMs: number): Promise<'hung'> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      child.stdout?.destroy();
      child.stderr?.destroy();
      child.unref();
      resolve('hung');
    }, limitMs);
    child.once('close', () => clearTimeout(timer)).once('error', () => clearTimeout(timer));
  });
}
