/**
 * A process to be killed: takes backups of a state folder and restores them, one after the other, until it is. In: the
 * folder, the file of the backup, the key of the vault in hexadecimal.
 */
import { argv } from 'node:process';
import { backupTaskOf } from '../../src/adapters/backup.ts';
import { placeStaged, stageBackup, takeOver } from '../../src/adapters/restore.ts';
import { vaultOf } from '../../src/adapters/vault.ts';
import { loadConfig } from '../../src/settings/load.ts';
import { takeBackup } from '../../src/vault/backup/take.ts';
import { derivedKey } from '../../src/vault/derived.ts';

const [, , folder = '', file = '', key = ''] = argv;
const { config } = loadConfig({ flags: new Map([['state.folder', folder]]) });
const kek = new Uint8Array(Buffer.from(key, 'hex'));
process.stdout.write('begun\n');
for (;;) {
  {
    using vault = vaultOf(config);
    await takeBackup(await backupTaskOf(config, vault, { to: file, by: 'cli' }));
  }
  const opener = { scalar: derivedKey(kek, 'backup identity') };
  const staged = await stageBackup(config, { file, opener, signal: new AbortController().signal, onProgress: () => undefined });
  const taken = await takeOver(config, staged, kek);
  placeStaged(config, staged, taken, kek);
}
