/** Where the pictures of real people are, which are no part of the project. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** A folder of ../shared/data, beside a clone or a worktree; undefined where there is none. */
export function sharedData(name: string): string | undefined {
  const root = join(import.meta.dirname, '../..');
  return ['..', '../..'].map((up) => join(root, up, 'shared/data', name)).find((folder) => existsSync(folder));
}
