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

/** Looks at files of keys, at each in one process at a time: one that hangs is killed, and may hang on. */
export function keyLooks(program = 'head'): (file: string, limitMs: number) => Promise<KeyLook> {
  const running = new Map<string, ChildProcess>();
  return async (file, limitMs) => {
    if (running.has(file)) return 'hung';
    const child = spawn(program, ['-c', '1000', file], {
      ...{ stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' },
      // The words for what went wrong are those of the C locale.
      env: { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C' },
    });
    running.set(file, child);
    const over = () => running.delete(file);
    child.once('exit', over).once('error', over);
    return await Promise.race([lookOf(child, file), hungAfter(child, limitMs)]);
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
