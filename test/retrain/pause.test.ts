/** Training stands still for people, and not for ever. */
import { expect, it } from 'vitest';
import { pauseOf } from '../../src/retrain/pause.ts';
import { fakeClock } from '../fakes/clock.ts';

const minuteMs = 60_000;
/** Whether it stands still, a second at a time, while a face is there or not. */
async function watched(seconds: number, { face, mostMs, pause, clock = fakeClock() }: Watching): Promise<boolean[]> {
  const at = pause ?? pauseOf({ clock, mostMs });
  const seen: boolean[] = [];
  for (let second = 0; second < seconds; second++) {
    if (face) at.saw();
    seen.push(at.still());
    await clock.advance(1000);
  }
  return seen;
}
interface Watching {
  readonly face: boolean;
  readonly mostMs: number;
  readonly pause?: ReturnType<typeof pauseOf>;
  readonly clock?: ReturnType<typeof fakeClock>;
}

it('it stands still from the first frame with a face until two seconds after the last', async () => {
  const clock = fakeClock();
  const pause = pauseOf({ clock, mostMs: 10 * minuteMs });
  expect(pause.still()).toBe(false);
  expect(await watched(5, { face: true, mostMs: 0, pause, clock })).toEqual([true, true, true, true, true]);
  expect(await watched(3, { face: false, mostMs: 0, pause, clock })).toEqual([true, false, false]);
});

it('whoever stays beyond the bound keeps it from working in breaths no longer: two seconds of ten', async () => {
  const still = await watched(11 * 60, { face: true, mostMs: 10 * minuteMs });
  expect(still.slice(0, 600)).not.toContain(false);
  expect(
    still
      .slice(600, 620)
      .map((is) => (is ? '-' : 'w'))
      .join(''),
  ).toBe('ww--------ww--------');
});

it('an empty door in between lets it wait anew', async () => {
  const clock = fakeClock();
  const pause = pauseOf({ clock, mostMs: minuteMs });
  const all = { mostMs: 0, pause, clock };
  await watched(59, { face: true, ...all });
  await watched(3, { face: false, ...all });
  expect(await watched(60, { face: true, ...all })).not.toContain(false);
  expect(await watched(1, { face: true, ...all })).toEqual([false]);
});

it('a bound of 0 is none', async () => {
  expect(await watched(3600, { face: true, mostMs: 0 })).not.toContain(false);
});
