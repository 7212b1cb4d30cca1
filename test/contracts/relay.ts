/** What every relay promises, on a clock the test moves. */
import { describe, expect, it } from 'vitest';
import type { Relay } from '../../src/relay/port.ts';
import { type FakeClock, fakeClock } from '../fakes/clock.ts';

export const contractMaxMs = 5000;

/** `open` gives a relay with a hard maximum of `contractMaxMs`. */
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
