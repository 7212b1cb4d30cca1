/** A file on a share that does not answer: a pipe that nobody writes to, whose reader waits. */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';

export function hangs(file: string): void {
  execFileSync('mkfifo', [file]);
}

/** From now on whoever reads it gets the content, until it was `taken`: a reader that is being killed loses it. */
export async function answers(file: string, content: Uint8Array, taken: () => boolean): Promise<void> {
  const write = () => {
    if (taken()) return true;
    try {
      const handle = openSync(file, constants.O_WRONLY | constants.O_NONBLOCK);
      writeFileSync(handle, content);
      closeSync(handle);
    } catch (error) {
      // Nobody reads now.
      if (!(error instanceof Error && 'code' in error && (error.code === 'ENXIO' || error.code === 'EPIPE'))) throw error;
    }
    return taken();
  };
  await expect.poll(write, { timeout: 30_000, interval: 200 }).toBe(true);
}
