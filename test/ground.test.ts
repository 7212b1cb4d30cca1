/** The ground the house stands on: what is installed runs no script that was not named, and no face of the data folder is here. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = new URL('..', import.meta.url).pathname;
const json = (file: string) => JSON.parse(readFileSync(join(root, file), 'utf8'));

it('allowScripts names every dependency with an install script, and denies what downloads from elsewhere', () => {
  const packages = Object.entries(json('package-lock.json').packages as Record<string, { hasInstallScript?: boolean; os?: string[] }>);
  const withScripts = packages
    .filter(([, p]) => p.hasInstallScript && (!p.os || p.os.includes('linux')))
    .map(([path]) => path.split('node_modules/').at(-1) ?? '');
  const { allowScripts } = json('package.json');
  expect(Object.keys(allowScripts).toSorted()).toEqual([...new Set(withScripts)].toSorted());
  expect(allowScripts['onnxruntime-node']).toBe(false);
});

it('the lock file holds no address of a registry', () => {
  expect(readFileSync(join(root, 'package-lock.json'), 'utf8')).not.toContain('"resolved"');
});

it('no picture of a real person is tracked', ({ skip }) => {
  if (!existsSync(join(root, '.git'))) skip('not a git checkout');
  const tracked = execFileSync('git', ['ls-files', '*.jpg', '*.jpeg', '*.png', '*.pgm', '*.webp'], { cwd: root, encoding: 'utf8' })
    .trim()
    .split('\n');
  // The console's pictures show demo people: docs/generate makes them.
  const synthetic = /^(config\/demo-people\/p\d\d-(neutral|smiling)\.jpg|docs\/img\/console-[a-z-]+\.png)$/;
  expect(tracked.filter((file) => !synthetic.test(file))).toEqual([]);
});
