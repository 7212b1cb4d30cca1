import { describe, expect, it } from 'vitest';
import { openController } from '../../src/access/controller.ts';
import type { Policy } from '../../src/access/state.ts';
import { Fault } from '../../src/base/errors.ts';
import { openLog } from '../../src/base/log.ts';
import type { Event } from '../../src/events.ts';
import type { Entry } from '../../src/journal/port.ts';
import { fakeClock } from '../fakes/clock.ts';
import { fakeRelay } from '../fakes/relay.ts';

const policy: Policy = {
  armed: true,
  votes: 2,
  window: 3,
  windowMs: 1000,
  maxFrameAgeMs: 500,
  absenceMs: 700,
  denyAfterMs: 5000,
  cooldownMs: 8000,
  pulseMs: 3000,
  threshold: { policy: 'target-fmr', logit: 8, fmr: 1e-5, extrapolated: false },
};

/** A journal that records the order of things and may fail or take its time. */
function setUp({ journalDown = 'deny' as 'deny' | 'open', appendMs = 0, onEvent = (_event: Event): void => undefined } = {}) {
  const clock = fakeClock();
  const order: string[] = [];
  const relay = fakeRelay(() => order.push('pulse'));
  const told: Event[] = [];
  const journal = {
    full: false,
    append: (event: Event): Entry => {
      if (journal.full) throw new Fault('journal-down', 'no space left');
      void clock.advance(appendMs);
      order.push(event.kind);
      return { seq: order.length, id: 'id', at: '', event, hash: '' };
    },
  };
  const controller = openController({
    journal,
    relay,
    policy: () => policy,
    premises: () => ({ pulseMs: 3000, maxHoldMs: 60_000, heldOpenMs: 0, graceMs: 5000, tamperBlockMs: 600_000 }),
    journalDown,
    clock,
    log: openLog('silent'),
    onEvent: (event) => {
      told.push(event);
      onEvent(event);
    },
  });
  const see = async (times: number, fromMs = 0) => {
    for (let i = 0; i < times; i++) {
      await clock.advance(fromMs + 66);
      const capturedAtMs = clock.now();
      await controller.submit({
        kind: 'sighting',
        atMs: clock.now(),
        sighting: {
          digest: `${capturedAtMs} ${i}`,
          capturedAtMs,
          finding: { kind: 'person', personId: 'ada' },
          likeness: { logit: 12, probability: 1, share: 1 },
        },
      });
    }
  };
  return { clock, order, relay, told, journal, controller, see };
}

describe('order of effects', () => {
  it('journals the grant, pulses the relay, journals the outcome', async () => {
    const { order, relay, see } = setUp();
    await see(2);
    expect(order).toEqual(['access.granted', 'pulse', 'relay.pulsed']);
    expect(relay.pulses).toEqual([3000]);
  });

  it('is settled from the grant until the visitor has gone', async () => {
    const { controller, clock, see } = setUp();
    await see(1);
    expect(controller.settled).toBe(false);
    await see(1);
    expect(controller.settled).toBe(true);
    await clock.advance(10_000);
    await controller.submit({ kind: 'tick', atMs: clock.now() });
    expect(controller.settled).toBe(false);
  });

  it('does not pulse when the journal cannot be written, and says journal-down', async () => {
    const { relay, journal, told, see } = setUp();
    journal.full = true;
    await see(4);
    expect(relay.pulses).toEqual([]);
    expect(told).toMatchObject([{ kind: 'access.denied', reason: 'journal-down', bestPersonId: 'ada' }]);
  });

  it('opens with the next frames once the journal can be written again, with no cool-down to wait for', async () => {
    const { relay, journal, see } = setUp();
    journal.full = true;
    await see(2);
    journal.full = false;
    await see(2);
    expect(relay.pulses).toEqual([3000]);
  });

  it('does not take a fault of whoever is told for one of the journal', async () => {
    const { relay, order, journal, see } = setUp({
      onEvent: () => {
        throw new TypeError('a slip');
      },
    });
    await expect(see(2)).rejects.toThrow('a slip');
    expect([order, journal.full, relay.pulses]).toEqual([['access.granted'], false, []]);
  });

  it('opens without a journal only where that is set', async () => {
    const { relay, journal, told, see } = setUp({ journalDown: 'open' });
    journal.full = true;
    await see(2);
    expect(relay.pulses).toEqual([3000]);
    expect(told).toMatchObject([{ kind: 'access.granted' }]);
  });

  it('journals a relay that failed, and lets the person try again at once', async () => {
    const { order, relay, see } = setUp();
    relay.failWith = new Fault('relay-failed', 'line gone');
    await see(2);
    delete relay.failWith;
    await see(2);
    expect(order).toEqual(['access.granted', 'relay.failed', 'access.granted', 'pulse', 'relay.pulsed']);
  });

  it('carries inputs out one after the other, however they arrive', async () => {
    const { clock, controller, order } = setUp();
    await clock.advance(100);
    const submit = (capturedAtMs: number) =>
      controller.submit({
        kind: 'sighting',
        atMs: 100,
        sighting: { digest: String(capturedAtMs), capturedAtMs, finding: { kind: 'person', personId: 'ada' } },
      });
    await Promise.all([submit(10), submit(20), submit(30), submit(40)]);
    expect(order).toEqual(['access.granted', 'pulse', 'relay.pulsed']);
  });
});

it('a late answer does not open: when journalling took longer than a frame may be old', async () => {
  const clock = fakeClock();
  const relay = fakeRelay();
  const events: Event[] = [];
  let nowMs = 100;
  const slow = { ...clock, now: () => nowMs };
  const controller = openController({
    journal: {
      append: (event) => {
        events.push(event);
        if (event.kind === 'access.granted') nowMs += 501;
        return { seq: events.length, id: '', at: '', event, hash: '' };
      },
    },
    relay,
    premises: () => ({ pulseMs: 3000, maxHoldMs: 60_000, heldOpenMs: 0, graceMs: 5000, tamperBlockMs: 600_000 }),
    policy: () => policy,
    journalDown: 'deny',
    clock: slow,
    log: openLog('silent'),
  });
  for (const capturedAtMs of [80, 90]) {
    await controller.submit({
      kind: 'sighting',
      atMs: 100,
      sighting: { digest: String(capturedAtMs), capturedAtMs, finding: { kind: 'person', personId: 'ada' } },
    });
  }
  expect(relay.pulses).toEqual([]);
  expect(events.map((e) => e.kind)).toEqual(['access.granted', 'access.denied']);
  expect(events[1]).toMatchObject({ reason: 'stale' });
});
