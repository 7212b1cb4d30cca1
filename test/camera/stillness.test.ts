/** A picture that stands still, with a clock that ticks, against a quiet hall at night, in pictures one second apart. */
import { expect, it } from 'vitest';
import { stillness } from '../../src/camera/stillness.ts';
import { type HallOptions, hall } from './hall.ts';

const forMs = 60_000;

/** The smallest share with something new, from the first minute on, for half a minute. */
async function leastNew(options: HallOptions, seconds = 90): Promise<number> {
  const picture = hall(options);
  const watch = stillness(forMs);
  let least = 1;
  for (let second = 0; second < seconds; second++) least = Math.min(least, await watch.look(await picture(second), second * 1000));
  return least;
}

it.each([40, 90])('a picture that stands still is known by it, although its clock ticks (JPEG quality %d)', async (quality) => {
  expect(await leastNew({ level: 40, sigma: 0, quality })).toBeLessThan(0.1);
});

it.each([
  [12, 0.15, 75],
  [12, 0.3, 50],
  [40, 0.3, 75],
  [40, 1.5, 50],
])('a quiet hall of brightness %d with noise of %d levels at quality %d is not taken for it', async (level, sigma, quality) => {
  expect(await leastNew({ level, sigma, quality })).toBeGreaterThan(0.4);
});

it('nothing is said before the time is over, nor of what cannot be read', async () => {
  const picture = await hall({ level: 40, sigma: 0, quality: 80 })(0);
  const watch = stillness(forMs);
  expect(await watch.look(picture, 0)).toBe(1);
  expect(await watch.look(picture, forMs - 1)).toBe(1);
  expect(await watch.look(Buffer.from('no picture'), forMs + 1)).toBe(1);
  expect(await watch.look(picture, forMs + 2)).toBe(0);
});
