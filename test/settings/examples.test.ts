/** config/examples/: every file is a configuration that works, sets only what it must, and is described. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/settings/load.ts';
import { facelatch, root } from '../cli/facelatch.ts';

const folder = join(root, 'config', 'examples');
const examples = readdirSync(folder).filter((name) => name.endsWith('.json'));

it('there is an example for each way to build a door', () => {
  expect(examples).toEqual(['jetson.json', 'office-schedules.json', 'raspberry-pi-strike.json', 'rtsp-camera.json', 'shelly.json']);
});

it('the README has one chapter for each example', () => {
  const chapters = [...readFileSync(join(folder, 'README.md'), 'utf8').matchAll(/^## (.+)$/gm)].map(([, name]) => name);
  expect(chapters.toSorted()).toEqual(examples);
});

describe.each(examples)('%s', (name) => {
  const file = join(folder, name);

  it('loads without a problem, and every setting in it differs from its default', () => {
    const { sources } = loadConfig({ files: [file] });
    const defaults = loadConfig({}).sources;
    const given = [...sources].filter(([, { source }]) => source === `file ${file}`);
    expect(given.length).toBeGreaterThan(3);
    expect(given.filter(([path, { value }]) => JSON.stringify(value) === JSON.stringify(defaults.get(path)?.value))).toEqual([]);
  });

  it('is accepted by facelatch config', async () => {
    const { code, stdout, stderr } = await facelatch(['config', '--json', '--config', file]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(Object.values(JSON.parse(stdout) as object).filter(({ source }) => source === `file ${file}`).length).toBeGreaterThan(3);
  });
});
