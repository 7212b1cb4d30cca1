import { expect, it } from 'vitest';
import { dryRelay } from '../../src/relay/dry.ts';
import { contractMaxHoldMs, contractMaxMs, testRelay } from '../contracts/relay.ts';
import { fakeClock } from '../fakes/clock.ts';

testRelay('dry', async (clock) => dryRelay({ clock, maxMs: contractMaxMs, maxHoldMs: contractMaxHoldMs }));

it('remembers every edge with its time', async () => {
  const clock = fakeClock();
  const relay = dryRelay({ clock, maxMs: contractMaxMs, maxHoldMs: contractMaxHoldMs });
  await relay.pulse(300);
  await clock.advance(1000);
  expect(relay.edges).toEqual([
    { level: 'active', atMs: 0 },
    { level: 'safe', atMs: 300 },
  ]);
});
