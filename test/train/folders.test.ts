/** The folders of src/train in layers: what each may look at. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, it } from 'vitest';

const train = new URL('../../src/train/', import.meta.url).pathname;

it('no folder of train depends on itself by way of others, the door apart', () => {
  const sees = new Map<string, Set<string>>();
  for (const file of readdirSync(train, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts')))
    for (const [, spec = ''] of readFileSync(join(train, file), 'utf8').matchAll(/(?:from |import\()'(\.[^']+)'/g)) {
      const target = relative(train, join(train, dirname(file), spec));
      if (target.startsWith('..') || target === 'port.ts' || dirname(target) === dirname(file)) continue;
      sees.set(dirname(file), (sees.get(dirname(file)) ?? new Set()).add(dirname(target)));
    }
  const reached = (from: string, seen = new Set<string>()): Set<string> => {
    for (const next of sees.get(from) ?? []) if (!seen.has(next)) reached(next, seen.add(next));
    return seen;
  };
  expect(sees.size).toBeGreaterThan(4);
  expect([...sees.keys()].filter((folder) => reached(folder).has(folder))).toEqual([]);
});
