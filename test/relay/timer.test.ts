/** The timer under every line: whatever is asked in whatever order, the line is never active longer than it may be. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { lineTimer, maxLeaseMs } from '../../src/relay/timer.ts';
import { fakeClock } from '../fakes/clock.ts';

const limits = { maxMs: 5000, maxHoldMs: 20_000 };

const pulses = fc.record({ kind: fc.constant('pulse' as const), ms: fc.integer({ min: 1, max: 100_000 }) });
const holds = fc.record({ kind: fc.constant('hold' as const), ms: fc.integer({ min: 1, max: 100_000 }) });
const waits = fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 4000 }) });
const safes = fc.constant({ kind: 'safe' as const, ms: 0 });
/** A lease and the time until the next order: mostly before it lapses. */
const renewed = fc.tuple(holds, fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 2500 }) }));
type Step = { readonly kind: 'pulse' | 'hold' | 'wait' | 'safe'; readonly ms: number };

/** Plays the steps and then waits; how long the line was active at a time, and whether it is safe in the end. */
async function play(steps: readonly Step[]): Promise<{ spansMs: number[]; level: string }> {
  const clock = fakeClock();
  const spansMs: number[] = [];
  let sinceMs = 0;
  const timer = lineTimer({
    ...{ clock, ...limits },
    drive: (level) => {
      if (level === 'active') sinceMs = clock.now();
      else spansMs.push(clock.now() - sinceMs);
    },
  });
  for (const { kind, ms } of steps) {
    if (kind === 'wait') await clock.advance(ms);
    else if (kind === 'safe') timer.safe();
    else timer[kind](ms);
  }
  await clock.advance(Math.max(limits.maxMs, maxLeaseMs));
  return { spansMs, level: timer.level };
}

it('pulses alone are never active longer than the maximum, counted from the first edge', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(pulses, waits, safes), { maxLength: 30 }), async (steps) => {
      const { spansMs } = await play(steps);
      expect(Math.max(0, ...spansMs)).toBeLessThanOrEqual(limits.maxMs);
    }),
  );
});

it('leases alone are never active longer than a hold may be', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(renewed, { maxLength: 60 }), async (renewals) => {
      const { spansMs } = await play(renewals.flat());
      expect(Math.max(0, ...spansMs)).toBeLessThanOrEqual(limits.maxHoldMs);
    }),
    { numRuns: 300 },
  );
});

it('whatever was asked, the line is safe once nobody has asked for longer than a pulse or a lease lasts', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(pulses, holds, waits, safes), { maxLength: 40 }), async (steps) => {
      expect((await play(steps)).level).toBe('safe');
    }),
  );
});
