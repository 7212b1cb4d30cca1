/**
 * What a child wrote to standard error, made fit to show: the last lines, short, without memory addresses and secrets.
 */
import type { Readable } from 'node:stream';

export interface LastLines {
  /** The last lines, joined with `; `. */
  text(): string;
}

const keptLines = 4;
const lineLimit = 300;

/** Keeps the last lines of `stream`; `hide` removes secrets that only the caller knows. */
export function lastLines(stream: Readable, hide: (text: string) => string = (text) => text): LastLines {
  let rest = '';
  let lines: string[] = [];
  stream.setEncoding('utf8');
  stream.on('error', () => undefined);
  stream.on('data', (text: string) => {
    const parts = (rest + text).split(/[\r\n]+/);
    rest = (parts.pop() ?? '').slice(0, 16 * lineLimit);
    lines = [...lines, ...parts].slice(-keptLines).map((line) => line.slice(0, 16 * lineLimit));
  });
  return {
    text: () =>
      [...lines, rest]
        .map((line) => redacted(hide(withoutOrigin(line))).slice(0, lineLimit))
        .filter((line, i, all) => line !== '' && line !== all[i - 1])
        .slice(-keptLines)
        .join('; '),
  };
}

/** `text` with user and password in every URL, and values that look like passwords, replaced by `…`. */
export function redacted(text: string): string {
  return text
    .replace(/:\/\/[^\s/?#]*@/g, '://…@')
    .replace(/\b(user|username|usr|pass|passwd|password|pwd|token|key|auth|secret)=[^\s&;,]*/gi, '$1=…');
}

/** Without ffmpeg's `[rtsp @ 0x55d1c3e6a6c0] `. */
function withoutOrigin(line: string): string {
  return line.replace(/^(\[[^\]]* @ 0x[0-9a-f]+\] ?)+/, '').trim();
}
