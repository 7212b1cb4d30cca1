/** Lines of the log for somebody at a terminal: pino's JSON in, one readable line out, or nothing. */

/** pino's number for "warn". */
const warn = 40;

/** Told as events already. */
const toldAsEvents: ReadonlySet<string> = new Set([
  'camera failed',
  'face reader failed',
  'liveness checks failed',
  'liveness is checked again',
  'training ended',
]);

/** Below a warning, and still worth a line. */
const goodNews: ReadonlySet<string> = new Set(['broker connected']);

const details = ['command', 'by', 'broker', 'topic', 'file', 'network', 'job', 'seq'] as const;

/** The words of one line; undefined for what is told elsewhere or is of no interest at a terminal. */
export function logWords(line: string): string | undefined {
  const record = recordOf(line);
  const text = record?.msg;
  if (!record || typeof text !== 'string' || toldAsEvents.has(text)) return undefined;
  if (!(Number(record.level) >= warn) && !goodNews.has(text)) return undefined;
  const about = details.flatMap((name) => (isShort(record[name]) ? [`${name} ${record[name]}`] : []));
  const why = [record.detail ?? record.err ?? record.code].filter(isShort);
  return `${text}${about.length > 0 ? ` (${about.join(', ')})` : ''}${why.length > 0 ? `: ${why[0]}` : ''}`;
}

const isShort = (value: unknown): value is string | number => typeof value === 'string' || typeof value === 'number';

function recordOf(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const record: unknown = JSON.parse(line);
    return typeof record === 'object' && record !== null ? (record as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}
