/** Pages of a timeline: together they are what the journal has, in their order, whatever is asked for and however little time there is. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Event } from '../../src/events.ts';
import { type StoredPage, selectPage } from '../../src/journal/page.ts';
import type { Entry, Journal, JournalReader, PageQuery } from '../../src/journal/port.ts';
import { journalReader } from '../../src/journal/reader.ts';
import { openJournal } from '../../src/journal/sqlite.ts';
import { fakeClock } from '../fakes/clock.ts';
import { randomOf } from '../fakes/embeddings.ts';

const folder = mkdtempSync(join(tmpdir(), 'facelatch-page-'));
const file = join(folder, 'journal.sqlite');
let journal: Journal;
let reader: JournalReader;
const startMs = Date.UTC(2026, 0, 5, 12);
const timeOf = (n: number) => new Date(startMs + n * 1000).toISOString();
const threshold = { policy: 'target-fmr', logit: 7, fmr: 1e-5, extrapolated: false };
const likeness = (logit: number) => ({ logit, probability: 0.9, share: 1 });

function eventOf(n: number, random: () => number): Event {
  const person = `p-${n % 3}`;
  const seen = { capturedAtMs: n, ageMs: 100 };
  const events: Event[] = [
    { kind: 'access.granted', personId: person, likeness: likeness(9 + (n % 3)), votes: 3, threshold, ...seen },
    { kind: 'access.denied', reason: 'unknown', detail: 'nobody', bestPersonId: person, likeness: likeness(2), ...seen },
    { kind: 'access.denied', reason: 'out-of-hours', detail: `"bestPersonId":"p-9"`, bestPersonId: person, likeness: likeness(9), ...seen },
    { kind: 'door.opened', expected: true },
    { kind: 'camera.restored', afterMs: n },
    { kind: 'entry.marked', markedSeq: Math.max(1, n - 4), as: 'stranger', by: `olga ${n}` },
  ];
  return events[Math.floor(random() * events.length)] as Event;
}

beforeAll(() => {
  const clock = fakeClock(startMs);
  journal = openJournal({ file, clock });
  const random = randomOf(5);
  for (let n = 1; n <= 600; n++) {
    journal.append(eventOf(n, random));
    clock.jump(n % 100 === 99 ? -5000 : 1000);
  }
  reader = journalReader(file);
});
afterAll(async () => {
  await reader[Symbol.asyncDispose]();
  journal[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

/** As the page's description says, over all entries. */
function expected({ personId, kinds, reasons, since, until, before, after }: Omit<PageQuery, 'limit'>): readonly Entry[] {
  const isOf = ({ event }: Entry) =>
    personId === undefined ||
    ('personId' in event && event.personId === personId) ||
    (event.kind === 'access.denied' && event.bestPersonId === personId);
  return journal
    .query({})
    .filter((entry) => isOf(entry))
    .filter(({ event }) => !kinds || kinds.includes(event.kind))
    .filter(({ event }) => !reasons || event.kind !== 'access.denied' || reasons.includes(event.reason))
    .filter(({ at }) => (since === undefined || at >= since) && (until === undefined || at <= until))
    .filter(({ seq }) => (before === undefined || seq < before) && (after === undefined || seq > after))
    .toReversed();
}

const queries: Omit<PageQuery, 'limit'>[] = [
  {},
  { kinds: ['access.granted', 'access.denied', 'door.opened'] },
  { kinds: ['access.denied'], reasons: ['out-of-hours'] },
  { personId: 'p-1' },
  { personId: 'p-1', kinds: ['access.denied'], reasons: ['unknown'] },
  { personId: 'p-1', kinds: ['access.granted'] },
  { personId: 'p-9' },
  { since: timeOf(100), until: timeOf(300), kinds: ['access.granted', 'camera.restored'] },
  { until: timeOf(50), before: 40, after: 5 },
  { since: timeOf(100_000) },
  { kinds: ['daemon.stopped'] },
];

describe('the pages of a timeline', () => {
  it.each(queries)('together have every entry once, the newest first: %j', async (query) => {
    const found: Entry[] = [];
    for (let before = query.before; ; ) {
      const page = await reader.page({ ...query, ...(before !== undefined && { before }), limit: 7 });
      if (page === 'busy') throw new Error('busy');
      found.push(...page.entries);
      if (page.next === undefined) break;
      before = page.next;
    }
    expect(found.map(({ seq }) => seq)).toEqual(expected(query).map(({ seq }) => seq));
  });

  it('have every entry too where each page has no time at all', () => {
    using db = new DatabaseSync(file, { readOnly: true });
    for (const { personId, ...query } of queries) {
      const stored: Omit<StoredPage, 'limit'> = { ...query, ...(personId !== undefined && { persons: [personId] }) };
      const found: number[] = [];
      let nowMs = 0;
      let before = query.before;
      for (let pages = 0; ; pages++) {
        expect(pages).toBeLessThan(600);
        const page = selectPage(
          db,
          { ...stored, ...(before !== undefined && { before }), limit: 7 },
          { atMostMs: 1, now: () => (nowMs += 1000) },
        );
        found.push(...page.rows.map((row) => (row as Entry).seq));
        if (page.next === undefined) break;
        before = page.next;
      }
      expect(found).toEqual(expected({ ...query, ...(personId !== undefined && { personId }) }).map(({ seq }) => seq));
    }
  });

  it('tell the last mark of each entry on it', async () => {
    const page = await reader.page({ kinds: ['access.granted', 'access.denied'], limit: 50 });
    if (page === 'busy') throw new Error('busy');
    const on = new Set(page.entries.map(({ seq }) => seq));
    const last = new Map<number, number>();
    for (const { seq, event } of journal.query({ kinds: ['entry.marked'] }))
      if (event.kind === 'entry.marked' && on.has(event.markedSeq)) last.set(event.markedSeq, seq);
    expect(last.size).toBeGreaterThan(3);
    expect(page.marks.map(({ seq }) => seq).toSorted()).toEqual([...last.values()].toSorted());
  });

  it('stop at a span of time that cannot be read', async () => {
    await expect(reader.page({ since: 'yesterday', limit: 5 })).rejects.toMatchObject({ code: 'bad-argument' });
  });
});

it('the attempts since a time are told by their likeness, strangers apart from those who were let in', async () => {
  const scores = await reader.attempts(timeOf(200));
  const since = journal.query({ since: timeOf(200) }).toReversed();
  const logits = (fits: (event: Event) => boolean) =>
    since.flatMap(({ event }) => (fits(event) && 'likeness' in event && event.likeness ? [event.likeness.logit] : []));
  expect(scores).toEqual({
    granted: logits(({ kind }) => kind === 'access.granted'),
    strangers: logits((event) => event.kind === 'access.denied' && event.reason === 'unknown'),
  });
});
