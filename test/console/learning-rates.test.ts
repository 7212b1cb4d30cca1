/** What a threshold means: rates between those that are known, and the interval of what was measured. */
import { expect, it } from 'vitest';

const page = String(new URL('../../src/console/pages/learning/rates.js', import.meta.url));
const { rateAt, reaching, settingOf, shareInterval, sharesOf } = await import(page);

const rates = [
  { targetFmr: 0.1, logit: 2, extrapolated: false },
  { targetFmr: 0.01, logit: 4, extrapolated: false },
  { targetFmr: 0.001, logit: 7, extrapolated: true },
];

it('a rate lies between its neighbours on a logarithmic scale, and ends with what is known', () => {
  expect(rateAt(rates, 3)?.rate).toBeCloseTo(Math.sqrt(0.1 * 0.01), 10);
  expect(rateAt(rates, 4)?.rate).toBeCloseTo(0.01, 10);
  expect(rateAt(rates, 5)).toMatchObject({ extrapolated: true });
  expect(rateAt(rates, 1)).toMatchObject({ rate: 0.1, end: 'loosest' });
  expect(rateAt(rates, 9)).toMatchObject({ rate: 0.001, end: 'strictest' });
  expect(rateAt([], 9)).toBeUndefined();
  expect(settingOf(0.000123)).toBe(0.0001);
});

it('the interval of a share is never without an upper end', () => {
  expect(shareInterval(0, 1000).low).toBe(0);
  expect(shareInterval(0, 1000).high).toBeCloseTo(0.00383, 4);
  const { low, high } = shareInterval(10, 1000);
  expect(low).toBeCloseTo(0.0054, 3);
  expect(high).toBeCloseTo(0.0183, 3);
  expect(shareInterval(0, 0)).toEqual({ low: 0, high: 1 });
});

it('scores are counted from a logit on, and drawn in wider bins as shares', () => {
  const scores = { from: -1, step: 0.5 };
  expect(reaching(scores, [1, 2, 3, 4], 0)).toBe(7);
  expect(reaching(scores, [1, 2, 3, 4], -9)).toBe(10);
  expect(reaching(scores, [1, 2, 3, 4], 9)).toBe(0);
  expect(sharesOf([1, 2, 3, 4], 2)).toEqual([0.3, 0.7]);
});
