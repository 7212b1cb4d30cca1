/**
 * The folders that a restore makes beside a state folder: the path of the state folder in, their paths out. Both hold
 * faces, and keys that a later removal does not destroy.
 */
import { readdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** Where a backup is unpacked. It stays only where the restore was killed. */
export const unpackedFolder = (folder: string): string => `${folder}.restoring`;

/** What lay there before a restore. */
export const asideFolder = (folder: string, atMs: number): string =>
  `${folder}.before-${new Date(atMs).toISOString().replaceAll(':', '-').slice(0, 19)}Z`;

export interface FolderBeside {
  readonly path: string;
  readonly is: 'unpacked' | 'aside';
}

/** Those that are there now. None where the folder above cannot be read. */
export function foldersBeside(folder: string): readonly FolderBeside[] {
  const [above, name] = [dirname(resolve(folder)), basename(resolve(folder))];
  const isOf = (found: string): FolderBeside['is'] | undefined => {
    if (found === unpackedFolder(name)) return 'unpacked';
    return found.startsWith(`${name}.before-`) ? 'aside' : undefined;
  };
  return readable(above)
    .toSorted()
    .flatMap((found) => {
      const is = isOf(found);
      return is ? [{ path: join(above, found), is }] : [];
    });
}

function readable(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    return [];
  }
}
