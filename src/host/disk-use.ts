/**
 * How much a folder holds: its path goes in, the bytes that are in use come out. Pages that a database has freed and
 * will use again do not count: its file does not shrink. Everything is asked of the file system off the calling thread.
 */
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface FileUse {
  /** Relative to the folder, with `/`. */
  readonly path: string;
  readonly bytes: number;
}

/** Every file; those that go while it looks are left out. */
export async function diskUse(folder: string): Promise<readonly FileUse[]> {
  const found: FileUse[] = [];
  const walk = async (at: string): Promise<void> => {
    const entries = await readdir(join(folder, at), { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const path = at === '' ? entry.name : `${at}/${entry.name}`;
      if (entry.isDirectory()) await walk(path);
      else if (entry.isFile()) {
        const bytes = await inUse(join(folder, path)).catch(() => undefined);
        if (bytes !== undefined) found.push({ path, bytes });
      }
    }
  };
  await walk('');
  return found;
}

/** SQLite file format, section 1.3: the size of a page at offset 16, the number of freed pages at 36. */
async function inUse(file: string): Promise<number> {
  const { size } = await stat(file);
  if (!file.endsWith('.sqlite') || size < 100) return size;
  const head = Buffer.alloc(40);
  await using handle = await open(file, 'r');
  await handle.read(head, 0, 40, 0);
  const page = head.readUInt16BE(16);
  return Math.max(0, size - (page === 1 ? 65_536 : page) * head.readUInt32BE(36));
}
