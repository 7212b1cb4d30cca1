/**
 * A line with its timer: pulses and leases go in, edges come out, for a line of this computer and for a network device
 * alike. The keeper runs it.
 */
import { Fault, messageOf } from '../base/errors.ts';
import type { Clock } from '../base/time.ts';
import { type AnyLine, isDevice, type Level } from './line.ts';
import { type LineLimits, lineTimer } from './timer.ts';

export interface TimedLineOptions extends LineLimits {
  readonly line: AnyLine;
  readonly clock: Clock;
  /** Called before a device is told to be active, and after every other edge. */
  readonly onEdge?: (level: Level) => void;
  /** Called if the line could not be made safe: it must be released and taken again. */
  readonly onLost?: (error: unknown) => void;
}

export interface TimedLine {
  pulse(durationMs: number): Promise<void>;
  hold(leaseMs: number): Promise<void>;
  /** Immediate on a line of this computer. */
  safe(): Promise<void>;
  readonly level: Level;
}

/** `line` must be at its safe level. */
export function timedLine({ line, clock, maxMs, maxHoldMs, onEdge, onLost }: TimedLineOptions): TimedLine {
  let ended = 0;
  const drive = (level: Level, restMs: number): unknown => {
    if (!isDevice(line)) {
      line.drive(level);
      onEdge?.(level);
      return undefined;
    }
    if (level === 'active') onEdge?.(level);
    return line.drive(level, restMs).then(() => {
      if (level === 'safe') onEdge?.(level);
    });
  };
  const timer = lineTimer({ ...{ clock, maxMs, maxHoldMs, drive, renews: isDevice(line) }, ...(onLost && { onLost }) });
  const safe = async () => {
    ended++;
    await timer.safe();
  };
  const activate = async (begin: () => unknown) => {
    if (!isDevice(line)) return void begin();
    const before = ended;
    if (timer.level === 'safe') await line.ready();
    if (before !== ended) throw new Fault('relay-failed', 'The relay was told to be safe before it had answered');
    try {
      await begin();
    } catch (error) {
      // The command may have arrived, or may still arrive.
      await safe().catch((lost) => onLost?.(new Fault('relay-failed', `${messageOf(error)}; and then: ${messageOf(lost)}`, lost)));
      throw error;
    }
  };
  return {
    get level() {
      return timer.level;
    },
    pulse: (durationMs) => activate(() => timer.pulse(durationMs)),
    hold: (leaseMs) => activate(() => timer.hold(leaseMs)),
    safe,
  };
}
