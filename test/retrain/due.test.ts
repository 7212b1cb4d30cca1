/** When the door learns by itself: each moment once, over restarts, and only by a clock that can be trusted. */
import { expect, it } from 'vitest';
import { Fault } from '../../src/base/errors.ts';
import { type Log, openLog } from '../../src/base/log.ts';
import { type ScheduleOptions, scheduleOf } from '../../src/retrain/due.ts';
import { fakeClock } from '../fakes/clock.ts';
import { freshStore } from './fresh-store.ts';

const fresh = freshStore();
const hourMs = 3_600_000;
/** A door that was switched on on Monday, 5 January 2026, at noon; `started` counts. */
function door(clock = fakeClock()) {
  const started: string[] = [];
  const look = (options: Partial<ScheduleOptions> = {}) =>
    scheduleOf({
      ...{ store: fresh.store, clock, when: 'daily 03:00', timeZone: 'UTC', synchronised: () => true, log: openLog('silent') },
      start: () => void started.push(new Date(clock.wall()).toISOString()),
      ...options,
    })();
  return { clock, started, look };
}

it('begins with the next moment, asks once for each, and makes up for one that passed while the door was off', async () => {
  const { clock, started, look } = door();
  look();
  await clock.advance(14 * hourMs);
  look();
  expect(started).toEqual([]);
  await clock.advance(hourMs);
  for (let i = 0; i < 3; i++) look();
  expect(started).toEqual(['2026-01-06T03:00:00.000Z']);
  await clock.advance(53 * hourMs);
  for (let i = 0; i < 3; i++) look();
  expect(started).toEqual(['2026-01-06T03:00:00.000Z', '2026-01-08T08:00:00.000Z']);
});

it('a schedule that was changed begins with its next moment, too', async () => {
  const { clock, started, look } = door();
  look();
  await clock.advance(hourMs);
  // It was 11:00 two hours ago, and nobody had asked for that then.
  look({ when: 'daily 11:00' });
  look({ when: 'daily 11:00', timeZone: 'Europe/Berlin' });
  expect(started).toEqual([]);
  await clock.advance(21 * hourMs);
  look({ when: 'daily 11:00', timeZone: 'Europe/Berlin' });
  expect(started).toEqual(['2026-01-06T10:00:00.000Z']);
});

it('waits for a clock that is synchronised, and leaves out what meets another training', async () => {
  const { clock, started, look } = door();
  const warned: unknown[] = [];
  const log = { warn: (_fields: object, message: string) => warned.push(message) } as unknown as Log;
  // Never synchronised since it was set: somebody should hear of that, too.
  look({ synchronised: () => false, log });
  expect(warned).toEqual([expect.stringMatching(/waits for a clock that is synchronised/)]);
  look();
  await clock.advance(16 * hourMs);
  look({ synchronised: () => false, log });
  expect([started, warned]).toEqual([[], [expect.anything(), expect.anything()]]);
  look();
  expect(started).toHaveLength(1);
  await clock.advance(24 * hourMs);
  const busy = () => {
    throw new Fault('training-busy', 'A training is under way');
  };
  look({ start: busy });
  look();
  expect(started).toHaveLength(1);
});
