/** Which file a path names now: a path goes in, device and inode come out. A file moved over another has another id. */
import { statSync } from 'node:fs';

export type FileId = string;

/** Undefined where there is none, or it cannot be seen. While a file is held open, no other has its id. */
export function fileId(path: string): FileId | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
