/** On a real disk that is full: each step of a backup and of a restore ends with one sentence, and nothing is lost. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { takeBackup } from '../../../src/vault/backup/take.ts';
import { unpackBackup } from '../../../src/vault/backup/unpack.ts';
import { derivedKey } from '../../../src/vault/derived.ts';
import { backupKek, backupTask, stateToBackUp } from '../../fakes/backup.ts';
import { fillDisk, mountSmallDisk, unmountDisk } from '../../fakes/small-disk.ts';

let disk: string;
let folder: string;
beforeAll(() => {
  disk = mountSmallDisk('3m') ?? '';
  folder = mkdtempSync(join(tmpdir(), 'facelatch-full-'));
});
afterAll(() => {
  if (disk) unmountDisk(disk);
  rmSync(folder, { recursive: true });
});
const full = expect.objectContaining({ code: 'disk-full' });

it('where the backup is written, where databases are copied, and where a backup is unpacked', async ({ skip }) => {
  if (!disk) skip('no disk may be mounted here');
  const [state, onDisk] = [join(folder, 'state'), join(disk, 'state')];
  const opener = { scalar: derivedKey(backupKek, 'backup identity') };
  stateToBackUp(state).close();
  stateToBackUp(onDisk).close();
  const file = join(folder, 'door.age');
  await takeBackup(await backupTask(state, file));

  const older = join(disk, 'door.age');
  await takeBackup(await backupTask(state, older));
  const before = readFileSync(older);
  const free = fillDisk(disk, 2);
  await expect(takeBackup(await backupTask(state, older))).rejects.toEqual(full);
  expect(readFileSync(older).equals(before)).toBe(true);
  await expect(takeBackup(await backupTask(onDisk, join(folder, 'other.age')))).rejects.toEqual(full);
  expect(existsSync(join(folder, 'other.age'))).toBe(false);
  await expect(unpackBackup({ file, opener, to: join(disk, 'unpacked') })).rejects.toEqual(full);
  expect(readdirSync(disk).toSorted()).toEqual(['ballast', 'door.age', 'state']);
  expect(readdirSync(onDisk).filter((name) => name.startsWith('.new'))).toEqual([]);
  free();
  await takeBackup(await backupTask(onDisk, older));
});
