/**
 * The program's log: pino, JSON lines to standard output, levels from the configuration. Person ids only: never a
 * name, an embedding, a picture or a secret. The journal is separate.
 */
import { type DestinationStream, type Logger, pino } from 'pino';
import { shownText } from './path.ts';

export type Log = Logger;
export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** A logger at `level`, written to `destination` (standard output by default), flushed at exit. */
export function openLog(level: (typeof logLevels)[number], destination?: DestinationStream): Log {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, hooks: { streamWrite: shownText } },
    destination ?? pino.destination({ sync: true }),
  );
}
