/** The file of live visits: what counts, what is forgotten, and a file that is damaged. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type KeptVisit, type LiveVisits, openLiveVisits } from '../../src/liveness/visits.ts';

let place: string;
let file: string;
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
    using visits = openLiveVisits(file);
    visits.keep(visit(7), 'net');
    visits.keep(visit(8, { confirmedBy: 'challenge' }), 'other networks');
  }
  using visits = openLiveVisits(file);
  expect(visits.confirmed('net')).toEqual([{ personId: 'ann', views: visit(7).views }]);
  expect(statSync(file).mode & 0o077).toBe(0);
});

it('a visit that nobody confirmed counts once somebody says that it was that person, and is gone if it was not', () => {
  using visits = openLiveVisits(file);
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
  using visits = openLiveVisits(file);
  visits.keep(visit(1), 'net');
  expect(visits.mark(1, 'bob')).toBe(true);
  expect(logitsIn(visits)).toEqual([]);
});

it('the newest twenty of a person are kept, and nobody who is not enrolled', () => {
  using visits = openLiveVisits(file);
  for (let seq = 1; seq <= 25; seq++) visits.keep(visit(seq), 'net');
  visits.keep(visit(30, { personId: 'bob' }), 'net');
  expect(logitsIn(visits)).toEqual([...Array.from({ length: 20 }, (_, i) => i + 6), 30]);
  visits.forgetOthers(new Set(['bob']));
  expect(logitsIn(visits)).toEqual([30]);
});

it('a row that does not fit, and a file that is none, are named', () => {
  {
    using visits = openLiveVisits(file);
    visits.keep(visit(1), 'net');
  }
  const db = new DatabaseSync(file);
  db.exec("UPDATE visit SET person = ''");
  db.close();
  using visits = openLiveVisits(file);
  expect(() => visits.confirmed('net')).toThrow(/The live visits in .*a row does not fit/);
  const other = join(place, 'other.sqlite');
  writeFileSync(other, 'no database '.repeat(200));
  expect(() => openLiveVisits(other)).toThrow(expect.objectContaining({ code: 'liveness-damaged' }));
});
