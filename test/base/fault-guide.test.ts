/** The page from a message to its cause and remedy: no fault is missing, and the words it quotes are in the program. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { faultGuide } from '../../src/base/fault-guide.ts';

const root = new URL('../../', import.meta.url);
const textOf = (path: string) => readFileSync(new URL(path, root), 'utf8');
const page = textOf('docs/operate/troubleshooting.md');

describe('docs/operate/troubleshooting.md', () => {
  it('holds every fault that the program can report', () => {
    const [, union = ''] = /export type FaultCode =([^;]+);/.exec(textOf('src/base/errors.ts')) ?? [];
    const codes = [...union.matchAll(/'([a-z-]+)'/g)].map(([, code]) => code);
    expect(codes.length).toBeGreaterThan(30);
    expect(codes.filter((code) => !page.includes(`| \`${code}\` |`))).toEqual([]);
  });

  it('quotes words that messages really hold', () => {
    const program = readdirSync(new URL('src/', root), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('fault-guide.ts'))
      .map((file) => textOf(`src/${file}`).replaceAll("\\'", "'"))
      .join('\n');
    const quoted = Object.values(faultGuide).flatMap(({ says }) => says);
    expect(quoted.filter((words) => !program.includes(words))).toEqual([]);
  });
});
