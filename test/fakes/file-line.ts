/** A hardware line that is a file, `place.line`: each level is a row "level, process, wall-clock milliseconds" in it. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { Fault } from '../../src/base/errors.ts';
import type { Line, LinePlace } from '../../src/relay/line.ts';

export function openLine({ line }: LinePlace): Line {
  if (existsSync(`${line}.busy`)) throw new Fault('relay-busy', 'The line is taken by "another"');
  const drive = (level: string) => appendFileSync(line, `${level} ${process.pid} ${performance.timeOrigin + performance.now()}\n`);
  drive('safe');
  return { label: 'a file', drive, [Symbol.dispose]: () => undefined };
}

export interface Driven {
  readonly level: string;
  readonly pid: number;
  readonly atMs: number;
}

export function drivenIn(file: string): Driven[] {
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((row) => row.split(' '))
    .map(([level = '', pid, atMs]) => ({ level, pid: Number(pid), atMs: Number(atMs) }));
}
