/** A real disk of half a megabyte or more, and how to fill it. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Its folder, or undefined where this user may not mount one. */
export function mountSmallDisk(size = '512k'): string | undefined {
  const mountPoint = mkdtempSync(join(tmpdir(), 'facelatch-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', mountPoint], { stdio: 'ignore' });
    return mountPoint;
  } catch {
    rmSync(mountPoint, { recursive: true });
    return undefined;
  }
}

export function unmountDisk(disk: string): void {
  execFileSync('umount', [disk]);
  rmSync(disk, { recursive: true });
}

/** Takes the disk's free space, but for some blocks, with another file; what comes back gives it free again. */
export function fillDisk(disk: string, leftBlocks = 8): () => void {
  const ballast = join(disk, 'ballast');
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail - leftBlocks) * bsize));
  return () => rmSync(ballast);
}
