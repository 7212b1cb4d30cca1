/**
 * The program's log: pino, JSON lines to standard output, levels from the configuration. Person ids only: never a
 * name, an embedding, a picture or a secret. The journal is separate.
 */
import { type DestinationStream, type Logger, pino } from 'pino';
import { shownText } from './path.ts';

export type Log = Logger;
export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** A logger at `level`, written to `destination` (standard output by default) and into `kept`, flushed at exit. */
export function openLog(level: (typeof logLevels)[number], destination?: DestinationStream, kept?: KeptLines): Log {
  const out = destination ?? pino.destination({ sync: true });
  const both = {
    write: (line: string) => {
      out.write(line);
      kept?.take(line);
    },
  };
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, hooks: { streamWrite: shownText } }, kept ? both : out);
}

/** The last lines of a log, for whoever looks at it later. */
export interface KeptLines {
  take(line: string): void;
  /** JSON, the oldest first. */
  readonly lines: readonly string[];
}

const mostKept = 1000;
const longestKept = 2000;
/** Levels below `info` are for whoever reads the whole log. */
const isDetail = /^\{"level":[12]0,/;

export function keptLines(): KeptLines {
  const lines: string[] = [];
  return {
    lines,
    take: (line) => {
      if (line.length > longestKept || isDetail.test(line)) return;
      lines.push(line);
      if (lines.length > mostKept) lines.shift();
    },
  };
}
