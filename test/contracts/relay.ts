/** What every relay promises, on a clock the test moves. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Relay } from '../../src/relay/port.ts';
import { type FakeClock, fakeClock } from '../fakes/clock.ts';

export const contractMaxMs = 5000;
export const contractMaxHoldMs = 20_000;

/**
 * `open` gives a relay with the hard maximums `contractMaxMs` and `contractMaxHoldMs`. `actual` is the level as the hardware itself has it, where the
 * relay drives any: then the relay's own word is not enough.
 */
export function testRelay(name: string, open: (clock: FakeClock) => Promise<Relay>, actual?: () => Relay['level']): void {
  describe(`relay contract: ${name}`, () => {
    const opened: Relay[] = [];
    afterEach(async () => {
      for (const relay of opened.splice(0)) await relay[Symbol.asyncDispose]();
    });
    const setUp = async () => {
      const clock = fakeClock();
      const relay = await open(clock);
      opened.push(relay);
      return { clock, relay };
    };
    const expectActive = (relay: Relay) => {
      expect(relay.level).toBe('active');
      if (actual) expect(actual()).toBe('active');
    };
    /** What is reached over a network takes a moment of real time. */
    const expectSafe = (relay: Relay) =>
      vi.waitFor(() => {
        expect(relay.level).toBe('safe');
        if (actual) expect(actual()).toBe('safe');
      });

    it('is at its safe level when opened', async () => {
      const { relay } = await setUp();
      await expectSafe(relay);
    });

    it('is active for the pulse and safe after it', async () => {
      const { clock, relay } = await setUp();
      await relay.pulse(1000);
      expectActive(relay);
      await clock.advance(999);
      expectActive(relay);
      await clock.advance(1);
      await expectSafe(relay);
    });

    it('lengthens a running pulse to the later end', async () => {
      const { clock, relay } = await setUp();
      await relay.pulse(1000);
      await clock.advance(600);
      await relay.pulse(1000);
      await clock.advance(900);
      expectActive(relay);
      await clock.advance(100);
      await expectSafe(relay);
    });

    it('does not shorten a running pulse', async () => {
      const { clock, relay } = await setUp();
      await relay.pulse(1000);
      await relay.pulse(100);
      await clock.advance(500);
      expectActive(relay);
    });

    it('never stays active longer than its maximum, however often it is pulsed', async () => {
      const { clock, relay } = await setUp();
      for (let elapsed = 0; elapsed < contractMaxMs; elapsed += 500) {
        await relay.pulse(1000);
        await clock.advance(500);
      }
      await expectSafe(relay);
    });

    it('caps a single long pulse at its maximum', async () => {
      const { clock, relay } = await setUp();
      await relay.pulse(contractMaxMs * 10);
      await clock.advance(contractMaxMs);
      await expectSafe(relay);
    });

    it('is held by a lease that is renewed, and safe when it lapses', async () => {
      const { clock, relay } = await setUp();
      for (let second = 0; second < 12; second++) {
        await relay.hold(2500);
        await clock.advance(1000);
        expectActive(relay);
      }
      await clock.advance(1500);
      await expectSafe(relay);
    });

    it('gives no lease longer than five seconds', async () => {
      const { clock, relay } = await setUp();
      await relay.hold(3_600_000);
      await clock.advance(5000);
      await expectSafe(relay);
    });

    it('ends a hold at its maximum however often it is renewed, and holds again only after a pause', async () => {
      const { clock, relay } = await setUp();
      let activeMs = 0;
      for (let second = 0; second < 60; second++) {
        await relay.hold(2000);
        if (relay.level === 'active') activeMs += 1000;
        await clock.advance(1000);
      }
      expect(activeMs).toBe(contractMaxHoldMs);
      await clock.advance(6000);
      await relay.hold(2000);
      expectActive(relay);
    });

    it('a pulse during a hold does not end it, and the end of a hold does not cut a pulse short', async () => {
      const { clock, relay } = await setUp();
      await relay.hold(2000);
      await relay.pulse(500);
      await clock.advance(1500);
      expectActive(relay);
      await relay.pulse(1500);
      await clock.advance(1000);
      expectActive(relay);
      await clock.advance(500);
      await expectSafe(relay);
    });

    it('goes safe at once when told, and a pulse after that works again', async () => {
      const { clock, relay } = await setUp();
      await relay.pulse(1000);
      await relay.safe();
      await expectSafe(relay);
      await relay.pulse(1000);
      await clock.advance(500);
      expectActive(relay);
    });

    it('is safe when closed in the middle of a pulse', async () => {
      const { relay } = await setUp();
      await relay.pulse(1000);
      await relay[Symbol.asyncDispose]();
      await expectSafe(relay);
    });
  });
}
