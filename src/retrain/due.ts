/** When the door learns by itself: a day and a local time, the zone and now go in; the latest moment at or before now comes out. */
import { Temporal } from 'temporal-polyfill';

const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** `Sun 03:00`, `daily 03:00` → milliseconds since 1970 of its latest occurrence up to `wallMs`; undefined for an empty text. */
export function latestDue(schedule: string, timeZone: string, wallMs: number): number | undefined {
  const [day = '', time = ''] = schedule.split(' ');
  if (time === '') return undefined;
  const now = Temporal.Instant.fromEpochMilliseconds(Math.trunc(wallMs)).toZonedDateTimeISO(timeZone);
  const [hour = 0, minute = 0] = time.split(':').map(Number);
  const back = day === 'daily' ? 0 : (now.dayOfWeek - (days.indexOf(day) + 1) + 7) % 7;
  // A time that the clocks skip comes after the gap (Temporal's `compatible`).
  const at = (daysBack: number) =>
    now.toPlainDate().subtract({ days: daysBack }).toZonedDateTime({ timeZone, plainTime: { hour, minute } }).epochMilliseconds;
  const latest = at(back);
  return latest <= wallMs ? latest : at(back + (day === 'daily' ? 1 : 7));
}
