/** What `facelatch doctor` says about backups: how old the last one is, and whether the next one has a place. */
import { statSync } from 'node:fs';
import { journalOf } from '../../adapters/journal.ts';
import { systemClock } from '../../base/time.ts';
import type { Config } from '../../settings/load.ts';
import { counted } from '../words.ts';
import type { Found } from './check.ts';

const dayMs = 86_400_000;
/** Without a schedule. */
const oldMs = 31 * dayMs;

export function checkBackup(config: Config): Found {
  const { folder, schedule } = config.backup;
  if (folder !== '' && !statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    return { health: 'problem', found: `There is no folder ${folder} (backup.folder): mount the disk or share, or make the folder` };
  using journal = journalOf(config);
  const [last] = journal.query({ kinds: ['backup.taken', 'backup.restored'], limit: 1 });
  const [failed] = journal.query({ kinds: ['backup.failed'], limit: 1 });
  const how = schedule === '' ? 'take one: facelatch backup FILE, or set backup.schedule' : `backup.schedule is ${schedule}`;
  if (failed?.event.kind === 'backup.failed' && failed.seq > (last?.seq ?? 0))
    return { health: 'problem', found: `the last one failed, ${failed.at}: ${failed.event.detail}` };
  if (!last) return { health: 'note', found: `none was taken yet; ${how}` };
  const ageMs = Math.max(0, systemClock.wall() - Date.parse(last.at));
  const patienceMs = schedule === '' ? oldMs : (schedule.startsWith('daily') ? 2 : 8) * dayMs;
  const age = ageMs < 2 * dayMs ? `${Math.floor(ageMs / 3_600_000)} h` : counted(Math.floor(ageMs / dayMs), 'day');
  const what = last.event.kind === 'backup.restored' ? 'restored from one' : 'the last one was taken';
  return { health: ageMs > patienceMs ? 'note' : 'ok', found: `${what} ${age} ago${ageMs > patienceMs ? `; ${how}` : ''}` };
}
