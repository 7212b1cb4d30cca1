/** The file of live visits: what counts, what is forgotten, and a file that is damaged. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type KeptVisit, type LiveVisits, openLiveVisits } from '../../src/liveness/visits.ts';
import { memoryVault } from '../fakes/vault.ts';

let place: string;
let file: string;
const vault = memoryVault();
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'facelatch-visits-'));
  file = join(place, 'liveness.sqlite');
});
afterEach(() => rmSync(place, { recursive: true }));

const visit = (seq: number, more: Partial<KeptVisit> = {}): KeptVisit => ({
  ...{ seq, personId: 'ann', confirmedBy: 'pin' },
  views: [
    { network: 'context', logit: seq },
    { network: 'skin', logit: 1.5, features: Float32Array.of(1, -2, seq) },
  ],
  ...more,
});
const unconfirmed = (seq: number): KeptVisit => {
  const { confirmedBy: _, ...rest } = visit(seq);
  return rest;
};
const logitsIn = (visits: LiveVisits) =>
  visits.confirmed('net').map(({ views }) => views.find(({ network }) => network === 'context')?.logit);

it('what was confirmed comes back as it was, after a restart too, and for its owner alone', () => {
  {
    using visits = openLiveVisits(file, vault);
    visits.keep(visit(7), 'net');
    visits.keep(visit(8, { confirmedBy: 'challenge' }), 'other networks');
  }
  using visits = openLiveVisits(file, vault);
  expect(visits.confirmed('net')).toEqual([{ personId: 'ann', views: visit(7).views }]);
  expect(statSync(file).mode & 0o077).toBe(0);
});

it('a visit that nobody confirmed counts once somebody says that it was that person, and is gone if it was not', () => {
  using visits = openLiveVisits(file, vault);
  for (const seq of [1, 2, 3]) visits.keep(unconfirmed(seq), 'net');
  expect(logitsIn(visits)).toEqual([]);
  expect([visits.mark(1, 'ann'), visits.mark(2, 'bob'), visits.mark(3, undefined), visits.mark(9, 'ann')]).toEqual([
    true,
    true,
    true,
    false,
  ]);
  expect([visits.mark(2, 'ann'), visits.mark(3, 'ann')]).toEqual([false, false]);
  expect(logitsIn(visits)).toEqual([1]);
});

it('a confirmed visit that was somebody else is forgotten', () => {
  using visits = openLiveVisits(file, vault);
  visits.keep(visit(1), 'net');
  expect(visits.mark(1, 'bob')).toBe(true);
  expect(logitsIn(visits)).toEqual([]);
});

it('the newest twenty of a person are kept, and nobody who is not enrolled', () => {
  using visits = openLiveVisits(file, vault);
  for (let seq = 1; seq <= 25; seq++) visits.keep(visit(seq), 'net');
  visits.keep(visit(30, { personId: 'bob' }), 'net');
  expect(logitsIn(visits)).toEqual([...Array.from({ length: 20 }, (_, i) => i + 6), 30]);
  visits.forgetOthers(new Set(['bob']));
  expect(logitsIn(visits)).toEqual([30]);
});

it('a row that does not fit, and a file that is none, are named', () => {
  {
    using visits = openLiveVisits(file, vault);
    visits.keep(visit(1), 'net');
  }
  const db = new DatabaseSync(file);
  db.exec("UPDATE visit SET person = ''");
  db.close();
  using visits = openLiveVisits(file, vault);
  expect(() => visits.confirmed('net')).toThrow(/The live visits in .*a row does not fit/);
  const other = join(place, 'other.sqlite');
  writeFileSync(other, 'no database '.repeat(200));
  expect(() => openLiveVisits(other, vault)).toThrow(expect.objectContaining({ code: 'liveness-damaged' }));
});

it('what the networks said is gone with the key of the person, and nothing more is kept of them', () => {
  const own = memoryVault();
  using visits = openLiveVisits(file, own);
  visits.keep(visit(1), 'net');
  visits.keep(unconfirmed(2), 'net');
  visits.keep(visit(3, { personId: 'bob' }), 'net');
  own.destroy([{ person: 'ann' }]);
  expect(visits.mark(2, 'ann')).toBe(true);
  visits.keep(visit(4), 'net');
  expect([logitsIn(visits), visits.of('ann').length, visits.of('bob').length]).toEqual([[3], 0, 1]);
  expect([visits.forget('bob'), logitsIn(visits)]).toEqual([1, []]);
});

it.each([
  "UPDATE visit SET confirmed = 'pin' WHERE seq = 2",
  'UPDATE visit SET views = (SELECT views FROM visit WHERE seq = 3) WHERE seq = 1',
  "UPDATE visit SET person = 'bob' WHERE seq = 1",
  "UPDATE visit SET networks = 'net', confirmed = 'pin' WHERE seq = 4",
  'INSERT INTO visit SELECT 9, person, networks, confirmed, views FROM visit WHERE seq = 1',
])('whoever can write the file and has no key can neither make, move nor confirm a visit: %s', (sql) => {
  {
    using visits = openLiveVisits(file, vault);
    for (const each of [visit(1), unconfirmed(2), visit(3), visit(5, { personId: 'bob' })]) visits.keep(each, 'net');
    visits.keep(visit(4), 'other networks');
  }
  const db = new DatabaseSync(file);
  db.exec(sql);
  db.close();
  using visits = openLiveVisits(file, vault);
  expect(() => visits.confirmed('net')).toThrow(expect.objectContaining({ code: 'seal-broken' }));
});

it('visits of format 1 are sealed when the file is opened, and nothing readable stays', () => {
  const features = new Float32Array(600).fill(0.12345);
  const bytes = new Uint8Array(features.buffer);
  const old = new DatabaseSync(file);
  old.exec(`PRAGMA journal_mode = WAL; PRAGMA application_id = ${0x464c4c56}; PRAGMA user_version = 1;
    CREATE TABLE visit (seq INTEGER PRIMARY KEY, person TEXT NOT NULL, networks TEXT NOT NULL,
      confirmed TEXT CHECK (confirmed IN ('pin', 'challenge', 'operator'))) STRICT;
    CREATE TABLE seen (seq INTEGER NOT NULL REFERENCES visit ON DELETE CASCADE, network TEXT NOT NULL, logit REAL NOT NULL, features BLOB,
      PRIMARY KEY (seq, network)) STRICT, WITHOUT ROWID;
    INSERT INTO visit VALUES (1, 'ann', 'net', 'pin'), (2, 'ann', 'net', NULL), (3, 'gone', 'net', 'pin');`);
  for (const seq of [1, 2, 3]) {
    old.prepare("INSERT INTO seen VALUES (?, 'skin', 1.5, ?)").run(seq, bytes);
    old.prepare("INSERT INTO seen VALUES (?, 'context', ?, NULL)").run(seq, seq);
  }
  old.close();
  const readable = () =>
    ['', '-wal', '-shm'].some(
      (end) => existsSync(`${file}${end}`) && readFileSync(`${file}${end}`).includes(Buffer.from(bytes.subarray(0, 32))),
    );
  expect(readable()).toBe(true);
  const own = memoryVault();
  own.destroy([{ person: 'gone' }]);
  using visits = openLiveVisits(file, own);
  expect(readable()).toBe(false);
  const views = [
    { network: 'context', logit: 1 },
    { network: 'skin', logit: 1.5, features },
  ];
  expect(visits.confirmed('net')).toEqual([{ personId: 'ann', views }]);
  expect([visits.mark(2, 'ann'), logitsIn(visits)]).toEqual([true, [1, 2]]);
});
