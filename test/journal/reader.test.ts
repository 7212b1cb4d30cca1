/** The journal for those who ask from afar: the same entries as at the door, and no query takes longer than it may. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/time.ts';
import type { Event } from '../../src/events.ts';
import type { Journal, Query } from '../../src/journal/port.ts';
import { journalReader } from '../../src/journal/reader.ts';
import { type StoredQuery, selectNewest } from '../../src/journal/select.ts';
import { openJournal } from '../../src/journal/sqlite.ts';
import { fakeClock } from '../fakes/clock.ts';
import { randomOf } from '../fakes/embeddings.ts';

const folder = mkdtempSync(join(tmpdir(), 'facelatch-reader-'));
const file = join(folder, 'journal.sqlite');
let journal: Journal;
const timeOf = (n: number) => new Date(Date.UTC(2026, 0, 5, 12) + n * 1000).toISOString();

beforeAll(() => {
  const clock = fakeClock();
  journal = openJournal({ file, clock });
  const random = randomOf(3);
  for (let n = 0; n < 300; n++) {
    const events: Event[] = [
      { kind: 'camera.restored', afterMs: n },
      { kind: 'person.renamed', personId: `p-${n % 3}` },
      { kind: 'person.removed', personId: `p-${n % 5}` },
    ];
    journal.append(events[Math.floor(random() * 3)] as Event);
    clock.jump(n % 50 === 49 ? -5000 : 1000);
  }
});
afterAll(() => {
  journal[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

const queries: (Query & { limit: number })[] = [
  { limit: 10 },
  { limit: 1000 },
  { limit: 7, personId: 'p-1' },
  { limit: 7, personId: 'p-1', kinds: ['person.removed'] },
  { limit: 5, kinds: ['camera.restored', 'person.removed', 'camera.restored'] },
  { limit: 5, kinds: ['daemon.stopped'] },
  { limit: 20, since: timeOf(30), until: timeOf(60) },
  { limit: 20, since: timeOf(30), kinds: ['person.renamed'], personId: 'p-2' },
  { limit: 20, until: timeOf(90), after: 20, upTo: 60 },
];

describe('the reader', () => {
  it('finds what the journal finds', async () => {
    await using reader = journalReader(file);
    for (const query of queries) expect(await reader.query(query), JSON.stringify(query)).toEqual(journal.query(query));
  });

  it('reads the file that is there now, and says what is wrong with it', async () => {
    const moved = join(folder, 'moved.sqlite');
    await using reader = journalReader(moved);
    await expect(reader.query({ limit: 1 })).rejects.toMatchObject({ code: 'journal-down' });
    writeFileSync(moved, 'this is no database, whatever its name says. '.repeat(30));
    await expect(reader.query({ limit: 1 })).rejects.toMatchObject({ code: 'journal-damaged' });
    const other = join(folder, 'other.sqlite');
    const written = openJournal({ file: other, clock: systemClock });
    written.append({ kind: 'daemon.stopped', reason: 'test' });
    written[Symbol.dispose]();
    renameSync(other, moved);
    expect(await reader.query({ limit: 5 })).toMatchObject([{ seq: 1, event: { reason: 'test' } }]);
    await expect(reader.query({ limit: 5, since: 'yesterday' })).rejects.toMatchObject({ code: 'bad-argument' });
  });
});

it('a query stops when its time is over, whichever way it looks', () => {
  // Each look at the clock takes a whole second.
  let nowMs = 0;
  const now = () => (nowMs += 1000);
  const slow: Omit<StoredQuery, 'limit'>[] = [
    { since: timeOf(1000) },
    { persons: ['p-1'], kinds: ['daemon.stopped'] },
    { kinds: ['camera.restored'], after: 299 },
    { upTo: 0 },
  ];
  using db = new DatabaseSync(file, { readOnly: true });
  for (const query of [{ persons: ['p-1'], kinds: ['daemon.stopped' as const] }, { kinds: ['camera.restored' as const] }, {}])
    expect(selectNewest(db, { ...query, limit: 1000 }, { atMostMs: 1, now }), JSON.stringify(query)).toBe('too-long');
  // A walk that ends before the first look at the clock is never cut short.
  for (const query of slow.slice(0, 1)) expect(selectNewest(db, { ...query, limit: 1000 }, { atMostMs: 1, now })).toEqual([]);
});
