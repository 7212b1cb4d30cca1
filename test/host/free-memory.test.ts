/** Memory that the process no longer needs is given back from time to time. */
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openTrim } from '../../src/host/free-memory.ts';

it('gives freed memory back at most once in 20 seconds', () => {
  const clock = { nowMs: 0, reads: 0 };
  const now = () => {
    clock.reads++;
    return clock.nowMs;
  };
  const trim = openTrim({ now });
  for (; clock.nowMs < 120_000; clock.nowMs += 1000) trim();
  // One read at the opening and one at each look; one more where memory is given back.
  expect(clock.reads - 1 - 120).toBe(5);
});

it('takes what the start has left in the heap the first time', async () => {
  const clock = { nowMs: 0 };
  const trim = openTrim({ now: () => clock.nowMs });
  const ofTheStart = new WeakRef({});
  await turn();
  trim();
  expect(ofTheStart.deref()).toBeDefined();
  await turn();
  clock.nowMs = 20_000;
  trim();
  expect(ofTheStart.deref()).toBeUndefined();
});
