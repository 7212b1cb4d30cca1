/** The journal in real trouble: killed in the middle of an append, two writers at once, a full disk, a read-only disk, a lock that is held. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openJournal } from '../../src/journal/sqlite.ts';
import { fakeClock } from '../fakes/clock.ts';
import { eventOf, numbered } from '../fakes/events.ts';
import { fillDisk, mountSmallDisk, unmountDisk } from '../fakes/small-disk.ts';

const child = fileURLToPath(new URL('child.ts', import.meta.url));
let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-trouble-'));
  file = join(folder, 'journal.db');
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

function appending(...args: (string | number)[]): ChildProcess {
  return spawn(process.execPath, [child, file, ...args.map(String)], { stdio: ['ignore', 'pipe', 'inherit'] });
}

describe('a journal whose writer is killed', () => {
  test('holds everything that was reported as written, and its chain is whole', async () => {
    let reported: string[] = [];
    for (const reports of [1, 40, 75, 200]) {
      const writer = appending(reported.length + 1);
      let printed = '';
      writer.stdout!.on('data', (chunk: Buffer) => {
        printed += chunk;
        if (printed.split('\n').length > reports) writer.kill('SIGKILL');
      });
      await once(writer, 'close');
      expect(writer.signalCode).toBe('SIGKILL');
      using journal = openJournal({ file, clock: fakeClock() });
      const kept = journal.query({}).map((entry) => `${entry.seq} ${entry.hash}`);
      const complete = printed.split('\n').slice(0, -1);
      expect(complete.length).toBeGreaterThanOrEqual(reports);
      expect(kept.slice(reported.length, reported.length + complete.length)).toEqual(complete);
      // At most the one append that was cut off between its commit and its report is there besides.
      expect(kept.length - reported.length - complete.length).toBeLessThanOrEqual(1);
      expect(journal.verify()).toEqual({ ok: true, entries: kept.length });
      reported = kept;
    }
  });
});

describe('a journal with two writers', () => {
  test('gets one unbroken chain, also when both open the new file at the same moment', async () => {
    const writers = [appending(1, 150), appending(1, 150), appending(1, 150)];
    const ended = writers.map((writer) => once(writer, 'close'));
    const printed = await Promise.all(writers.map((writer) => text(writer.stdout!)));
    await Promise.all(ended);
    expect(writers.map((writer) => writer.exitCode ?? writer.signalCode)).toEqual([0, 0, 0]);
    using journal = openJournal({ file, clock: fakeClock() });
    expect(journal.verify()).toEqual({ ok: true, entries: 450 });
    const seqs = printed.flatMap((lines) =>
      lines
        .trim()
        .split('\n')
        .map((line) => Number.parseInt(line, 10)),
    );
    expect(seqs.sort((a, b) => a - b)).toEqual(Array.from({ length: 450 }, (_, index) => index + 1));
  });

  test('refuses an append while another process holds it locked, and goes on afterwards', () => {
    using journal = openJournal({ file, clock: fakeClock(), busyTimeoutMs: 20 });
    using raw = new DatabaseSync(file);
    raw.exec('BEGIN IMMEDIATE');
    expect(() => journal.append(numbered(1))).toThrow(
      expect.objectContaining({ code: 'journal-down', message: expect.stringContaining('another process') }),
    );
    expect(journal.query({})).toEqual([]); // reading goes on
    raw.exec('ROLLBACK');
    expect(journal.append(numbered(1)).seq).toBe(1);
    expect(journal.verify()).toEqual({ ok: true, entries: 1 });
  });
});

const downForFullDisk = expect.objectContaining({
  code: 'journal-down',
  message: expect.stringMatching(/full; free space.*state\.folder/),
  cause: expect.objectContaining({ code: 'disk-full' }),
});

describe('a journal on a full disk', () => {
  const disk = mountSmallDisk();

  test(disk ? 'on a real small disk' : 'with the file held to a size, as no disk may be mounted here', () => {
    const path = disk ? join(disk, 'journal.db') : file;
    try {
      using journal = openJournal({ file: path, clock: fakeClock() });
      journal.append(eventOf['person.enrolled']);
      const makeRoom = disk ? fillDisk(disk) : holdSize();
      let written = 1;
      const until = () => {
        for (; written < 20_000; written++) journal.append({ ...eventOf['daemon.stopped'], reason: 'x'.repeat(500) });
      };
      expect(until).toThrow(downForFullDisk);
      expect(() => journal.append({ ...eventOf['daemon.stopped'], reason: 'x'.repeat(50_000) })).toThrow(downForFullDisk);
      if (disk) expect(statfsSync(disk).bavail).toBeLessThan(4);
      expect(journal.verify()).toEqual({ ok: true, entries: written }); // nothing is left behind
      expect(journal.head).toBe(written);
      makeRoom();
      expect(journal.append(eventOf['access.granted']).seq).toBe(written + 1);
      expect(journal.verify()).toEqual({ ok: true, entries: written + 1 });
    } finally {
      if (disk) {
        unmountDisk(disk);
      }
    }
  });
});

/** Holds the file to a number of pages through the journal's own connection: SQLite then answers as on a full disk. */
function holdSize(): () => void {
  const exec = DatabaseSync.prototype.exec;
  let pages = 60;
  vi.spyOn(DatabaseSync.prototype, 'exec').mockImplementation(function (this: DatabaseSync, sql) {
    if (sql === 'BEGIN IMMEDIATE') exec.call(this, `PRAGMA max_page_count = ${pages}`);
    return exec.call(this, sql);
  });
  return () => {
    pages = 100_000;
  };
}

describe('a journal that this user may not write', () => {
  test('says so with the setting when it is opened, and leaves nothing there', () => {
    openJournal({ file, clock: fakeClock() })[Symbol.dispose]();
    chmodSync(file, 0o444);
    chmodSync(folder, 0o555);
    const nobody = 65_534;
    const root = process.geteuid?.() === 0;
    try {
      if (root) process.seteuid?.(nobody); // root may write anywhere
      expect(() => openJournal({ file, clock: fakeClock() })).toThrow(
        expect.objectContaining({ code: 'journal-down', message: expect.stringContaining('state.folder') }),
      );
      expect(readdirSync(folder)).toEqual(['journal.db']);
    } finally {
      if (root) process.seteuid?.(0);
      chmodSync(folder, 0o700);
    }
  });
});
