/**
 * The process that takes a backup of a running door. vault/backup/process.ts starts it: the task comes in by message,
 * what became of it goes out. It ends with the process that started it, and leaves nothing unfinished.
 */
import { Fault, messageOf } from '../../base/errors.ts';
import { type FolderTask, takeInFolder } from './folder.ts';
import type { BackupAnswer } from './process.ts';

const given = new AbortController();
process.on('disconnect', () => given.abort(new Error('the door has ended')));

process.on('message', async (task: FolderTask) => {
  const say = (answer: BackupAnswer) => process.connected && process.send?.(answer);
  try {
    say({ kind: 'taken', taken: await takeInFolder(task, { signal: given.signal }) });
  } catch (error) {
    say({ kind: 'fault', code: error instanceof Fault ? error.code : 'backup-failed', message: messageOf(error) });
  } finally {
    if (process.connected) process.disconnect();
  }
});
