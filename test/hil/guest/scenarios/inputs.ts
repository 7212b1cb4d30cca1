/** What is wired to the door besides the relay: exit button, door contact, tamper switch. */
import { pulseMs, type Scenario } from '../bench.ts';
import { nowMs } from '../board.ts';
import { expect, expectSame, pause } from '../tools.ts';

export const inputScenarios: readonly Scenario[] = [
  ...(['gpiod', 'onoff'] as const).map(
    (kind): Scenario => ({
      name: `exit-button-${kind}`,
      title: `one push of the exit button is one pulse of the set length (${kind})`,
      run: async ({ board, door, push, note }) => {
        await door(kind);
        for (let i = 0; i < 3; i++) {
          const sinceMs = nowMs();
          await board.low(await push(sinceMs));
          await pause(1000);
          const pulses = board.pulsesSince(sinceMs);
          expectSame('pulses', pulses.length, 1);
          const lengthMs = pulses[0]?.lengthMs ?? 0;
          expect(`a pulse of ${pulseMs} ms ± 10 %`, Math.abs(lengthMs - pulseMs) <= pulseMs / 10, lengthMs);
          note(`pulse set ${pulseMs} ms, on the line ${lengthMs.toFixed(0)} ms`);
        }
      },
    }),
  ),
];
