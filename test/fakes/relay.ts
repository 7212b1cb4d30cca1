/** A relay that remembers what it was asked to do; it can be told to fail. */
import type { Relay } from '../../src/relay/port.ts';

export interface FakeRelay extends Relay {
  readonly pulses: number[];
  /** Leases given. */
  readonly holds: number[];
  /** Set: the next pulses throw it. */
  failWith?: Error;
}

export function fakeRelay(onPulse?: () => void): FakeRelay {
  const pulses: number[] = [];
  const holds: number[] = [];
  const relay: FakeRelay = {
    label: 'fake relay',
    pulses,
    holds,
    level: 'safe',
    held: true,
    pulse: async (durationMs) => {
      if (relay.failWith) throw relay.failWith;
      pulses.push(durationMs);
      onPulse?.();
    },
    hold: async (leaseMs) => {
      if (relay.failWith) throw relay.failWith;
      holds.push(leaseMs);
    },
    safe: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
  return relay;
}
