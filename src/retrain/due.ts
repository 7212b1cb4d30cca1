/**
 * When the door learns by itself: a day with a local time, the zone and now go in; out comes the latest moment at or
 * before now, and a request each time such a moment has come.
 */
import { Temporal } from 'temporal-polyfill';
import { Fault, messageOf } from '../base/errors.ts';
import { parseJson } from '../base/jws.ts';
import type { Log } from '../base/log.ts';
import { Compile, Type } from '../base/schema.ts';
import type { Clock } from '../base/time.ts';
import type { RetrainStore } from './store.ts';

const noteForm = Compile(Type.Object({ of: Type.String(), last: Type.Number() }));
const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/**
 * `Sun 03:00`, `daily 03:00` → milliseconds since 1970 of its latest occurrence up to `wallMs`; undefined for an
 * empty text.
 */
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

export interface ScheduleOptions {
  readonly store: RetrainStore;
  readonly clock: Pick<Clock, 'wall'>;
  /** `Sun 03:00`, `daily 03:00`; empty: never. */
  readonly when: string;
  readonly timeZone: string;
  /** Whether the wall clock is held to true time: a clock that jumps would ask again and again. */
  readonly synchronised: () => boolean;
  /** Throws Fault `training-busy`. */
  readonly start: () => void;
  readonly log: Log;
}

/**
 * What to call from time to time. Each moment counts once, over restarts too; one that passed while the door was off
 * is made up for. A new or changed schedule begins with its next moment.
 */
export function scheduleOf({ store, clock, when, timeZone, synchronised, start, log }: ScheduleOptions): () => void {
  const noted = store.db.prepare(`SELECT value FROM notes WHERE name = 'scheduled'`);
  const note = store.db.prepare(`INSERT INTO notes VALUES ('scheduled', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`);
  const schedule = `${when} ${timeZone}`;
  let unsureOf = 0;
  return () => {
    const due = latestDue(when, timeZone, clock.wall());
    if (due === undefined) return;
    const { of, last } = readNote(store.read(() => noted.get()?.value));
    if (of === schedule && due <= last) return;
    if (!synchronised()) {
      if (due !== unsureOf)
        log.warn(
          { schedule: when, due: new Date(due).toISOString() },
          'scheduled training waits for a clock that is synchronised (chrony, systemd-timesyncd)',
        );
      unsureOf = due;
      return;
    }
    store.change(() => void note.run(JSON.stringify({ of: schedule, last: due })));
    if (of !== schedule) return;
    try {
      start();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      log.warn({ code: error.code, err: messageOf(error) }, 'the scheduled training is left out');
    }
  };
}

/** An unreadable note counts as none: the schedule then begins with its next moment. */
function readNote(value: unknown): { readonly of?: string; readonly last: number } {
  const note = parseJson(Buffer.from(String(value)));
  return noteForm.Check(note) ? note : { last: 0 };
}
