/**
 * What of a state folder belongs into a backup: the folder in, its files out, in the order in which they must be
 * copied while the door goes on writing. Databases come before the files that their rows name, and the keyring last:
 * a key is made before what it seals, so that nothing in the backup lacks its key.
 */
import { closeSync, type Dirent, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface StateFile {
  /** Relative to the folder, with `/`. */
  readonly path: string;
  readonly kind: 'database' | 'file';
  /** As it was when it was found. */
  readonly bytes: number;
}

export const keyringName = 'vault.sqlite';
/** The journal's newest checkpoint: copied before the journal, or the copy would seem to have lost entries. */
const witnessName = 'journal.sqlite.checkpoint';

/** Of this process, of this run, or unfinished; and trainings under way, which begin again. */
const passing =
  /(^|\/)(\.new-[^/]*|[^/]*(-wal|-shm|-journal|\.new|\.tmp)|daemon\.lock|daemon\.changes\.lock|daemon\.pid|training\.pid)(\/|$)|^jobs\//;

/**
 * `leaveOut`: whether a path stays out, with what is below it. `passedOver`: what is neither a file nor a folder, such
 * as links.
 */
export function contentsOf(
  folder: string,
  leaveOut: (path: string) => boolean,
): { readonly files: readonly StateFile[]; readonly passedOver: readonly string[] } {
  const files: StateFile[] = [];
  const passedOver: string[] = [];
  const walk = (at: string) => {
    for (const entry of entriesOf(join(folder, at))) {
      const path = at === '' ? entry.name : `${at}/${entry.name}`;
      if (passing.test(path) || leaveOut(join(folder, path))) continue;
      if (entry.isDirectory()) walk(path);
      else if (entry.isFile()) files.push(...stateFile(folder, path));
      else passedOver.push(path);
    }
  };
  walk('');
  return { files: files.toSorted((a, b) => rank(a) - rank(b) || (a.path < b.path ? -1 : 1)), passedOver };
}

function rank({ path, kind }: StateFile): number {
  if (path === witnessName) return 0;
  if (path === keyringName) return 3;
  return kind === 'database' ? 1 : 2;
}

/** None where it has gone since: files come and go while the door runs. */
function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

function stateFile(folder: string, path: string): readonly StateFile[] {
  try {
    const file = join(folder, path);
    const log = statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
    return [{ path, kind: isDatabase(file) ? 'database' : 'file', bytes: statSync(file).size + log }];
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

export const isGone = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';

/** By its first bytes (SQLite file format, section 1.3). */
export function isDatabase(file: string): boolean {
  const handle = openSync(file, 'r');
  try {
    const head = Buffer.alloc(16);
    return readSync(handle, head) === 16 && head.toString('latin1') === 'SQLite format 3\0';
  } finally {
    closeSync(handle);
  }
}
