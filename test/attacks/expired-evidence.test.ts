/** Somebody who wants the journal to forget: by the clock, by the disk, and by hand. */
import { expect, it } from 'vitest';
import { type KnownTime, surelyAfter } from '../../src/access/clock/surely.ts';

const minute = 60_000;
const day = 24 * 60 * minute;
const start: KnownTime = { surelyMs: 0, wallMs: 0, steadyMs: 0 };

/** Whoever holds the door's time service for so long; `ahead`: by how much the clock is ahead at each look. */
function holds(lastingMs: number, ahead: (passedMs: number) => number): number {
  let known = start;
  for (let passed = 10 * minute; passed <= lastingMs; passed += 10 * minute)
    known = surelyAfter(known, { wallMs: passed + ahead(passed), passedMs: 10 * minute, isFirst: false, synchronised: true });
  return known.surelyMs - lastingMs;
}

it('a time service that lies gains nothing within a day: by one jump, by several, or back and forth', () => {
  const [one, several, changing] = [
    () => 365 * day,
    (passed: number) => Math.floor(passed / (6 * 60 * minute)) * 30 * day,
    (passed: number) => (Math.floor(passed / (60 * minute)) % 2) * 365 * day,
  ];
  for (const ahead of [one, several, changing]) expect(holds(day - 10 * minute, ahead)).toBeLessThan(minute);
});

it('small steps, each as a slewed clock makes them, gain no more than a tenth of the time; larger ones nothing', () => {
  expect(holds(10 * day, (passed) => (passed / (10 * minute)) * 59_000)).toBeLessThan(day);
  expect(holds(10 * day, (passed) => (passed / (10 * minute)) * 10 * minute)).toBeLessThan(minute);
});
