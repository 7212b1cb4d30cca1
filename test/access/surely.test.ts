/** The time by which data is deleted: a clock that jumps erases nothing, and one that is right is believed in the end. */
import { expect, test } from 'vitest';
import { type KnownTime, knownTime, surelyAfter } from '../../src/access/clock/surely.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const start = Date.UTC(2026, 5, 1);
const at = (ms: number): KnownTime => ({ surelyMs: ms, wallMs: ms, steadyMs: 0 });

/** Looks every ten minutes for so long; `wall`: what the clock shows then. */
function after(known: KnownTime, lastingMs: number, wall: (passedMs: number) => number, synchronised = true): KnownTime {
  let now = known;
  for (let passed = 10 * minute; passed <= lastingMs; passed += 10 * minute)
    now = surelyAfter(now, { wallMs: wall(passed), passedMs: 10 * minute, isFirst: passed === 10 * minute, synchronised });
  return now;
}

test('follows a clock that goes right', () => {
  expect(after(at(start), day, (passed) => start + passed + 5000).surelyMs).toBe(start + day + 5000);
});

test('does not follow a jump of ten years for a day, however often it is looked at, nor when it comes back', () => {
  const jumped = after(at(start), day - hour, (passed) => start + 3650 * day + passed);
  expect(jumped.surelyMs).toBe(start + day - hour);
  expect(after(jumped, hour, (passed) => start + day - hour + passed)).toEqual(at(start + day));
  expect(after(at(start), 7 * day, (passed) => start + passed + (passed % day < 12 * hour ? 0 : 3650 * day)).surelyMs).toBeLessThan(
    start + 8 * day,
  );
});

test('believes a clock that is ahead once it was steady for a day: after a week without power', () => {
  const right = (passed: number) => start + 7 * day + passed;
  expect(after(at(start), day, right).surelyMs).toBe(start + day);
  expect(after(at(start), day + 10 * minute, right).surelyMs).toBe(right(day + 10 * minute));
});

test('believes it although power fails every night', () => {
  const restarted = (known: KnownTime) => knownTime(JSON.stringify(known))!;
  let known = at(start);
  for (let n = 0; n < 3; n++) known = restarted(after(known, 12 * hour, (passed) => start + 7 * day + n * day + passed));
  expect(known.surelyMs).toBe(start + 7 * day + 2 * day + 12 * hour);
});

test('without a time service it goes on as time passes, whatever the clock shows', () => {
  for (const off of [-56 * 365 * day, 0, 365 * day])
    expect(after(at(start), 2 * day, (passed) => start + off + passed, false).surelyMs).toBe(start + 2 * day);
});

test('goes back with a clock that is right again: what was not deleted stays', () => {
  expect(after(at(start + 30 * day), hour, (passed) => start + passed).surelyMs).toBe(start + hour);
});

test('a note that cannot be read is none', () => {
  expect([knownTime(undefined), knownTime('{"surelyMs":"x"}'), knownTime('no JSON')]).toEqual([undefined, undefined, undefined]);
});
