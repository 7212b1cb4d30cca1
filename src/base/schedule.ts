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
  /** Minutes of the local day. If `to` is not above `from`, it is on the next day. */
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

const row = /^(?<days>\S+)\s+(?<from>\d\d:\d\d)-(?<to>\d\d:\d\d)$/;

/** Reads the rows of a schedule; a text says what is wrong with the first bad row. */
export function parseSchedule(rows: readonly string[]): Schedule | string {
  const spans: Span[] = [];
  for (const text of rows) {
    const { days: names = '', from = '', to = '' } = row.exec(text.trim())?.groups ?? {};
    const span = { days: daysOf(names), from: minutesOf(from), to: minutesOf(to) };
    if (typeof span.days === 'string') return `"${text}": ${span.days}`;
    if (!Number.isFinite(span.from) || !Number.isFinite(span.to) || span.from === 1440)
      return `"${text}" is not a row of a schedule: write days and times, such as "Mon-Fri 08:00-18:00", "Sat,Sun 10:00-24:00" or "holidays 10:00-12:00"`;
    spans.push({ ...span, days: span.days });
  }
  return spans;
}

function minutesOf(text: string): number {
  const [hours = Number.NaN, minutes = Number.NaN] = text.split(':').map(Number);
  const all = hours * 60 + minutes;
  return minutes < 60 && all <= 1440 ? all : Number.NaN;
}

function daysOf(text: string): ReadonlySet<Day> | string {
  const found = new Set<Day>();
  for (const part of text.split(',')) {
    if (part === 'daily') for (const day of [...days, 'holidays'] as const) found.add(day);
    else if (part === 'holidays') found.add(part);
    else {
      const [first, last = first] = part.split('-').map((name) => days.findIndex((day) => day.toLowerCase() === name.toLowerCase()));
      if (first === undefined || last === undefined || first < 0 || last < 0)
        return `"${part}" is not a day: use ${days.join(', ')}, a range such as Mon-Fri, daily, or holidays`;
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
