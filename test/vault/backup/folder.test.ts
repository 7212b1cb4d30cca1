import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { takeInFolder } from '../../../src/vault/backup/folder.ts';
import { backupName } from '../../../src/vault/backup/kept.ts';
import { backupTask, stateToBackUp } from '../../fakes/backup.ts';

let root: string;
let folder: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'facelatch-folder-'));
  folder = join(root, 'backups');
  mkdirSync(folder);
  stateToBackUp(join(root, 'state')).close();
});
afterEach(() => rmSync(root, { recursive: true }));

const name = backupName('front', Date.parse('2026-11-30T10:00:00Z'));
const others = ['facelatch-front-2-2020-01-01T00-00-00Z.age', 'facelatch-back-2020-01-01T00-00-00Z.age', 'front-2020.age', 'notes.txt'];
const own = [1, 2, 3].map((n) => `facelatch-front-2020-01-0${n}T00-00-00Z.age`);
const take = async (more: { readonly keep?: number; readonly recipients?: readonly string[] } = {}) =>
  takeInFolder({ ...(await backupTask(join(root, 'state'), join(folder, name))), keep: undefined, ...more });

it('only backups of this door are deleted, the oldest first, and only after a new one is whole', async () => {
  for (const file of [...others, ...own]) writeFileSync(join(folder, file), '');
  await expect(take({ keep: 3, recipients: ['age1none'] })).rejects.toMatchObject({ code: 'bad-argument' });
  expect(readdirSync(folder)).toHaveLength(7);
  await take({ keep: 3 });
  expect(readdirSync(folder).toSorted()).toEqual([...others, ...own.slice(1), name].toSorted());
});

it('one that was asked for deletes none', async () => {
  for (const file of own) writeFileSync(join(folder, file), '');
  await take();
  expect(readdirSync(folder)).toEqual([...own, name]);
});

it('what a killed process of this door left is removed', async () => {
  for (const file of [own[0], `${own[1]}.999999999-01234567`, others[1]]) writeFileSync(join(folder, `.new-${file}`), 'half');
  await take();
  expect(readdirSync(folder)).toEqual([`.new-${others[1]}`, name]);
});

it('a share that is not there is not made', async () => {
  rmSync(folder, { recursive: true });
  await expect(take()).rejects.toMatchObject({ code: 'backup-failed', message: expect.stringContaining('(backup.folder)') });
  expect(readdirSync(root)).toEqual(['state']);
});
