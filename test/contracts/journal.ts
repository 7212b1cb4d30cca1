/** What every journal must do: run on the fake and on SQLite alike. */
import { describe, expect, test } from 'vitest';
import type { Entry, Journal } from '../../src/journal/port.ts';
import { type FakeClock, fakeClock } from '../fakes/clock.ts';
import { eventOf, numbered } from '../fakes/events.ts';

/** `open` gives a new, empty journal on the given clock; the contract disposes it. */
export function testJournal(name: string, open: (clock: FakeClock) => Journal): void {
  describe(`${name} keeps the journal's contract`, () => {
    test('an empty journal has head 0, no entries, cursors at 0 and a good chain', () => {
      using journal = open(fakeClock());
      expect(journal.head).toBe(0);
      expect(journal.query({})).toEqual([]);
      expect(journal.cursor('mqtt').get()).toBe(0);
      expect(journal.verify()).toEqual({ ok: true, entries: 0 });
    });

    test('every kind of event comes back as it was appended, numbered from 1 without gaps', () => {
      const clock = fakeClock();
      using journal = open(clock);
      const appended = Object.values(eventOf).map((event) => journal.append(event));
      expect(appended.map((entry) => entry.seq)).toEqual(appended.map((_, index) => index + 1));
      expect(appended.map((entry) => entry.event)).toEqual(Object.values(eventOf));
      expect(appended[0]).toMatchObject({ at: '2026-01-05T12:00:00.000Z', hash: expect.stringMatching(/^[0-9a-f]{64}$/) });
      expect(new Set(appended.flatMap((entry) => [entry.id, entry.hash])).size).toBe(2 * appended.length);
      expect(journal.query({})).toEqual(appended);
      expect(journal.head).toBe(appended.length);
      expect(journal.verify()).toEqual({ ok: true, entries: appended.length });
    });

    test('notes are written with an event or alone, and are what was written last', () => {
      using journal = open(fakeClock());
      expect(journal.note('access')).toBeUndefined();
      journal.append(numbered(1), { access: 'one', clock: 'early' });
      journal.append(numbered(2));
      expect([journal.note('access'), journal.note('clock')]).toEqual(['one', 'early']);
      journal.keep({ access: 'two' });
      expect([journal.note('access'), journal.note('clock'), journal.head]).toEqual(['two', 'early', 2]);
      expect(journal.verify()).toEqual({ ok: true, entries: 2 });
    });

    test('a query picks by person, kind, time and place, and gives the newest in rising order', async () => {
      const clock = fakeClock();
      using journal = open(clock);
      journal.append(eventOf['person.enrolled']); // 1, 12:00:00, p-0001
      await clock.advance(1000);
      journal.append(eventOf['access.denied']); // 2, 12:00:01: p-0002 is the best candidate only
      await clock.advance(1000);
      journal.append(eventOf['access.granted']); // 3, 12:00:02, p-0001
      await clock.advance(1000);
      journal.append({ ...eventOf['access.granted'], personId: 'p-0002' }); // 4, 12:00:03
      const seqs = (query: Parameters<Journal['query']>[0]) => journal.query(query).map((entry) => entry.seq);
      expect(seqs({ personId: 'p-0001' })).toEqual([1, 3]);
      expect(seqs({ personId: 'p-0002' })).toEqual([4]);
      expect(seqs({ personId: 'nobody' })).toEqual([]);
      expect(seqs({ kinds: ['access.granted', 'access.denied'] })).toEqual([2, 3, 4]);
      expect(seqs({ kinds: [] })).toEqual([]);
      expect(seqs({ since: '2026-01-05T12:00:01Z', until: '2026-01-05T13:00:02+01:00' })).toEqual([2, 3]);
      expect(seqs({ after: 2 })).toEqual([3, 4]);
      expect([seqs({ upTo: 2 }), seqs({ after: 1, upTo: 2, limit: 1 })]).toEqual([[1, 2], [2]]);
      expect(seqs({ limit: 2 })).toEqual([3, 4]);
      expect(seqs({ limit: 0 })).toEqual([]);
      expect(seqs({ personId: 'p-0001', kinds: ['access.granted'], after: 1, limit: 5 })).toEqual([3]);
      expect(() => seqs({ since: 'yesterday' })).toThrow(expect.objectContaining({ code: 'bad-argument' }));
    });

    test('a follower gets what is there after its place, then what is appended, and ends when it is told to', async () => {
      const clock = fakeClock();
      using journal = open(clock);
      for (let n = 1; n <= 3; n++) journal.append(numbered(n));
      const stop = new AbortController();
      const seen: Entry[] = [];
      const following = (async () => {
        for await (const entry of journal.tail(1, stop.signal)) seen.push(entry);
      })();
      await clock.advance(0);
      expect(seen.map((entry) => entry.seq)).toEqual([2, 3]);
      journal.append(numbered(4));
      await clock.advance(0); // no time passes: rows of this process come at once
      expect(seen.map((entry) => entry.seq)).toEqual([2, 3, 4]);
      expect(seen).toEqual(journal.query({ after: 1 }));
      stop.abort();
      await following;
      journal.append(numbered(5));
      await clock.advance(1000);
      expect(seen).toHaveLength(3);
    });

    test('an entry appended while a follower works on another is not missed', async () => {
      const clock = fakeClock();
      using journal = open(clock);
      journal.append(numbered(1));
      const stop = new AbortController();
      const seen: number[] = [];
      for await (const { seq } of journal.tail(0, stop.signal)) {
        seen.push(seq);
        if (seq < 600) journal.append(numbered(seq + 1));
        else stop.abort();
      }
      expect(seen).toEqual(Array.from({ length: 600 }, (_, index) => index + 1));
    });

    test('a follower that is told to stop beforehand gets nothing', async () => {
      using journal = open(fakeClock());
      journal.append(numbered(1));
      const seen: Entry[] = [];
      for await (const entry of journal.tail(0, AbortSignal.abort())) seen.push(entry);
      expect(seen).toEqual([]);
    });

    test('a waiting follower ends when the journal is closed', async () => {
      const clock = fakeClock();
      const journal = open(clock);
      const following = journal.tail(0, new AbortController().signal)[Symbol.asyncIterator]().next();
      await clock.advance(0);
      journal[Symbol.dispose]();
      await clock.advance(0);
      expect(await following).toEqual({ done: true, value: undefined });
      journal[Symbol.dispose](); // a second time does no harm
    });

    test('cursors keep their places apart', () => {
      using journal = open(fakeClock());
      journal.cursor('mqtt').set(3);
      journal.cursor('other').set(1);
      journal.cursor('mqtt').set(4);
      expect(journal.cursor('mqtt').get()).toBe(4);
      expect(journal.cursor('other').get()).toBe(1);
    });

    test('a wall clock that is set back does not disturb the order', () => {
      const clock = fakeClock();
      using journal = open(clock);
      journal.append(numbered(1));
      clock.jump(-3_600_000);
      journal.append(numbered(2));
      expect(journal.query({}).map((entry) => [entry.seq, entry.at])).toEqual([
        [1, '2026-01-05T12:00:00.000Z'],
        [2, '2026-01-05T11:00:00.000Z'],
      ]);
      expect(journal.verify()).toEqual({ ok: true, entries: 2 });
    });
  });
}
