/**
 * Weekly schedules: rows of text such as "Mon-Fri 08:00-18:00" go in, whether a moment is within them comes out. Times
 * are local to the door's time zone. When clocks change, the zone's rules apply (Temporal): an hour that is skipped is
 * in no schedule, an hour that comes twice is in it twice.
 */
import { Temporal } from 'temporal-polyfill';

/** Monday first (ISO 8601). On a holiday of the door only rows that say `holidays` apply. */
const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;
type Day = (typeof days)[number] | 'holidays';

interface Span {
  readonly days: ReadonlySet<Day>;
  /** Minutes of the local day. If `to` is below `from`, it is on the next day. */
  readonly from: number;
  readonly to: number;
}

export type Schedule = readonly Span[];

export interface Calendar {
  /** IANA name, such as Europe/Berlin. */
  readonly timeZone: string;
  /** Local dates, YYYY-MM-DD. */
  readonly holidays: readonly string[];
}

/** Longer rows are not read: seven days and two times fit several times over. */
const longestRow = 200;
const row = /^(?<days>[^\s]+)\s+(?<from>[\d:]+)-(?<to>[\d:]+)$/;

/** Reads the rows of a schedule; a text says what is wrong with the first bad row. */
export function parseSchedule(rows: readonly string[]): Schedule | string {
  const spans: Span[] = [];
  for (const text of rows) {
    const span = spanOf(text);
    if (typeof span === 'string') return `"${text.slice(0, longestRow)}" ${span}`;
    spans.push(span);
  }
  return spans;
}

function spanOf(text: string): Span | string {
  const { days: names, from: begin, to: end } = (text.length <= longestRow && row.exec(text.trim())?.groups) || {};
  if (names === undefined || begin === undefined || end === undefined)
    return 'is not a row of a schedule: write days and times, such as "Mon-Fri 08:00-18:00", "Sat,Sun 10:00-24:00" or "holidays 10:00-12:00"';
  const on = daysOf(names);
  if (typeof on === 'string') return on;
  const from = minutesOf(begin);
  const to = minutesOf(end);
  if (typeof from === 'string') return from;
  if (typeof to === 'string') return to;
  if (from === 1440) return 'begins at 24:00: write 00:00 of the next day';
  if (from === to) return `begins and ends at ${begin}: write 00:00-24:00 for a whole day`;
  return { days: on, from, to };
}

function minutesOf(text: string): number | string {
  const [hours = Number.NaN, minutes = Number.NaN, ...more] = text.split(':').map(Number);
  if (!/^\d\d:\d\d$/.test(text)) {
    const meant =
      more.length === 0 &&
      hours < 24 &&
      minutes < 60 &&
      /^\d{1,2}:\d{1,2}$/.test(text) &&
      ` (${[hours, minutes].map(twoDigits).join(':')})`;
    return `has "${text}": write a time with two digits for hours and two for minutes${meant || ', such as 08:00'}`;
  }
  const all = hours * 60 + minutes;
  return minutes < 60 && all <= 1440 ? all : `has "${text}", which is not a time of day: write 00:00 to 24:00`;
}

const twoDigits = (n: number): string => String(n).padStart(2, '0');

function daysOf(text: string): ReadonlySet<Day> | string {
  const found = new Set<Day>();
  for (const part of text.split(',')) {
    if (part === 'daily') for (const day of [...days, 'holidays'] as const) found.add(day);
    else if (part === 'holidays') found.add(part);
    else {
      const ends = part.split('-');
      if (ends.length > 2) return `has "${part}": a range has two ends, such as Mon-Fri; write single days as Mon,Wed,Fri`;
      const [first = -1, last = first] = ends.map((name) => days.findIndex((day) => day.toLowerCase() === name.toLowerCase()));
      if (first < 0 || last < 0)
        return `has "${part}", which is not a day: use ${days.join(', ')}, a range such as Mon-Fri, daily, or holidays`;
      for (let at = first; ; at = (at + 1) % 7) {
        found.add(days[at] as Day);
        if (at === last) break;
      }
    }
  }
  return found;
}

/** Whether the schedule is open at `wallMs` (milliseconds since 1970, UTC). */
export function isWithin(schedule: Schedule, wallMs: number, { timeZone, holidays }: Calendar): boolean {
  const now = Temporal.Instant.fromEpochMilliseconds(Math.trunc(wallMs)).toZonedDateTimeISO(timeZone);
  const minute = now.hour * 60 + now.minute;
  const dayOf = (date: Temporal.PlainDate): Day => (holidays.includes(date.toString()) ? 'holidays' : (days[date.dayOfWeek - 1] as Day));
  const today = dayOf(now.toPlainDate());
  const yesterday = dayOf(now.toPlainDate().subtract({ days: 1 }));
  return schedule.some(({ days: on, from, to }) => {
    if (to > from) return on.has(today) && minute >= from && minute < to;
    // Past midnight: the evening belongs to this day, the morning to the day before.
    return (on.has(today) && minute >= from) || (on.has(yesterday) && minute < to);
  });
}

/** Whether a name is a time zone that this machine knows. */
export function isTimeZone(name: string): boolean {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name);
    return true;
  } catch {
    return false;
  }
}

export const isDate = (text: string): boolean => {
  try {
    return Temporal.PlainDate.from(text, { overflow: 'reject' }).toString() === text;
  } catch {
    return false;
  }
};
