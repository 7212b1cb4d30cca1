/**
 * The accounts after a restore: the file of this door as it was until now, and the one that comes from the backup, go
 * in; what lets somebody in then is in the second one. Whoever was removed since, or got a smaller role or another
 * password, does not come back with an old backup.
 */
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { Fault } from '../../base/errors.ts';
import type { Clock } from '../../base/time.ts';
import { openStore } from './store.ts';

export interface RestoredFiles {
  /** Undefined where the backup is another door's. */
  readonly here: string | undefined;
  readonly restored: string;
  readonly clock: Pick<Clock, 'wall'>;
}

/** The accounts of here, where they can be read; else those of the backup, and nobody is signed in. */
export function restoreAccounts({ here, restored, clock }: RestoredFiles): void {
  if (here !== undefined && existsSync(here) && copied(here, restored, clock)) return;
  if (!existsSync(restored)) return;
  using store = openStore({ file: restored, clock });
  store.together(() => {
    for (const table of ['sessions', 'tokens', 'invitations', 'failures', 'devices']) store.prepare(`DELETE FROM ${table}`).run();
  });
}

/** False where the one of here is damaged: that is what the backup is for. */
function copied(here: string, restored: string, clock: Pick<Clock, 'wall'>): boolean {
  const beside = `${restored}.here`;
  mkdirSync(dirname(restored), { recursive: true, mode: 0o700 });
  try {
    using store = openStore({ file: here, clock });
    rmSync(beside, { force: true });
    store.prepare('VACUUM INTO ?').run(beside);
  } catch (error) {
    rmSync(beside, { force: true });
    if (error instanceof Fault && error.code !== 'disk-full') return false;
    throw error;
  }
  chmodSync(beside, 0o600);
  for (const end of ['', '-wal', '-shm']) rmSync(`${restored}${end}`, { force: true });
  renameSync(beside, restored);
  return true;
}
