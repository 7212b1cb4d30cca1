/** The whole path with the real networks: a USB camera's pictures in, the relay's line out. */
import { pulseMs, type Scenario } from '../bench.ts';
import { nowMs } from '../board.ts';
import { expect, expectSame, pause } from '../tools.ts';

const seen = 180_000;

export const faceScenarios: readonly Scenario[] = [
  {
    name: 'face-enrolled',
    title: 'an enrolled face at the USB camera: one pulse of the set length',
    limitMs: 400_000,
    run: async ({ board, service, camera, door, enrol, note }) => {
      await enrol();
      await camera.plugIn('nobody');
      await door('gpiod', { access: { cooldownMs: 120_000 } });
      const sinceMs = nowMs();
      await camera.show('enrolled');
      await service.event('access.granted', seen);
      await board.low(await board.high(sinceMs));
      await pause(4000);
      const pulses = board.pulsesSince(sinceMs);
      expectSame('pulses', pulses.length, 1);
      const [pulse] = pulses;
      expect(`a pulse of ${pulseMs} ms ± 10 %`, Math.abs((pulse?.lengthMs ?? 0) - pulseMs) <= pulseMs / 10, pulse);
      note(`pulse set ${pulseMs} ms, on the line ${pulse?.lengthMs.toFixed(0)} ms`);
    },
  },
  {
    name: 'face-stranger',
    title: 'a stranger at the USB camera: denied, no pulse',
    limitMs: 400_000,
    run: async ({ board, service, camera, door, enrol }) => {
      await enrol();
      await camera.plugIn('stranger');
      const sinceMs = nowMs();
      await door('gpiod');
      const { reason } = await service.event('access.denied', seen);
      expectSame('the reason', reason, 'unknown');
      await pause(5000);
      expectSame('pulses', board.pulsesSince(sinceMs), []);
    },
  },
];
