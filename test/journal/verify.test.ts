/** A hand laid on the journal's file shows: the rows are changed through a second connection with the triggers dropped. */
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hashOf, type JournalRow } from '../../src/journal/chain.ts';
import { openJournal } from '../../src/journal/sqlite.ts';
import { fakeClock } from '../fakes/clock.ts';
import { eventOf } from '../fakes/events.ts';
import { fillJournal, memoryJournal } from '../fakes/journal.ts';

let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-verify-'));
  file = join(folder, 'journal.db');
  using journal = openJournal({ file, clock: fakeClock() });
  for (const event of Object.values(eventOf)) journal.append(event);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const ordinal = Object.keys(eventOf);
const last = ordinal.length;
const grant = ordinal.indexOf('access.granted') + 1;

/** What verify says after `statements` were run on the file. */
function verdictAfter(...statements: string[]) {
  using raw = new DatabaseSync(file);
  for (const { name } of raw.prepare(`SELECT name FROM sqlite_schema WHERE type = 'trigger'`).all()) raw.exec(`DROP TRIGGER ${name}`);
  for (const statement of statements) raw.exec(statement);
  using journal = openJournal({ file, clock: fakeClock() });
  return journal.verify();
}

describe('the verdict on the journal names', () => {
  test.each([
    ['an altered person', `UPDATE journal SET event = replace(event, 'p-0001', 'p-0002') WHERE seq = ${grant}`, grant],
    ['an altered person column', `UPDATE journal SET person = 'p-0002' WHERE seq = ${grant}`, grant],
    ['an altered time', `UPDATE journal SET at = '2026-01-05T12:00:01.000Z' WHERE seq = 3`, 3],
    ['an altered kind', `UPDATE journal SET kind = 'access.denied' WHERE seq = ${grant}`, grant],
    ['an altered id', `UPDATE journal SET id = 'x' WHERE seq = 1`, 1],
    ['an altered hash', `UPDATE journal SET hash = '${'0'.repeat(64)}' WHERE seq = 4`, 4],
    ['an event that is no JSON any more', `UPDATE journal SET event = '{' WHERE seq = 2`, 2],
    ['an altered last row', `UPDATE journal SET at = '2026-01-05T12:00:01.000Z' WHERE seq = ${last}`, last],
  ])('%s', (_, statement, seq) => {
    expect(verdictAfter(statement)).toMatchObject({ ok: false, seq, problem: 'altered', detail: expect.stringContaining(`${seq}`) });
  });

  test.each([
    ['the first row', 'DELETE FROM journal WHERE seq = 1', 1],
    ['a row in the middle', 'DELETE FROM journal WHERE seq = 5', 5],
    ['several rows in the middle', 'DELETE FROM journal WHERE seq BETWEEN 5 AND 7', 5],
    ['the last row', `DELETE FROM journal WHERE seq = ${last}`, last],
    ['the last rows', 'DELETE FROM journal WHERE seq >= 8', 8],
    ['all rows', 'DELETE FROM journal', 1],
  ])('as removed: %s', (_, statement, seq) => {
    expect(verdictAfter(statement)).toMatchObject({ ok: false, seq, problem: 'removed' });
  });

  test('a row removed and the rest renumbered to close the gap', () => {
    const close = Array.from({ length: last - 5 }, (_, index) => `UPDATE journal SET seq = ${index + 5} WHERE seq = ${index + 6}`);
    expect(verdictAfter('DELETE FROM journal WHERE seq = 5', ...close, `UPDATE head SET seq = ${last - 1}`)).toMatchObject({
      seq: 5,
      problem: 'removed',
      detail: expect.stringContaining('written as row 6'),
    });
  });

  test('two rows that were swapped', () => {
    const swap = [
      'UPDATE journal SET seq = 100 WHERE seq = 4',
      'UPDATE journal SET seq = 4 WHERE seq = 8',
      'UPDATE journal SET seq = 8 WHERE seq = 100',
    ];
    expect(verdictAfter(...swap)).toMatchObject({ seq: 4, problem: 're-ordered', detail: expect.stringContaining('now row 8') });
  });

  test('two neighbours whose contents were swapped', () => {
    const columns = '(id, at, kind, person, event, prev, hash)';
    const other = (seq: number) => `(SELECT id, at, kind, person, event, prev, hash FROM copy WHERE seq = ${seq})`;
    const statements = [
      'CREATE TEMP TABLE copy AS SELECT * FROM journal',
      `UPDATE journal SET ${columns} = ${other(7)} WHERE seq = 6`,
      `UPDATE journal SET ${columns} = ${other(6)} WHERE seq = 7`,
    ];
    expect(verdictAfter(...statements)).toMatchObject({ seq: 6, problem: 're-ordered' });
  });

  test('rows that were renumbered', () => {
    expect(verdictAfter(`UPDATE journal SET seq = ${last + 50} WHERE seq = 5`)).toMatchObject({ seq: 5, problem: 're-ordered' });
    expect(verdictAfter('UPDATE journal SET seq = -3 WHERE seq = 7')).toMatchObject({ seq: -3, problem: 're-ordered' });
  });

  test('a row that was altered and hashed anew, because the next one is chained to its old hash', () => {
    using raw = new DatabaseSync(file);
    const row = raw.prepare('SELECT * FROM journal WHERE seq = ?').get(grant) as unknown as JournalRow;
    const forged = { ...row, event: row.event.replace('p-0001', 'p-0009') };
    const rehash = `UPDATE journal SET event = '${forged.event}', hash = '${hashOf(forged)}' WHERE seq = ${grant}`;
    expect(verdictAfter(rehash)).toMatchObject({ seq: grant, problem: 'altered', detail: expect.stringContaining(`row ${grant + 1}`) });
  });

  test('the last row, altered and hashed anew, because the head was noted', () => {
    using raw = new DatabaseSync(file);
    const row = raw.prepare('SELECT * FROM journal WHERE seq = ?').get(last) as unknown as JournalRow;
    const rehash = `UPDATE journal SET id = 'x', hash = '${hashOf({ ...row, id: 'x' })}' WHERE seq = ${last}`;
    expect(verdictAfter(rehash)).toMatchObject({ seq: last, problem: 'altered' });
  });

  test('a head that was set back or taken away', () => {
    expect(verdictAfter('UPDATE head SET seq = 9, hash = (SELECT hash FROM journal WHERE seq = 9)')).toMatchObject({
      seq: 10,
      problem: 'altered',
    });
    expect(verdictAfter('DELETE FROM head')).toMatchObject({ seq: last, problem: 'altered' });
  });

  test('a tail that was cut off stays noticed after new rows were appended', () => {
    verdictAfter('DELETE FROM journal WHERE seq >= 10');
    using journal = openJournal({ file, clock: fakeClock() });
    expect(journal.append(eventOf['daemon.stopped']).seq).toBe(last + 1);
    expect(journal.verify()).toMatchObject({ seq: 10, problem: 'removed' });
  });

  test('the row in front of which the file itself is torn', () => {
    rmSync(file);
    fillJournal(file, 2000);
    // A page from the middle of the rows is overwritten, as a failing disk does.
    using raw = new DatabaseSync(file);
    const pages = raw.prepare(`SELECT pageno FROM dbstat WHERE name = 'journal' AND pagetype = 'leaf' ORDER BY path`).all();
    const pageSize = 4096;
    const target = openSync(file, 'r+');
    writeSync(target, Buffer.alloc(pageSize, 0xff), 0, pageSize, (Number(pages[pages.length >> 1]!.pageno) - 1) * pageSize);
    closeSync(target);
    using journal = openJournal({ file, clock: fakeClock() });
    const verdict = journal.verify();
    expect(verdict).toMatchObject({ ok: false, problem: 'unreadable' });
    expect(verdict).toHaveProperty(
      'seq',
      expect.toSatisfy((seq: number) => seq > 500 && seq < 1500),
    );
  });

  test('the same in the journal in memory', () => {
    using journal = memoryJournal({ clock: fakeClock() });
    for (const event of Object.values(eventOf)) journal.append(event);
    journal.tamper((rows) => rows.splice(3, 1));
    expect(journal.verify()).toMatchObject({ ok: false, seq: 4, problem: 'removed' });
  });
});

describe('reading a journal that was laid hands on', () => {
  test('a query and a follower that meet an unreadable event say which row and what to do', async () => {
    verdictAfter(`UPDATE journal SET event = '{' WHERE seq = 2`);
    using journal = openJournal({ file, clock: fakeClock() });
    const fault = expect.objectContaining({ code: 'journal-damaged', message: expect.stringContaining('Row 2 ') });
    expect(() => journal.query({})).toThrow(fault);
    await expect(Array.fromAsync(journal.tail(1, new AbortController().signal))).rejects.toEqual(fault);
  });

  test('an append to a journal without its head is refused as journal-down, caused by the damage', () => {
    verdictAfter('DELETE FROM head');
    using journal = openJournal({ file, clock: fakeClock() });
    expect(() => journal.append(eventOf['daemon.stopped'])).toThrow(
      expect.objectContaining({ code: 'journal-down', cause: expect.objectContaining({ code: 'journal-damaged' }) }),
    );
  });
});
