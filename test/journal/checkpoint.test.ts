/** A journal that is taken away, swapped or written again, and what its signed checkpoints tell of it. */
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { heldKeys, textSigner } from '../../src/command/keys.ts';
import { type ChainHead, genesis, nextRow } from '../../src/journal/chain.ts';
import { checkpointEvery } from '../../src/journal/checkpoint.ts';
import type { Journal } from '../../src/journal/port.ts';
import { openJournal } from '../../src/journal/sqlite.ts';
import { fakeClock } from '../fakes/clock.ts';
import { numbered } from '../fakes/events.ts';

let folder: string;
let file: string;
const opened: Journal[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-checkpoint-'));
  file = join(folder, 'journal.sqlite');
});
afterEach(() => {
  closeAll();
  rmSync(folder, { recursive: true });
});
function closeAll(): void {
  for (const journal of opened.splice(0)) journal[Symbol.dispose]();
}
function open(keys = 'keys.json'): Journal {
  const journal = openJournal({ file, clock: fakeClock(), signer: textSigner(heldKeys(join(folder, keys))) });
  opened.push(journal);
  return journal;
}
const filled = (entries: number): Journal => {
  const journal = open();
  for (let n = 1; n <= entries; n++) journal.append(numbered(n));
  return journal;
};
/** What somebody does who can write the file: without the triggers, the rest is easy. */
function rewrite(work: (db: DatabaseSync) => void): void {
  using db = new DatabaseSync(file);
  const triggers = db.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").all();
  for (const { name } of triggers) db.exec(`DROP TRIGGER ${name}`);
  work(db);
  for (const { sql } of triggers) db.exec(String(sql));
}
/** Every row again, as a whole chain with other events. */
function forge(db: DatabaseSync, entries: number): void {
  db.exec('DELETE FROM journal');
  let head: ChainHead = genesis;
  const insert = db.prepare('INSERT INTO journal (seq, id, at, kind, person, event, prev, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
  for (let n = 1; n <= entries; n++) {
    const row = nextRow(head, numbered(1000 + n), `id-${n}`, '2026-01-01T00:00:00.000Z');
    insert.run(row.seq, row.id, row.at, row.kind, row.person, row.event, row.prev, row.hash);
    head = row;
  }
  db.prepare('UPDATE head SET seq = ?, hash = ?').run(head.seq, head.hash);
}
const many = 2 * checkpointEvery + 3;

describe('a journal whose file is gone or another', () => {
  test('takes no entry until it is back', () => {
    const journal = filled(2);
    renameSync(file, join(folder, 'away'));
    expect(() => journal.append(numbered(3))).toThrow(
      expect.objectContaining({ code: 'journal-down', message: expect.stringMatching(/is gone or was replaced/) }),
    );
    expect(() => journal.keep({ door: 'x' })).toThrow(expect.objectContaining({ code: 'journal-down' }));
    copyFileSync(join(folder, 'away'), file);
    expect(() => journal.append(numbered(3))).toThrow(expect.objectContaining({ code: 'journal-down' }));
    renameSync(join(folder, 'away'), file);
    expect(journal.append(numbered(3)).seq).toBe(3);
  });

  test('takes no entry while its log is gone: what is written then would be lost', () => {
    const journal = filled(2);
    renameSync(`${file}-wal`, join(folder, 'away'));
    expect(() => journal.append(numbered(3))).toThrow(expect.objectContaining({ code: 'journal-down' }));
    renameSync(join(folder, 'away'), `${file}-wal`);
    expect(journal.append(numbered(3)).seq).toBe(3);
  });

  test('takes no entry once its rows were written again behind its back', () => {
    const journal = filled(3);
    rewrite((db) => forge(db, 3));
    expect(() => journal.append(numbered(4))).toThrow(expect.objectContaining({ code: 'journal-down' }));
  });

  test('is not whole for the door that had a longer one, which says so once with the next entry', () => {
    filled(5);
    closeAll();
    for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true });
    const journal = open();
    expect(journal.verify()).toMatchObject({
      ok: false,
      problem: 'removed',
      detail: expect.stringMatching(/ended with row 1: now it ends with row 0/),
    });
    journal.append(numbered(1));
    closeAll();
    const next = open();
    next.append(numbered(2));
    expect(next.query({}).map(({ event }) => event)).toEqual([{ kind: 'journal.replaced', had: 1, has: 0 }, numbered(1), numbered(2)]);
    expect(next.verify()).toMatchObject({ ok: true, entries: 3 });
  });
});

describe('checkpoints', () => {
  test('are made at the first row and at every multiple of a number, and the newest stands with each entry', () => {
    const journal = filled(many);
    expect(journal.verify()).toEqual({ ok: true, entries: many, checkpoints: { signed: 3, others: 0, last: 2 * checkpointEvery } });
    const { checkpoint } = journal.append(numbered(0));
    expect(checkpoint).toMatchObject({
      seq: 2 * checkpointEvery,
      hash: journal.query({ after: 2 * checkpointEvery - 1, limit: many })[0]?.hash,
    });
    const signer = textSigner(heldKeys(join(folder, 'keys.json')));
    const { seq, hash, signature, kid } = checkpoint!;
    expect(kid).toBe(signer.kid);
    expect(signer.verify(`facelatch journal checkpoint\n${seq}\n${hash}`, signature)).toBe(true);
  });

  test('are read by a follower, as of each entry', async () => {
    const journal = filled(checkpointEvery + 1);
    const seen: (number | undefined)[] = [];
    for await (const entry of journal.tail(checkpointEvery - 2, new AbortController().signal)) {
      seen.push(entry.checkpoint?.seq);
      if (seen.length === 3) break;
    }
    expect(seen).toEqual([1, checkpointEvery, checkpointEvery]);
  });

  const attacks: [string, (db: DatabaseSync) => void][] = [
    ['every row was written again', (db) => forge(db, many)],
    [
      'every row was written again and the checkpoints with it, by another key',
      (db) => {
        forge(db, many);
        db.exec('UPDATE checkpoint SET hash = (SELECT hash FROM journal WHERE journal.seq = checkpoint.seq)');
      },
    ],
    ['one checkpoint is gone', (db) => void db.exec(`DELETE FROM checkpoint WHERE seq = ${checkpointEvery}`)],
    ['the last checkpoint is gone', (db) => void db.exec(`DELETE FROM checkpoint WHERE seq > ${checkpointEvery}`)],
    [
      'all checkpoints are gone, and the rows were written again',
      (db) => {
        forge(db, many);
        db.exec('DELETE FROM checkpoint');
      },
    ],
  ];
  test.each(attacks)('show that %s', (_, attack) => {
    filled(many);
    closeAll();
    rewrite(attack);
    expect(open().verify()).toMatchObject({ ok: false, problem: 'rewritten' });
  });

  test('show that an older copy was put back', () => {
    const journal = filled(checkpointEvery - 1);
    closeAll();
    copyFileSync(file, join(folder, 'older'));
    const going = open();
    going.append(numbered(1));
    closeAll();
    renameSync(join(folder, 'older'), file);
    expect(journal).toBeDefined();
    expect(open().verify()).toMatchObject({ ok: false, problem: 'removed', seq: checkpointEvery });
  });

  test('of a door that has other keys since then are told apart, and the chain is whole', () => {
    filled(3);
    closeAll();
    const journal = open('new-keys.json');
    for (let n = 4; n <= checkpointEvery; n++) journal.append(numbered(n));
    expect(journal.verify()).toEqual({ ok: true, entries: checkpointEvery, checkpoints: { signed: 1, others: 1, last: checkpointEvery } });
  });

  test('of a journal from before there were any begin with the next entry', () => {
    const unsigned = openJournal({ file, clock: fakeClock() });
    unsigned.append(numbered(1));
    unsigned[Symbol.dispose]();
    const journal = open();
    expect(journal.verify()).toEqual({ ok: true, entries: 1, checkpoints: { signed: 0, others: 0 } });
    expect(journal.append(numbered(2)).checkpoint?.seq).toBe(2);
    expect(JSON.parse(readFileSync(`${file}.checkpoint`, 'utf8'))).toMatchObject({ seq: 2 });
  });
});
