/** A process that gives way to every other: a priority in, the command before Node that gives it out. */
import { existsSync } from 'node:fs';

/** Its share of the processor: only what nobody else wants, little, or as much as any other process. */
export type Priority = 'idle' | 'low' | 'normal';

const chrt = '/usr/bin/chrt';
const nice = '/usr/bin/nice';

/** SCHED_IDLE (sched(7)) and the lowest niceness, which every thread inherits. */
export function launched(priority: Priority): readonly string[] {
  const idle = priority === 'idle' && existsSync(chrt) ? [chrt, '--idle', '0'] : [];
  const low = priority !== 'normal' && existsSync(nice) ? [nice, '-n', '19'] : [];
  return [...idle, ...low, process.execPath];
}
