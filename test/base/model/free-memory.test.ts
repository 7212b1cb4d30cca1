/** Memory that a thread no longer needs: what pictures leave behind small objects goes at once, and no more is taken. */
import { expect, it } from 'vitest';
import { openCollect, openTrim } from '../../../src/base/model/free-memory.ts';

it('frees the memory behind objects that are held no more', () => {
  const collect = openCollect();
  collect('all');
  const before = process.memoryUsage().arrayBuffers;
  let held: Uint8Array[] = Array.from({ length: 8 }, () => new Uint8Array(1 << 20));
  expect(process.memoryUsage().arrayBuffers - before).toBeGreaterThanOrEqual(held.length << 20);
  held = [];
  collect('young');
  collect('all');
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
  expect('gc' in globalThis).toBe(false);
});

it('gives freed memory back at most once in 20 seconds, first what the start has freed', () => {
  const clock = { nowMs: 0, reads: 0 };
  const now = () => {
    clock.reads++;
    return clock.nowMs;
  };
  const trim = openTrim({ now });
  for (; clock.nowMs < 120_000; clock.nowMs += 1000) trim();
  // One read at the opening and one at each look; one more where memory is given back.
  expect(clock.reads - 1 - 120).toBe(6);
});
