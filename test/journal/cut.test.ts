/** Old rows go and a signed place stands for them: the rest stays whole, and nobody without the door's key can do the same. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { heldKeys, textSigner } from '../../src/command/keys.ts';
import { checkpointEvery } from '../../src/journal/checkpoint.ts';
import { journalClearing } from '../../src/journal/clearing.ts';
import type { Journal } from '../../src/journal/port.ts';
import { openJournal } from '../../src/journal/sqlite.ts';
import { type FakeClock, fakeClock } from '../fakes/clock.ts';
import { numbered } from '../fakes/events.ts';

const hourMs = 3_600_000;
let folder: string;
let file: string;
let clock: FakeClock;
const opened: Journal[] = [];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-cut-'));
  file = join(folder, 'journal.sqlite');
  clock = fakeClock();
  const journal = open();
  // Two checkpoints within three days, one row an hour for the rest.
  for (let n = 1; n <= rows; n++) {
    journal.append(numbered(n));
    await clock.advance(hourMs);
  }
});
afterEach(() => {
  closeAll();
  rmSync(folder, { recursive: true });
});
const rows = 3 * checkpointEvery + 5;
function closeAll(): void {
  for (const journal of opened.splice(0)) journal[Symbol.dispose]();
}
function open(keys = 'keys.json'): Journal {
  const journal = openJournal({ file, clock, signer: textSigner(heldKeys(join(folder, keys))) });
  opened.push(journal);
  return journal;
}
const iso = (ms: number) => new Date(ms).toISOString();
const ago = (hours: number) => iso(clock.wall() - hours * hourMs);
const now = () => iso(clock.wall());
const seqsOf = (journal: Journal) => journal.query({}).map(({ seq }) => seq);
/** As somebody does it who can write the file. */
function raw(work: (db: DatabaseSync) => void, without = ''): void {
  using db = new DatabaseSync(file);
  for (const { name } of db.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name LIKE ?").all(without))
    db.exec(`DROP TRIGGER ${name}`);
  work(db);
}

describe('a journal whose old rows were removed', () => {
  test('is cut at a checkpoint, so that only rows older than asked go, and says so in an entry', () => {
    const journal = open();
    const upTo = journal.oldUpTo(ago(rows - 2 * checkpointEvery - 10), now());
    expect(upTo).toBe(2 * checkpointEvery);
    const entry = journal.cut(upTo!, 'age');
    expect(entry.event).toEqual({ kind: 'journal.cut', upTo, rows: upTo, why: 'age' });
    expect([journal.clear(100), journal.clear(100), journal.clear(100)]).toEqual([100, upTo! - 100, 0]);
    expect(seqsOf(journal)).toEqual(Array.from({ length: rows + 1 - upTo! }, (_, i) => upTo! + 1 + i));
    expect(journal.verify()).toEqual({
      ...{ ok: true, entries: rows + 1, cut: { seq: upTo, at: now() } },
      checkpoints: { signed: 2, others: 0, last: 3 * checkpointEvery },
    });
    expect(journal.verifyCheckpoints()).toEqual(journal.verify());
  });

  test('goes on: entries, further cuts, and another process that wrote its last entry before the cut', () => {
    const journal = open();
    const other = open();
    other.append(numbered(1000));
    for (let n = 0; n < checkpointEvery; n++) journal.append(numbered(2000 + n));
    journal.cut(checkpointEvery, 'age');
    // Not cleared: as after a kill between the two.
    expect(journal.verify()).toMatchObject({ ok: true, cut: { seq: checkpointEvery } });
    journal.cut(4 * checkpointEvery, 'disk');
    while (journal.clear(50) > 0);
    expect(seqsOf(journal)[0]).toBe(4 * checkpointEvery + 1);
    expect(other.append(numbered(3000)).seq).toBe(journal.head);
    closeAll();
    // With an older checkpoint beside it, as a power cut leaves one.
    const next = open();
    next.append(numbered(3001));
    expect(next.query({ kinds: ['journal.replaced'] })).toEqual([]);
    expect(next.verify()).toMatchObject({ ok: true, cut: { seq: 4 * checkpointEvery } });
  });

  test('holds nothing of the removed rows any more, neither in the file nor in its log', () => {
    const journal = open();
    const id = journal.query({ limit: rows })[0]!.id;
    const holds = () => ['', '-wal'].some((end) => readFileSync(`${file}${end}`).includes(id));
    expect(holds()).toBe(true);
    journal.cut(checkpointEvery, 'age');
    for (const each of opened.splice(0, opened.length - 1)) each[Symbol.dispose]();
    while (journal.clear(1000) > 0);
    expect(holds()).toBe(false);
  });

  test('is overwritten by a thread of its own, beside a door that goes on writing', async () => {
    const journal = open();
    journal.cut(3 * checkpointEvery, 'age');
    await using clearing = journalClearing(file);
    const cleared = clearing.clear();
    const appended = journal.append(numbered(1)).seq;
    expect(await cleared).toEqual({ rows: 3 * checkpointEvery });
    expect([seqsOf(journal)[0], journal.head]).toEqual([3 * checkpointEvery + 1, appended]);
    expect(journal.verify()).toMatchObject({ ok: true });
  });

  test('tells a consumer what it had not been sent', () => {
    const journal = open();
    journal.cursor('mqtt').set(10);
    expect(journal.cut(checkpointEvery, 'age').event).toMatchObject({ unread: 11 });
    journal.cursor('mqtt').set(3 * checkpointEvery);
    expect(journal.cut(2 * checkpointEvery, 'age').event).not.toHaveProperty('unread');
  });

  test('is never cut where rows are young, at its last row, or by its times where they cannot be true', () => {
    const journal = open();
    expect(journal.oldUpTo(ago(rows + 1), now())).toBeUndefined();
    // The clock was wrong for a while: what claims to come from the future is as old as its place.
    expect(journal.oldUpTo(ago(1), ago(2 * checkpointEvery))).toBe(3 * checkpointEvery);
    expect(journal.oldUpTo(iso(clock.wall() + hourMs), now())).toBe(3 * checkpointEvery);
    expect(() => journal.cut(rows, 'age')).toThrow(expect.objectContaining({ code: 'journal-down' }));
    expect(journal.verify()).toMatchObject({ ok: true, entries: rows });
  });
});

describe('without the key of the door', () => {
  test('ordinary statements remove nothing, before a cut and after it', () => {
    open().cut(checkpointEvery, 'age');
    for (const statement of [
      `DELETE FROM journal WHERE seq = ${checkpointEvery + 1}`,
      'DELETE FROM cut',
      'UPDATE cut SET seq = 128',
      `INSERT OR REPLACE INTO cut VALUES (1, ${2 * checkpointEvery - 1}, 'x', 'x', 'x', 'x')`,
      `INSERT OR REPLACE INTO cut SELECT 1, seq, hash, 'x', kid, signature FROM checkpoint WHERE seq = 1`,
    ])
      raw((db) => expect(() => db.exec(statement), statement).toThrow(/append-only/));
  });

  const forged: readonly [string, string][] = [
    [
      'by the signature of a checkpoint',
      `INSERT OR REPLACE INTO cut SELECT 1, seq, hash, '2026-01-01T00:00:00.000Z', kid, signature FROM checkpoint WHERE seq = ${2 * checkpointEvery}`,
    ],
    [
      'by another key',
      `INSERT OR REPLACE INTO cut SELECT 1, seq, hash, '2026-01-01T00:00:00.000Z', 'other', signature FROM checkpoint WHERE seq = ${2 * checkpointEvery}`,
    ],
  ];
  test.each(forged)('a cut shows that was made %s', (_, statement) => {
    closeAll();
    raw((db) => {
      db.exec(statement);
      db.exec(`DELETE FROM journal WHERE seq <= ${2 * checkpointEvery}`);
    });
    const verdict = open().verify();
    expect(verdict).toMatchObject({ ok: false, problem: 'rewritten', detail: expect.stringMatching(/has not signed/) });
  });

  test('a cut that is gone shows, and so does an older one in its place', () => {
    const journal = open();
    journal.cut(checkpointEvery, 'age');
    const older = journal.begins!;
    journal.cut(2 * checkpointEvery, 'age');
    while (journal.clear(1000) > 0);
    closeAll();
    const withCut = (work: (db: DatabaseSync) => void) => {
      raw(work, '%cut%');
      return open().verify();
    };
    const { seq, hash, at, kid, signature } = older;
    const put = 'INSERT OR REPLACE INTO cut VALUES (1, ?, ?, ?, ?, ?)';
    expect(withCut((db) => void db.prepare(put).run(seq, hash, at, kid, signature))).toMatchObject({ ok: false, problem: 'removed' });
    expect(withCut((db) => db.exec('DELETE FROM cut'))).toMatchObject({ ok: false, problem: 'removed', seq: 1 });
  });
});
