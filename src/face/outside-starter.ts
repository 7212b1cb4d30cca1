/**
 * The process that starts a process for each picture from outside (outside-process.ts), one at a time. The daemon does
 * not start them itself: fork(2) stops a large process while its page tables are copied, and then each page that it
 * writes to is a fault. from-outside.ts starts this small one and gives it pictures by message; it ends with its
 * channel.
 */
import { execFile } from 'node:child_process';
import type { Decoded } from './from-outside.ts';

/** A JPEG of 1280×1280 pixels is smaller, bytes. */
const mostOut = 16 * 2 ** 20;

const [program = '', timeoutMs = '0'] = process.argv.slice(2);
const over = new AbortController();

process.on('message', (picture: Uint8Array) => {
  const child = execFile(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--max-old-space-size=64', program],
    {
      ...{ encoding: 'buffer', timeout: Number(timeoutMs), killSignal: 'SIGKILL', maxBuffer: mostOut, signal: over.signal, cwd: '/' },
      // Nothing of this environment: it holds the channel to the daemon.
      env: { MALLOC_ARENA_MAX: '1', UV_THREADPOOL_SIZE: '1' },
    },
    (error, stdout, stderr) => {
      const decoded: Decoded = error
        ? { picture: undefined, said: stderr.subarray(0, 10_000), wasKilled: error.killed === true }
        : { picture: stdout };
      if (process.connected) process.send?.(decoded);
    },
  );
  // A process that ended early does not take all of it; its end says why.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(picture);
});
process.once('disconnect', () => {
  over.abort();
  process.exit();
});
