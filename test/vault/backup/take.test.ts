import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { takeBackup } from '../../../src/vault/backup/take.ts';
import { unpackBackup } from '../../../src/vault/backup/unpack.ts';
import { derivedKey } from '../../../src/vault/derived.ts';
import { backupKek, backupTask, keyringOf, stateToBackUp } from '../../fakes/backup.ts';

let folder: string;
let state: string;
let file: string;
let notes: DatabaseSync;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-backup-'));
  [state, file] = [join(folder, 'state'), join(folder, 'door.age')];
  notes = stateToBackUp(state);
});
afterEach(() => {
  if (notes.isOpen) notes.close();
  rmSync(folder, { recursive: true });
});

const opener = { scalar: derivedKey(backupKek, 'backup identity') };
const unpack = () => unpackBackup({ file, opener, to: join(folder, 'unpacked') });

it('what a running door holds comes out of its backup, opened by the phrase alone, without the key of the vault', async () => {
  const taken = await takeBackup(await backupTask(state, file));
  const { manifest, isProvenBy } = await unpack();
  expect(taken).toEqual({ bytes: readFileSync(file).length, files: manifest.files.length, passedOver: [] });
  const paths = manifest.files.map(({ path }) => path);
  expect(paths).toEqual([
    'state/notes.sqlite',
    'state/empty',
    'state/models/one/network.onnx',
    'state/operators.json',
    'state/vault.sqlite',
  ]);
  expect(manifest).toMatchObject({ door: 'front', by: 'cli' });
  expect(isProvenBy(derivedKey(backupKek, 'backup manifest'))).toBe(true);
  expect(isProvenBy(derivedKey(new Uint8Array(32), 'backup manifest'))).toBe(false);
  using vault = keyringOf(join(folder, 'unpacked'));
  expect(vault.owners()).toEqual(['door', { person: 'p-ada' }, { person: 'p-bob' }]);
  expect(vault.destroyed()).toMatchObject([{ owner: { person: 'p-eve' } }]);
  const copy = new DatabaseSync(join(folder, 'unpacked', 'notes.sqlite'));
  expect(copy.prepare('SELECT text FROM note').all()).toEqual([{ text: 'in the log' }]);
  copy.close();
});

it('nothing is left beside: no copy of a database, no unfinished file', async () => {
  const before = readdirSync(state);
  await takeBackup(await backupTask(state, file));
  expect(readdirSync(state)).toEqual(before);
  expect(readdirSync(folder).toSorted()).toEqual(['door.age', 'state']);
});

it('a recipient of age opens it too', async () => {
  const identity = await generateIdentity();
  const task = await backupTask(state, file);
  await takeBackup({ ...task, recipients: [...task.recipients, await identityToRecipient(identity)] });
  const { manifest } = await unpackBackup({ file, opener: { identities: [identity] }, to: join(folder, 'unpacked') });
  expect(manifest.files).toHaveLength(5);
});

it('links are passed over and named', async () => {
  symlinkSync('/etc/hostname', join(state, 'link'));
  expect((await takeBackup(await backupTask(state, file))).passedOver).toEqual(['link']);
});

it('another file is not overwritten, an older backup is; where taking fails, the older backup stays', async () => {
  writeFileSync(file, 'a letter to somebody, and not a backup');
  const task = await backupTask(state, file);
  await expect(takeBackup(task)).rejects.toMatchObject({ code: 'bad-argument', message: expect.stringContaining('is no backup') });
  rmSync(file);
  await takeBackup(task);
  await takeBackup(task);
  const before = readFileSync(file);
  notes.close();
  writeFileSync(join(state, 'notes.sqlite'), `SQLite format 3\0${'damaged '.repeat(1000)}`);
  await expect(takeBackup(task)).rejects.toMatchObject({ code: 'backup-failed', message: expect.stringContaining('notes.sqlite') });
  expect(readFileSync(file).equals(before)).toBe(true);
  await expect(takeBackup({ ...task, to: join(folder, 'nowhere', 'b.age') })).rejects.toMatchObject({ code: 'bad-argument' });
  await expect(takeBackup({ ...task, recipients: ['age1notone'] })).rejects.toMatchObject({ code: 'bad-argument' });
  await expect(takeBackup(await backupTask(state, file), { signal: AbortSignal.abort(new Error('stopped')) })).rejects.toThrow('stopped');
  expect(readFileSync(file).equals(before)).toBe(true);
});
