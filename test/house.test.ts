/**
 * The order of the house: how many files and lines a reader must hold at once, and that one name means one thing. The walls between rooms are Biome's
 * (biome.json); here one intruder for each room tries them.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { parse } from 'acorn';
import { full } from 'acorn-walk';
import { beforeAll, describe, expect, it } from 'vitest';

const root = new URL('..', import.meta.url).pathname;
const src = join(root, 'src');
const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
  .toSorted();
const textOf = (file: string) => readFileSync(join(src, file), 'utf8');

it('at most four loose files lie at the top of src, and no folder holds more than 22', () => {
  const perFolder = Object.groupBy(files, (file) => dirname(file));
  expect(perFolder['.']?.length).toBeLessThanOrEqual(4);
  expect(Object.entries(perFolder).filter(([folder, held]) => folder !== '.' && (held?.length ?? 0) > 22)).toEqual([]);
});

it('no function is longer than 80 lines', () => {
  const long = files.flatMap((file) => {
    const tree = parse(stripTypeScriptTypes(textOf(file)), { ecmaVersion: 'latest', sourceType: 'module', locations: true });
    const found: string[] = [];
    full(tree, (node) => {
      if (!/Function/.test(node.type) || !node.loc) return;
      const lines = node.loc.end.line - node.loc.start.line + 1;
      if (lines > 80) found.push(`${file}:${node.loc.start.line} has ${lines} lines`);
    });
    return found;
  });
  expect(long).toEqual([]);
});

it('no comment goes beyond column 120', () => {
  const wide = files.flatMap((file) =>
    textOf(file)
      .split('\n')
      .flatMap((line, at) => (line.length > 120 && /^\s*(\/\/|\/?\*)/.test(line) ? [`${file}:${at + 1}`] : [])),
  );
  expect(wide).toEqual([]);
});

it('an exported name means one thing in the whole house', () => {
  // What every adapter module of a port exports under one name, so that a configuration can choose the module.
  const agreed = ['openLine', 'openDevice'];
  const places = new Map<string, string[]>();
  for (const file of files)
    for (const [, name = ''] of textOf(file).matchAll(/^export (?:async )?(?:function\*?|const|class|interface|type) (\w+)/gm))
      places.set(name, [...(places.get(name) ?? []), file]);
  expect([...places].filter(([name, where]) => where.length > 1 && !agreed.includes(name))).toEqual([]);
});

it('typebox is imported in one place, which chooses the check that loads fastest', () => {
  expect(files.filter((file) => /from 'typebox/.test(textOf(file)))).toEqual(['base/schema.ts']);
});

it('a door loads what speaks to a network or a webcam, and what signs, only where it does: 10 MB of its memory', () => {
  const loaded = new Set<string>();
  const load = (file: string) => {
    const tree = parse(stripTypeScriptTypes(textOf(file)), { ecmaVersion: 'latest', sourceType: 'module' });
    for (const statement of tree.body) {
      const spec = 'source' in statement ? statement.source?.value : undefined;
      if (typeof spec !== 'string') continue;
      const name = spec.startsWith('.') ? join(dirname(file), spec) : spec;
      if (loaded.has(name)) continue;
      loaded.add(name);
      if (spec.startsWith('.')) load(name);
    }
  };
  load('cli/door/run.ts');
  expect([...loaded]).toEqual(expect.arrayContaining(['wire.ts', 'camera/replay.ts', 'sharp']));
  expect(
    ['mqtt', 'jose', 'node-webcam', 'node:http', 'node:https', 'node:tls', 'aedes', 'fastify'].filter((name) => loaded.has(name)),
  ).toEqual([]);
});

it('no room depends on itself by way of others', () => {
  const roomOf = (path: string) => path.split('/')[0] ?? '';
  const sees = new Map<string, Set<string>>();
  for (const file of files)
    for (const [, spec = ''] of textOf(file).matchAll(/from '(\.[^']+)'/g)) {
      const other = roomOf(relative(src, join(src, dirname(file), spec)));
      if (other !== roomOf(file)) sees.set(roomOf(file), (sees.get(roomOf(file)) ?? new Set()).add(other));
    }
  const reached = (from: string, seen = new Set<string>()): Set<string> => {
    for (const next of sees.get(from) ?? []) if (!seen.has(next)) reached(next, seen.add(next));
    return seen;
  };
  expect([...sees.keys()].filter((room) => reached(room).has(room))).toEqual([]);
});

describe('the walls', () => {
  const rooms = [
    ...[
      'access',
      'camera',
      'catalogue',
      'command',
      'console',
      'face',
      'farm',
      'host',
      'identity',
      'journal',
      'liveness',
      'mqtt',
      'recipes',
      'relay',
      'retrain',
      'train',
      'vault',
    ],
  ];
  const refused = [
    ...rooms.flatMap((room) => [
      [`${room}/intruder.ts`, room === 'relay' ? 'access/decide.ts' : 'relay/keeper.ts'],
      ...['wire.ts', 'cli/context.ts', 'settings/load.ts', 'adapters/basics.ts'].map((above) => [`${room}/intruder.ts`, above]),
    ]),
    ...[
      ['camera/demo/intruder.ts', 'relay/keeper.ts'],
      ['train/onnx/intruder.ts', 'adapters/basics.ts'],
      ['settings/intruder.ts', 'relay/keeper.ts'],
      ['base/intruder.ts', 'relay/port.ts'],
      ['base/intruder.ts', 'events.ts'],
      ['base/model/intruder.ts', 'face/port.ts'],
      ['base/model/intruder.ts', 'events.ts'],
      ['events.ts', 'base/time.ts'],
      ['adapters/intruder.ts', 'learning/open.ts'],
      ['adapters/vouched/intruder.ts', 'house/loops.ts'],
      ['adapters/vouched/intruder.ts', 'wire.ts'],
      ['learning/intruder.ts', 'house/loops.ts'],
      ['house/intruder.ts', 'cli/context.ts'],
      ['house/intruder.ts', 'wire.ts'],
      ['house/console/intruder.ts', 'cli/context.ts'],
      ['house/console/intruder.ts', 'wire.ts'],
      ['wire.ts', 'cli/context.ts'],
      ['cli/door/intruder.ts', 'main.ts'],
    ],
  ] as [string, string][];
  const taken: [string, string][] = [
    ['mqtt/newcomer.ts', 'access/port.ts'],
    ['mqtt/newcomer.ts', 'events.ts'],
    ['mqtt/newcomer.ts', 'base/time.ts'],
    ['train/onnx/newcomer.ts', 'face/port.ts'],
    ['train/onnx/newcomer.ts', 'train/port.ts'],
    ['settings/newcomer.ts', 'access/port.ts'],
    ['base/newcomer.ts', 'base/time.ts'],
    ['base/model/newcomer.ts', 'base/time.ts'],
    ['adapters/newcomer.ts', 'relay/keeper.ts'],
    ['adapters/vouched/newcomer.ts', 'adapters/basics.ts'],
    ['learning/newcomer.ts', 'recipes/adapt.ts'],
    ['cli/door/newcomer.ts', 'wire.ts'],
  ];
  let complaints: ReadonlySet<string>;

  beforeAll(() => {
    // Biome reads nothing from standard input here, so the intruders stand in a house of their own with the same walls.
    const house = mkdtempSync(join(tmpdir(), 'facelatch-walls-'));
    const { overrides } = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8'));
    writeFileSync(join(house, 'biome.json'), JSON.stringify({ overrides }));
    for (const [file, imported] of [...refused, ...taken]) {
      const path = join(house, 'src', unique(file, imported));
      const from = relative(dirname(path), join(house, 'src', imported));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, `import { peek } from '${from.startsWith('.') ? from : `./${from}`}';\n\nexport const seen = peek;\n`);
    }
    const { stdout } = spawnSync(
      join(root, 'node_modules/.bin/biome'),
      ['lint', '--only=style/noRestrictedImports', '--reporter=github', '--max-diagnostics=none', 'src'],
      { cwd: house, encoding: 'utf8' },
    );
    complaints = new Set([...stdout.matchAll(/noRestrictedImports,file=(?:\S*\/)?src\/([^,]+),/g)].map(([, file = '']) => file));
    rmSync(house, { recursive: true });
  });

  /** A file of its own for each attempt; those at the top of src are what the walls name them. */
  const unique = (file: string, imported: string) => (file.includes('/') ? file.replace('.ts', `-${imported.replaceAll('/', '-')}`) : file);

  it.each(refused)('%s may not import %s', (file, imported) => {
    expect(complaints).toContain(unique(file, imported));
  });

  it.each(taken)('%s may import %s', (file, imported) => {
    expect(complaints).not.toContain(unique(file, imported));
  });
});
