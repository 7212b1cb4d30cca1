/** A state folder with a keyring, a database in use and files, and a task that backs it up. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { recipientOf } from '../../src/vault/backup/age-file.ts';
import type { BackupTask } from '../../src/vault/backup/take.ts';
import { derivedKey } from '../../src/vault/derived.ts';
import { openKeyring } from '../../src/vault/keyring.ts';
import type { Vault } from '../../src/vault/port.ts';

export const backupKek = new Uint8Array(32).fill(7);
export const backupNow = '2026-11-30T00:00:00.000Z';

export const keyringOf = (folder: string, kek = backupKek): Vault =>
  openKeyring({ file: join(folder, 'vault.sqlite'), kek: Uint8Array.from(kek), source: 'beside', now: () => backupNow });

/** Makes it. The database `notes.sqlite` stays open, with rows in its log alone, as at a running door. */
export function stateToBackUp(folder: string): DatabaseSync {
  mkdirSync(join(folder, 'models', 'one'), { recursive: true, mode: 0o700 });
  using vault = keyringOf(folder);
  for (const person of ['p-ada', 'p-bob', 'p-eve']) vault.seal({ person }, { schema: 's', column: 'c', row: '1' }, new Uint8Array(9));
  vault.destroy([{ person: 'p-eve' }]);
  writeFileSync(join(folder, 'operators.json'), '{"operators":[]}\n', { mode: 0o600 });
  writeFileSync(join(folder, 'models', 'one', 'network.onnx'), new Uint8Array(700_000).fill(3));
  writeFileSync(join(folder, 'empty'), '');
  writeFileSync(join(folder, 'daemon.pid'), '1\n');
  // The key of the vault; and what processes leave of it that are killed while they make or change it.
  for (const name of ['vault.key', 'vault.key.next', 'vault.key.4711']) writeFileSync(join(folder, name), 'the key\n');
  const db = new DatabaseSync(join(folder, 'notes.sqlite'));
  db.exec("PRAGMA journal_mode = WAL; CREATE TABLE note (text TEXT); INSERT INTO note VALUES ('in the log')");
  return db;
}

export const backupTask = async (folder: string, to: string): Promise<BackupTask> => ({
  folder,
  to,
  configuration: new Map(),
  keys: [join(folder, 'vault.key')],
  recipients: [await recipientOf(derivedKey(backupKek, 'backup identity'))],
  manifestKey: derivedKey(backupKek, 'backup manifest'),
  door: 'front',
  takenAt: backupNow,
  by: 'cli',
});
