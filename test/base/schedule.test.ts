/** Weekly schedules against known days, clock changes included. 2026-03-29 and 2026-10-25 are when Berlin changes its clocks; 2026-11-23 is a Monday. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isWithin, parseSchedule, type Schedule } from '../../src/base/schedule.ts';

const berlin = { timeZone: 'Europe/Berlin', holidays: ['2026-12-25'] };
const of = (...rows: string[]): Schedule => {
  const parsed = parseSchedule(rows);
  if (typeof parsed === 'string') throw new Error(parsed);
  return parsed;
};
const at = (iso: string, schedule: Schedule, calendar = berlin) => isWithin(schedule, Date.parse(iso), calendar);

describe('a schedule', () => {
  const office = of('Mon-Fri 08:00-18:00', 'Sat 09:00-13:00');

  it.each([
    ['2026-11-23T07:59:59+01:00', false],
    ['2026-11-23T08:00:00+01:00', true],
    ['2026-11-23T17:59:59+01:00', true],
    ['2026-11-23T18:00:00+01:00', false],
    ['2026-11-28T10:00:00+01:00', true],
    ['2026-11-29T10:00:00+01:00', false],
  ])('at %s: %s', (iso, open) => expect(at(iso, office)).toBe(open));

  it('is local to its time zone', () => {
    expect(at('2026-11-23T08:30:00+09:00', office, { timeZone: 'Asia/Tokyo', holidays: [] })).toBe(true);
    expect(at('2026-11-23T08:30:00+09:00', office)).toBe(false);
  });

  it('past midnight belongs to the day on which it began', () => {
    const night = of('Fri 22:00-06:00');
    expect(at('2026-11-27T23:00:00+01:00', night)).toBe(true);
    expect(at('2026-11-28T05:59:00+01:00', night)).toBe(true);
    expect(at('2026-11-28T06:00:00+01:00', night)).toBe(false);
    expect(at('2026-11-27T05:00:00+01:00', night)).toBe(false);
  });

  it('is shut on a holiday unless it says otherwise', () => {
    expect(at('2026-12-25T10:00:00+01:00', office)).toBe(false);
    expect(at('2026-12-25T10:00:00+01:00', of('holidays 10:00-12:00'))).toBe(true);
    expect(at('2026-12-25T10:00:00+01:00', of('daily 00:00-24:00'))).toBe(true);
  });

  it('has no minute that the clocks skip, and twice the hour that comes twice', () => {
    const early = of('Sun 02:00-03:00');
    const minutes = (day: string) =>
      Array.from({ length: 25 * 60 }, (_, i) => Date.parse(`${day}T00:00:00Z`) - 3_600_000 * 2 + i * 60_000).filter((ms) =>
        isWithin(early, ms, berlin),
      ).length;
    expect(minutes('2026-03-29')).toBe(0);
    expect(minutes('2026-10-25')).toBe(120);
    expect(minutes('2026-11-29')).toBe(60);
  });

  it.each([
    ['Mon', 'not a row of a schedule'],
    ['Mon 8:00-18:00', 'has "8:00": write a time with two digits for hours and two for minutes (08:00)'],
    ['Mon 08:00-9:5', '(09:05)'],
    ['Mon 08:00-18:00:00', 'two digits for hours and two for minutes, such as 08:00'],
    ['Mon 08:00-25:00', 'has "25:00", which is not a time of day'],
    ['Mon 24:00-08:00', 'begins at 24:00'],
    ['Mon 08:00-08:00', 'begins and ends at 08:00: write 00:00-24:00 for a whole day'],
    ['Foo 08:00-18:00', 'has "Foo", which is not a day'],
    ['Mon-Foo 08:00-18:00', 'not a day'],
    ['Mon- 08:00-18:00', 'not a day'],
    ['Mon, 08:00-18:00', 'not a day'],
    ['Mon-Wed-Fri 08:00-18:00', 'has "Mon-Wed-Fri": a range has two ends, such as Mon-Fri; write single days as Mon,Wed,Fri'],
    ['Mon 08:60-18:00', 'not a time of day'],
    ['', 'not a row of a schedule'],
    [`Mon${',Mon'.repeat(250_000)} 08:00-18:00`, 'not a row of a schedule'],
  ])('says what is wrong with "%.30s"', (row, why) => {
    expect(parseSchedule([row])).toEqual(expect.stringContaining(why));
    expect(String(parseSchedule([row])).length).toBeLessThan(500);
  });

  it('takes any text without throwing', () => {
    fc.assert(fc.property(fc.array(fc.string(), { maxLength: 3 }), (rows) => ['string', 'object'].includes(typeof parseSchedule(rows))));
  });
});
