/** Private SQLite files that several processes open. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { Fault } from '../../src/base/errors.ts';
import { openSqlite, type SqliteKind, transact } from '../../src/base/sqlite.ts';
import { temporaryFolder } from '../cli/facelatch.ts';

const opener = fileURLToPath(new URL('sqlite-openers.ts', import.meta.url));

it('new files that three processes open at the same moment are opened by each of them', async () => {
  using folder = temporaryFolder();
  // All of them go through the same files in step, so that some openings meet at each stage of making the tables.
  const args = [opener, folder.path, '150', String(Date.now() + 1500)];
  const openers = Array.from({ length: 3 }, () => promisify(execFile)(process.execPath, args, { encoding: 'utf8' }));
  expect((await Promise.all(openers)).map(({ stdout }) => stdout)).toEqual(['', '', '']);
}, 60_000);

const secret = 'a face that lay readable';
const fault = () => new Fault('gallery-damaged', 'not this file');
const kind = (version: number, migrations: SqliteKind['migrations'] = {}): SqliteKind => ({
  ...{ applicationId: 7, version, schema: 'CREATE TABLE kept (value TEXT NOT NULL) STRICT', migrations },
  faults: { foreign: fault, newer: fault },
});
const hide = (db: DatabaseSync) => void db.prepare('UPDATE kept SET value = ?').run('sealed');
const isReadable = (file: string) =>
  ['', '-wal', '-shm'].some((end) => existsSync(`${file}${end}`) && readFileSync(`${file}${end}`).includes(secret));

function oldFile(file: string): void {
  const { db } = openSqlite(file, kind(1), 100);
  const insert = db.prepare('INSERT INTO kept (value) VALUES (?)');
  transact(db, () => {
    for (let i = 0; i < 50; i++) insert.run(`${secret} ${i} ${'.'.repeat(i * 200)}`);
  });
  db.close();
}

it('a migration leaves nothing of what it replaced in the file or its log, while the file is still open', () => {
  using folder = temporaryFolder();
  const file = join(folder.path, 'kept.sqlite');
  oldFile(file);
  expect(isReadable(file)).toBe(true);
  const { db, fresh } = openSqlite(file, kind(2, { 1: hide }), 100);
  expect([fresh, isReadable(file)]).toEqual([true, false]);
  expect(db.prepare('SELECT DISTINCT value FROM kept').all()).toEqual([{ value: 'sealed' }]);
  db.close();
});

it('a migration that fails in the middle changes nothing, and starts over', () => {
  using folder = temporaryFolder();
  const file = join(folder.path, 'kept.sqlite');
  oldFile(file);
  const failing = (db: DatabaseSync) => {
    hide(db);
    throw fault();
  };
  expect(() => openSqlite(file, kind(2, { 1: failing }), 100)).toThrow(/not this file/);
  const { db } = openSqlite(file, kind(2, { 1: hide }), 100);
  expect([db.prepare('SELECT DISTINCT value FROM kept').all(), isReadable(file)]).toEqual([[{ value: 'sealed' }], false]);
  db.close();
});

it('what a reader keeps in the log goes at the next opening', () => {
  using folder = temporaryFolder();
  const file = join(folder.path, 'kept.sqlite');
  oldFile(file);
  const reader = new DatabaseSync(file);
  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM kept').get();
  openSqlite(file, kind(2, { 1: hide }), 20).db.close();
  reader.exec('COMMIT');
  const { db } = openSqlite(file, kind(2, { 1: hide }), 100);
  expect([isReadable(file), db.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name = 'unswept'").get()]).toEqual([false, { n: 0 }]);
  reader.close();
  db.close();
});
