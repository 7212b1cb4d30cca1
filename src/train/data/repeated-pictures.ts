/** Pictures that a data set has twice: paths go in, those with the same content come out together. */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';

/** Groups of two or more paths whose files are the same, byte by byte. A file that cannot be read is in none. */
export function repeatedPictures(paths: readonly string[]): string[][] {
  const sizeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size;
  const twice = (groups: Iterable<string[]>) => [...groups].filter((group) => group.length > 1);
  // Only files of one size are read.
  const sameSize = twice(Map.groupBy(paths, sizeOf).values());
  return sameSize.flatMap((group) => twice(Map.groupBy(group, contentOf).values()));
}

/** SHA-256; of a file that cannot be read its path. */
function contentOf(path: string): string {
  try {
    return createHash('sha256').update(readFileSync(path)).digest('hex');
  } catch {
    return path;
  }
}
