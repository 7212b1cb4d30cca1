/**
 * Before the first test file: temporary folders lie in memory, where that is large enough and programs may start.
 * Tests write thousands of journal entries, and each waits for the disk: the rooms `journal` and `house/retention` took
 * 172 s on a busy disk and 28 in memory. What is written before a process is killed is there afterwards in both.
 */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';

const memory = '/dev/shm';
const neededBytes = 4 * 2 ** 30;
const prefix = 'tests-of-facelatch-';

export function setup(): (() => void) | undefined {
  if (!mayHold()) return undefined;
  for (const name of readdirSync(memory)) if (isLeft(name)) rmSync(join(memory, name), { recursive: true, force: true });
  const folder = mkdtempSync(join(memory, `${prefix}${process.pid}-`));
  // As /tmp: some tests start programs as other users.
  chmodSync(folder, 0o1777);
  process.env.TMPDIR = folder;
  // Programs of workers that have just ended may still be writing.
  return () => rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
}

/** Containers give 64 MB, or forbid programs there. */
function mayHold(): boolean {
  try {
    const { bavail, bsize } = statfsSync(memory);
    const mounted = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .filter((line) => line.split(' ')[1] === memory);
    return bavail * bsize >= neededBytes && mounted.length > 0 && !mounted.some((line) => line.includes('noexec'));
  } catch {
    return false;
  }
}

/** Of a run that was killed. */
function isLeft(name: string): boolean {
  if (!name.startsWith(prefix)) return false;
  try {
    process.kill(Number(name.slice(prefix.length).split('-')[0]), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
