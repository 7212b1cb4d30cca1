/** A line with its timer in this very process, on the test's clock: what the keeper runs, without the process around it. */

import type { Clock } from '../../src/base/time.ts';
import type { DeviceLine } from '../../src/relay/line.ts';
import type { Relay } from '../../src/relay/port.ts';
import { timedLine } from '../../src/relay/timed-line.ts';
import type { LineLimits } from '../../src/relay/timer.ts';

export function timedRelay(line: DeviceLine, clock: Clock, limits: LineLimits, onLost?: (error: unknown) => void): Relay {
  const timed = timedLine({ line, clock, ...limits, ...(onLost && { onLost }) });
  return {
    label: line.label,
    held: true,
    get level() {
      return timed.level;
    },
    pulse: timed.pulse,
    hold: timed.hold,
    safe: timed.safe,
    [Symbol.asyncDispose]: async () => {
      await timed.safe();
      line[Symbol.dispose]();
    },
  };
}
