/** The journal in memory and on disk under the same contract, and what only the one on disk has: the file. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openCollect } from '../../src/base/process/called-thread.ts';
import { systemClock } from '../../src/base/time.ts';
import { openJournal } from '../../src/journal/sqlite.ts';
import { testJournal } from '../contracts/journal.ts';
import { fakeClock } from '../fakes/clock.ts';
import { eventOf, numbered } from '../fakes/events.ts';
import { fillJournal, memoryJournal } from '../fakes/journal.ts';

let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-journal-'));
  file = join(folder, 'journal.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

testJournal('the journal in memory', (clock) => memoryJournal({ clock }));
testJournal('the journal in SQLite', (clock) => openJournal({ file, clock }));

describe('the journal on disk', () => {
  test('is readable by its owner only, also its write-ahead log, also where it was open to all', () => {
    const modes = () => readdirSync(folder).map((name) => statSync(join(folder, name)).mode & 0o777);
    for (const written of [1, 2]) {
      using journal = openJournal({ file, clock: fakeClock() });
      journal.append(numbered(written));
      expect(modes()).toEqual([0o600, 0o600, 0o600]);
      chmodSync(file, 0o644);
    }
  });

  test('entries and cursors outlive the process that wrote them', () => {
    const clock = fakeClock();
    const first = openJournal({ file, clock });
    const written = [first.append(eventOf['person.enrolled']), first.append(eventOf['access.granted'])];
    first.cursor('mqtt').set(1);
    first[Symbol.dispose]();
    using second = openJournal({ file, clock });
    expect(second.query({})).toEqual(written);
    expect(second.cursor('mqtt').get()).toBe(1);
    expect(second.append(numbered(3)).seq).toBe(3);
    expect(second.verify()).toEqual({ ok: true, entries: 3 });
  });

  test('every commit is synced: WAL with synchronous = FULL, also after a cursor was set', () => {
    // The setting belongs to a connection, so it is read through the one the journal uses, at the commit.
    const modes: unknown[] = [];
    const exec = DatabaseSync.prototype.exec;
    using journal = openJournal({ file, clock: fakeClock() });
    journal.cursor('mqtt').set(7);
    using _watched = vi.spyOn(DatabaseSync.prototype, 'exec').mockImplementation(function (this: DatabaseSync, sql) {
      if (sql === 'COMMIT') modes.push(...['synchronous', 'journal_mode'].map((name) => this.prepare(`PRAGMA ${name}`).get()?.[name]));
      return exec.call(this, sql);
    });
    journal.append(numbered(1));
    expect(modes).toEqual([2, 'wal']);
  });

  test('ordinary statements can neither change nor remove nor replace a row, nor move the head', () => {
    using journal = openJournal({ file, clock: fakeClock() });
    journal.append(numbered(1));
    journal.append(numbered(2));
    using raw = new DatabaseSync(file);
    for (const statement of [
      `UPDATE journal SET event = '{}' WHERE seq = 1`,
      'DELETE FROM journal WHERE seq = 2',
      'DELETE FROM journal',
      `INSERT OR REPLACE INTO journal SELECT seq, id, at, kind, person, '{}', prev, hash FROM journal WHERE seq = 1`,
      `INSERT INTO journal VALUES (3, 'i', 'a', 'k', NULL, '{}', 'not the hash of row 2', 'h')`,
      'UPDATE head SET seq = 1, hash = (SELECT hash FROM journal WHERE seq = 1)',
      `UPDATE head SET seq = 3, hash = 'x'`,
      'DELETE FROM head',
      `INSERT OR REPLACE INTO head VALUES (1, 0, '${'0'.repeat(64)}')`,
    ]) {
      expect(() => raw.exec(statement), statement).toThrow('the journal is append-only');
    }
    expect(journal.verify()).toEqual({ ok: true, entries: 2 });
    expect(journal.append(numbered(3)).seq).toBe(3);
  });

  test('100,000 rows are followed in batches: memory stays flat', async () => {
    const rows = 100_000;
    fillJournal(file, rows);
    using journal = openJournal({ file, clock: systemClock });
    const stop = new AbortController();
    let seen = 0;
    let inOrder = true;
    let peak = 0;
    const collect = openCollect();
    /** What is held, whatever the collector has not taken yet. */
    const heldMb = () => {
      collect('all');
      return process.memoryUsage().heapUsed / 1e6;
    };
    const before = heldMb();
    for await (const entry of journal.tail(0, stop.signal)) {
      inOrder &&= entry.seq === ++seen;
      if (seen % 20_000 === 0) peak = Math.max(peak, heldMb() - before);
      if (seen === rows) stop.abort();
    }
    expect([seen, inOrder]).toEqual([rows, true]);
    // All rows as objects would take more than 60 MB.
    expect(peak).toBeLessThan(10);
    const progress: [number, number][] = [];
    expect(journal.verify((done, total) => progress.push([done, total]))).toEqual({ ok: true, entries: rows });
    expect(progress).toHaveLength(101);
    expect(progress.at(-1)).toEqual([rows, rows]);
  });

  test('rows that another process writes reach a follower within the polling time', async () => {
    const clock = fakeClock();
    using journal = openJournal({ file, clock, pollMs: 500 });
    using other = openJournal({ file, clock });
    const stop = new AbortController();
    const seen: number[] = [];
    const following = (async () => {
      for await (const entry of journal.tail(0, stop.signal)) seen.push(entry.seq);
    })();
    await clock.advance(0);
    other.append(numbered(1));
    journal.append(numbered(2));
    await clock.advance(0);
    expect(seen).toEqual([1, 2]); // an own append brings the other's along, in order
    other.append(numbered(3));
    await clock.advance(499);
    expect(seen).toEqual([1, 2]);
    await clock.advance(1);
    expect(seen).toEqual([1, 2, 3]);
    stop.abort();
    await following;
  });
});

describe('a journal that cannot be opened', () => {
  const opening = () => openJournal({ file, clock: fakeClock() })[Symbol.dispose]();

  test('a journal of a newer version is refused by name and left as it is', () => {
    opening();
    const raw = new DatabaseSync(file);
    raw.exec('PRAGMA user_version = 5');
    raw.close();
    const before = readFileSync(file);
    expect(opening).toThrow(expect.objectContaining({ code: 'database-newer', message: expect.stringContaining('state.folder') }));
    expect(readFileSync(file)).toEqual(before);
  });

  test('a file that is no database is damaged, and left as it is', () => {
    writeFileSync(file, 'not a database, and longer than a header of SQLite would be '.repeat(40));
    const before = readFileSync(file);
    expect(opening).toThrow(expect.objectContaining({ code: 'journal-damaged', message: expect.stringContaining(file) }));
    expect(readFileSync(file)).toEqual(before);
  });

  test('a database of something else is refused and left as it is', () => {
    const raw = new DatabaseSync(file);
    raw.exec('CREATE TABLE recipes (name TEXT)');
    raw.close();
    const before = readFileSync(file);
    expect(opening).toThrow(expect.objectContaining({ code: 'journal-damaged' }));
    expect(readFileSync(file)).toEqual(before);
  });

  test('a folder that does not exist is named with the setting', () => {
    file = join(folder, 'none', 'journal.db');
    expect(opening).toThrow(expect.objectContaining({ code: 'journal-down', message: expect.stringContaining('state.folder') }));
  });

  test('a torn first page is damaged', () => {
    opening();
    const bytes = readFileSync(file);
    bytes.fill(0xa5, 0, 2048);
    writeFileSync(file, bytes);
    chmodSync(file, 0o600);
    expect(opening).toThrow(expect.objectContaining({ code: 'journal-damaged' }));
  });
});
