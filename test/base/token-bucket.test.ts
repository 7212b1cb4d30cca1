import { expect, it } from 'vitest';
import { tokenBucket } from '../../src/base/token-bucket.ts';

const bucketOf = (perS: number, size: number) => {
  const time = { nowMs: 1000 };
  return { time, bucket: tokenBucket({ perS, size, clock: { now: () => time.nowMs } }) };
};

it('is full at the start and gives no more than its size', () => {
  const { bucket } = bucketOf(1, 3);
  expect([1, 2, 3, 4, 5].map(() => bucket.take())).toEqual([true, true, true, false, false]);
});

it('fills at its rate, fractions counted, and says how long the next token takes', () => {
  const { bucket, time } = bucketOf(2, 1);
  expect(bucket.waitMs()).toBe(0);
  bucket.take();
  expect(bucket.waitMs()).toBeCloseTo(500);
  time.nowMs += 200;
  expect(bucket.take()).toBe(false);
  expect(bucket.waitMs()).toBeCloseTo(300);
  time.nowMs += 300;
  expect(bucket.take()).toBe(true);
  expect(bucket.take()).toBe(false);
});

it('saves up no more than its size, however long nobody asks', () => {
  const { bucket, time } = bucketOf(100, 2);
  time.nowMs += 3_600_000;
  expect([1, 2, 3].map(() => bucket.take())).toEqual([true, true, false]);
});

it('lets its rate through in the long run', () => {
  const { bucket, time } = bucketOf(5, 10);
  let taken = 0;
  for (const endMs = time.nowMs + 60_000; time.nowMs < endMs; time.nowMs += 7) if (bucket.take()) taken++;
  expect(taken).toBeGreaterThanOrEqual(308);
  expect(taken).toBeLessThanOrEqual(310);
});
