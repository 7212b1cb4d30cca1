/** Memory that the process no longer needs is given back from time to time. */
import { expect, it } from 'vitest';
import { openTrim } from '../../src/host/free-memory.ts';

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
