/** The documents are true: every link and anchor leads somewhere, every command can be given as it is printed, every configuration loads, and what is generated is what the code says now. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import GithubSlugger from 'github-slugger';
import { lexer, type Token, walkTokens } from 'marked';
import { expect, it } from 'vitest';
import { pages } from '../docs/generate.ts';
import { allCommands } from '../src/cli/commands.ts';
import { buildProgram } from '../src/cli/program.ts';
import { loadConfig } from '../src/settings/load.ts';
import { leaves } from '../src/settings/schema.ts';

const root = join(import.meta.dirname, '..');
const folders = ['docs', 'config', 'models', 'test'];
const files = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name)),
  ),
].toSorted();
const textOf = (file: string) => readFileSync(join(root, file), 'utf8');
/** Each document is read once for all that is asked of it. */
const once = <T>(read: (file: string) => T) => {
  const known = new Map<string, T>();
  return (file: string): T => {
    const found = known.get(file) ?? read(file);
    known.set(file, found);
    return found;
  };
};
const tokensOf = once((file): readonly Token[] => {
  const all: Token[] = [];
  walkTokens(lexer(textOf(file)), (token) => void all.push(token));
  return all;
});

const anchorsOf = once((file): ReadonlySet<string> => {
  const slugs = new GithubSlugger();
  const headings = tokensOf(file).flatMap((token) => (token.type === 'heading' ? [slugs.slug(plain(token.tokens ?? []))] : []));
  return new Set([...headings, ...[...textOf(file).matchAll(/<a (?:id|name)="([^"]+)"/g)].map(([, id = '']) => id)]);
});

const plain = (tokens: readonly Token[]): string =>
  tokens.map((token) => ('tokens' in token && token.tokens ? plain(token.tokens) : 'text' in token ? token.text : token.raw)).join('');

it('every link of the documents leads to a file and an anchor that are there', () => {
  const broken: string[] = [];
  for (const file of files)
    for (const token of tokensOf(file)) {
      if (token.type !== 'link' && token.type !== 'image') continue;
      const { href } = token as { href: string };
      if (/^(https?|mailto):/.test(href)) continue;
      const [path = '', anchor] = href.split('#');
      const target = path === '' ? file : relative(root, resolve(root, dirname(file), decodeURIComponent(path)));
      if (!existsSync(join(root, target))) broken.push(`${file}: ${href} is not there`);
      else if (anchor && target.endsWith('.md') && !anchorsOf(target).has(anchor)) broken.push(`${file}: ${href} has no such heading`);
    }
  expect(broken).toEqual([]);
});

it('every page that the program names is there', () => {
  const named = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => [...textOf(join('src', name)).matchAll(/\b(?:docs|config)\/[\w/-]+\.(?:md|json)\b/g)].map(([path]) => path));
  expect(named.length).toBeGreaterThan(5);
  expect([...new Set(named)].filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

it('every page of docs can be reached from the README by links', () => {
  const seen = new Set<string>();
  const visit = (file: string) => {
    if (seen.has(file) || !existsSync(join(root, file))) return;
    seen.add(file);
    for (const token of tokensOf(file)) {
      const { href = '' } = token.type === 'link' ? (token as { href: string }) : {};
      if (href === '' || /^(https?|mailto):/.test(href)) continue;
      const target = relative(root, resolve(root, dirname(file), href.split('#')[0] || '.'));
      if (target.endsWith('.md')) visit(target);
    }
  };
  visit('README.md');
  expect(files.filter((file) => file.startsWith('docs/') && !seen.has(file))).toEqual([]);
});

it('every command that the documents print can be given so', async () => {
  const wrong: string[] = [];
  for (const file of files)
    for (const token of tokensOf(file)) {
      if (token.type !== 'code' || !/^(sh|bash|console)\b/.test(token.lang ?? '')) continue;
      for (const line of token.text.replaceAll('\\\n', ' ').split('\n'))
        for (const words of commandsIn(line)) {
          const problem = await problemOf(words);
          if (problem) wrong.push(`${file}: ${words.join(' ')} — ${problem}`);
        }
    }
  expect(wrong).toEqual([]);
  expect(await problemOf(['facelatch', 'enrol', 'Ada', '--bogus'])).toContain('--bogus');
  expect(await problemOf(['facelatch', 'run', '--set', 'camera.fpz=3'])).toContain('camera.fpz');
});

it('every configuration that the documents print loads', () => {
  const sections = new Set([...leaves()].map(([path]) => path.split('.')[0]));
  const folder = mkdtempSync(join(tmpdir(), 'facelatch-docs-'));
  const wrong: string[] = [];
  for (const file of files)
    for (const token of tokensOf(file)) {
      if (token.type !== 'code' || token.lang !== 'json') continue;
      const place = join(folder, 'example.json');
      try {
        const value: unknown = JSON.parse(token.text);
        if (!Object.keys(value as object).every((key) => sections.has(key))) continue;
        writeFileSync(place, token.text);
        loadConfig({ files: [place], env: {}, flags: new Map() });
      } catch (error) {
        // What is only half of a configuration may lack its other half; a name or value that is wrong is wrong in any.
        wrong.push(`${file}: ${token.text.slice(0, 80)} — ${error instanceof Error ? error.message : error}`);
      }
    }
  rmSync(folder, { recursive: true });
  expect(wrong).toEqual([]);
});

it.each(Object.keys(pages))('docs/%s is what `npm run reference` makes', (page) => {
  expect(textOf(join('docs', page))).toBe(pages[page]?.());
});

it('the README has at most 200 lines', () => {
  expect(textOf('README.md').split('\n').length - 1).toBeLessThanOrEqual(200);
});

/** The commands of facelatch and npm in a line of a shell: without what is before them, pipes, redirections and comments. */
function commandsIn(line: string): string[][] {
  const parts: string[][] = [[]];
  for (const [, quoted, single, word = ''] of line.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|((?:[^\s"'\\]|\\.|"[^"]*"|'[^']*')+)/g)) {
    const text = quoted ?? single ?? word;
    const bare = quoted === undefined && single === undefined;
    if (bare && text.startsWith('#')) break;
    if (bare && /^(\||\|\||&&|;)$/.test(text)) parts.push([]);
    else parts.at(-1)?.push(bare && /^[<>]|^2>/.test(text) ? '>' : text.replace(/["']/g, ''));
  }
  return parts.flatMap((words) => {
    const from = words.findIndex((word, at) => (/^(facelatch|npm)$/.test(word) || /\/facelatch$/.test(word)) && words[at - 1] !== '-u');
    const cut = words.slice(from).indexOf('>');
    // What stands before it starts it (sudo, a variable); anything else is another program that only names facelatch.
    const starts = words.slice(0, from).every((word, at) => /^(sudo|npx|-u|-H|env|time|[A-Z_]+=.*)$/.test(word) || words[at - 1] === '-u');
    if (from < 0 || !starts) return [];
    return [cut < 0 ? words.slice(from) : words.slice(from, from + cut)];
  });
}

const commands = await allCommands();

async function problemOf([name = '', ...rest]: readonly string[]): Promise<string | undefined> {
  if (name === 'npm') {
    const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
    const script = rest[0] === 'run' ? rest[1] : rest[0];
    return script === undefined || script in scripts || /^(install|ci|start|test|rebuild)$/.test(script) ? undefined : 'no such script';
  }
  const program = buildProgram({ stop: new AbortController().signal, json: true, exit: () => undefined }, commands);
  const quiet = (command: Command) => {
    command.configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
    if (command.commands.length === 0 || 'facelatch' !== command.name()) command.action(() => undefined);
    command.commands.forEach(quiet);
  };
  program.commands.forEach(quiet);
  try {
    await program.parseAsync(
      rest.map((word) => word.replace(/[…]$/, '')),
      { from: 'user' },
    );
  } catch (error) {
    const { code = '', message } = error as { code?: string; message: string };
    if (!/help|version/.test(code)) return message;
  }
  const known = new Set([...leaves()].map(([path]) => path));
  const unknown = rest.flatMap((word, at) => (rest[at - 1] === '--set' ? [word.split('=')[0] ?? ''] : [])).find((path) => !known.has(path));
  return unknown === undefined ? undefined : `there is no setting ${unknown}`;
}

it('no picture of the documents is larger than 300 kB', () => {
  const pictures = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.(svg|png|jpg|gif)$/.test(name),
  );
  expect(pictures.filter((name) => statSync(join(root, 'docs', name)).size > 300_000)).toEqual([]);
});
