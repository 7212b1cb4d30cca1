/** When entries were written at a door whose clock starts behind after a power cut: none counts as older than it is. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { notedStamps, queriesBefore, type Stamps, stampsAfter, stampsFrom, writtenMs } from '../../../src/house/retention/stamps.ts';

const hour = 3_600_000;
const day = 24 * hour;
const start = Date.UTC(2026, 5, 1);
const iso = (ms: number) => new Date(ms).toISOString();

interface Written {
  readonly seq: number;
  readonly at: string;
  readonly trulyMs: number;
}
interface Span {
  readonly hours: number;
  /** What the clock shows less than the truth. */
  readonly behindMs: number;
}

/** An entry an hour. */
function door(spans: readonly Span[]): { readonly stamps: Stamps; readonly entries: readonly Written[]; readonly nowMs: number } {
  const entries: Written[] = [];
  let [stamps, nowMs] = [stampsFrom(0), start];
  for (const { hours, behindMs } of spans)
    for (let n = 0; n < hours; n++) {
      nowMs += hour;
      const seq = entries.push({ seq: entries.length + 1, at: iso(nowMs - behindMs), trulyMs: nowMs });
      const next = stampsAfter(stamps, { head: seq, begins: 0, wallMs: nowMs - behindMs, surelyMs: nowMs });
      // As the next process finds it.
      stamps = notedStamps(JSON.stringify(next)) ?? stamps;
    }
  return { stamps, entries, nowMs };
}

test('at a door whose clock goes right nothing is noted, and an entry is as old as it says', () => {
  const { stamps, entries } = door([{ hours: 100, behindMs: 0 }]);
  expect(stamps).toEqual({ head: 100, byMs: 0, behind: [] });
  expect(entries.map((entry) => writtenMs(stamps, entry))).toEqual(entries.map(({ trulyMs }) => trulyMs));
});

test('what was stamped 300 days behind is as old as it is, also once the clock is right again', () => {
  const { stamps, entries } = door([
    { hours: 48, behindMs: 0 },
    { hours: 48, behindMs: 300 * day },
    { hours: 48, behindMs: 0 },
  ]);
  for (const entry of entries) expect(Math.abs(writtenMs(stamps, entry) - entry.trulyMs)).toBeLessThanOrEqual(hour);
  expect(stamps.behind).toHaveLength(1);
});

test('whatever the clock does, no entry counts as older than it is, and the newest before a time is found', () => {
  const span = fc.record({ hours: fc.integer({ min: 1, max: 30 }), behindMs: fc.constantFrom(0, 2 * hour, 5 * day, 300 * day, 301 * day) });
  fc.assert(
    fc.property(fc.array(span, { minLength: 1, maxLength: 8 }), fc.integer({ min: 0, max: 200 }), (spans, ago) => {
      const { stamps, entries, nowMs } = door(spans);
      const wrong = entries.filter((entry) => writtenMs(stamps, entry) < entry.trulyMs || writtenMs(stamps, entry) > nowMs);
      expect(wrong).toEqual([]);
      const beforeMs = nowMs - ago * hour;
      const newest = entries.findLast((entry) => writtenMs(stamps, entry) <= beforeMs);
      let found: Written | undefined;
      for (const { after, upTo = Number.POSITIVE_INFINITY, untilMs } of queriesBefore(stamps, beforeMs))
        found ??= entries.findLast(({ seq, at }) => seq > after && seq <= upTo && at <= iso(untilMs));
      expect(found?.seq).toBe(newest?.seq);
    }),
  );
});

test('a door whose power fails every day notes no more than some of it, and what was removed is noted no longer', () => {
  const { stamps, entries } = door(Array.from({ length: 200 }, (_, n) => ({ hours: 3, behindMs: (300 + n) * day })));
  expect(stamps.behind.length).toBeLessThanOrEqual(64);
  expect(entries.filter((entry) => writtenMs(stamps, entry) < entry.trulyMs)).toEqual([]);
  const later = stampsAfter(stamps, { head: 601, begins: 590, wallMs: 0, surelyMs: 0 });
  expect(later.behind.every(({ upTo }) => upTo > 590)).toBe(true);
});

test('a note that cannot be read is none', () => {
  expect([notedStamps(undefined), notedStamps('{"head":"x"}'), notedStamps('no JSON')]).toEqual([undefined, undefined, undefined]);
});
