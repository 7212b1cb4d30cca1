/** What every relay promises, on a clock the test moves. */
import { describe, expect, it } from 'vitest';
import type { Relay } from '../../src/relay/port.ts';
import { type FakeClock, fakeClock } from '../fakes/clock.ts';

export const contractMaxMs = 5000;
export const contractMaxHoldMs = 20_000;

/** `open` gives a relay with the hard maximums `contractMaxMs` and `contractMaxHoldMs`. */
export function testRelay(name: string, open: (clock: FakeClock) => Promise<Relay>): void {
  describe(`relay contract: ${name}`, () => {
    const setUp = async () => {
      const clock = fakeClock();
      return { clock, relay: await open(clock) };
    };

    it('is at its safe level when opened', async () => {
      const { relay } = await setUp();
      expect(relay.level).toBe('safe');
    });

    it('is active for the pulse and safe after it', async () => {
      const { clock, relay } = await setUp();
      await relay.pulse(1000);
      expect(relay.level).toBe('active');
      await clock.advance(999);
      expect(relay.level).toBe('active');
      await clock.advance(1);
      expect(relay.level).toBe('safe');
    });

    it('lengthens a running pulse to the later end', async () => {
      const { clock, relay } = await setUp();
      await relay.pulse(1000);
      await clock.advance(600);
      await relay.pulse(1000);
      await clock.advance(900);
      expect(relay.level).toBe('active');
      await clock.advance(100);
      expect(relay.level).toBe('safe');
    });

    it('does not shorten a running pulse', async () => {
      const { clock, relay } = await setUp();
      await relay.pulse(1000);
      await relay.pulse(100);
      await clock.advance(500);
      expect(relay.level).toBe('active');
    });

    it('never stays active longer than its maximum, however often it is pulsed', async () => {
      const { clock, relay } = await setUp();
      for (let elapsed = 0; elapsed < contractMaxMs; elapsed += 500) {
        await relay.pulse(1000);
        await clock.advance(500);
      }
      expect(relay.level).toBe('safe');
    });

    it('caps a single long pulse at its maximum', async () => {
      const { clock, relay } = await setUp();
      await relay.pulse(contractMaxMs * 10);
      await clock.advance(contractMaxMs);
      expect(relay.level).toBe('safe');
    });

    it('is held by a lease that is renewed, and safe when it lapses', async () => {
      const { clock, relay } = await setUp();
      for (let second = 0; second < 12; second++) {
        await relay.hold(2500);
        await clock.advance(1000);
        expect(relay.level).toBe('active');
      }
      await clock.advance(1500);
      expect(relay.level).toBe('safe');
    });

    it('gives no lease longer than five seconds', async () => {
      const { clock, relay } = await setUp();
      await relay.hold(3_600_000);
      await clock.advance(5000);
      expect(relay.level).toBe('safe');
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
      expect(relay.level).toBe('active');
    });

    it('a pulse during a hold does not end it, and the end of a hold does not cut a pulse short', async () => {
      const { clock, relay } = await setUp();
      await relay.hold(2000);
      await relay.pulse(500);
      await clock.advance(1500);
      expect(relay.level).toBe('active');
      await relay.pulse(1500);
      await clock.advance(1000);
      expect(relay.level).toBe('active');
      await clock.advance(500);
      expect(relay.level).toBe('safe');
    });

    it('goes safe at once when told, and a pulse after that works again', async () => {
      const { clock, relay } = await setUp();
      await relay.pulse(1000);
      await relay.safe();
      expect(relay.level).toBe('safe');
      await relay.pulse(1000);
      await clock.advance(500);
      expect(relay.level).toBe('active');
    });

    it('is safe when closed in the middle of a pulse', async () => {
      const { relay } = await setUp();
      await relay.pulse(1000);
      await relay[Symbol.asyncDispose]();
      expect(relay.level).toBe('safe');
    });
  });
}
