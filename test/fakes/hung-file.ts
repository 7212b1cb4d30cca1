/** A file on a share that does not answer: a pipe that nobody writes to, whose reader waits. */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';

export function hangs(file: string): void {
  execFileSync('mkfifo', [file]);
}

/** Gives whoever reads it now, or next, its content. */
export async function answers(file: string, content: Uint8Array): Promise<void> {
  const write = () => {
    const handle = openSync(file, constants.O_WRONLY | constants.O_NONBLOCK); // throws while nobody reads
    writeFileSync(handle, content);
    closeSync(handle);
    return true;
  };
  await expect.poll(write, { timeout: 15_000, interval: 20 }).toBe(true);
}
