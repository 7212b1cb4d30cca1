/**
 * The process that looks at disks for the console: which disk comes in by message, what lies there goes out. A share of
 * backups can hang, and a large folder takes time: neither is the deciding thread's. system-beside.ts starts it.
 */
import { statfsSync } from 'node:fs';
import { messageOf } from '../../base/errors.ts';
import { diskUse } from '../../host/disk-use.ts';
import { backupsIn } from '../../vault/backup/kept.ts';
import type { DiskAnswer, DiskAsked, DiskFound } from './system-beside.ts';

process.on('disconnect', () => process.exit());

process.on('message', async (asked: DiskAsked) => {
  const say = (looked: DiskAnswer) => process.connected && process.send?.(looked);
  try {
    say({ found: asked.kind === 'disk' ? await lookAtDisk(asked.folder) : [...backupsIn(asked.folder, asked.door)] });
  } catch (error) {
    say({ failed: messageOf(error) });
  } finally {
    if (process.connected) process.disconnect();
  }
});

/** Files of a database count together: its log and its index of it have a name with something behind. */
async function lookAtDisk(folder: string): Promise<DiskFound> {
  const parts = new Map<string, number>();
  for (const { path, bytes } of await diskUse(folder)) {
    const name = (path.split('/')[0] ?? path).replace(/\.sqlite-(?:wal|shm|journal)$/, '.sqlite');
    parts.set(name, (parts.get(name) ?? 0) + bytes);
  }
  const { bavail, blocks, bsize } = statfsSync(folder);
  return {
    freeBytes: bavail * bsize,
    totalBytes: blocks * bsize,
    parts: [...parts].map(([name, bytes]) => ({ name, bytes })).toSorted((a, b) => b.bytes - a.bytes),
  };
}
