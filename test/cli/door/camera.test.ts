/** `facelatch camera` on a computer without a camera: what it shows, and that nothing is bound by mistake. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { facelatch, jsonOf, temporaryFolder } from '../facelatch.ts';

const bound = { bus: 'usb', ids: '046d:0825', serial: 'A1', title: 'C270', port: '1-1' };
const none = ['--set', 'camera.device=not-there'];

it('shows the camera that the door is bound to', async () => {
  using state = temporaryFolder();
  writeFileSync(join(state.path, 'camera.json'), JSON.stringify(bound));
  const text = await facelatch(['camera', '--state', state.path]);
  expect([text.code, text.stdout]).toEqual([0, expect.stringContaining('bound to C270 (046d:0825, serial A1, port 1-1)')]);
  expect(jsonOf(await facelatch(['camera', '--state', state.path, '--json']))).toMatchObject({ bound, rule: 'camera' });
});

it('bind without that camera names the setting, and the note stays', async () => {
  using state = temporaryFolder();
  const file = join(state.path, 'camera.json');
  writeFileSync(file, JSON.stringify(bound));
  const run = await facelatch(['camera', 'bind', '--state', state.path, ...none]);
  expect([run.code, run.stderr]).toEqual([3, expect.stringMatching(/no camera not-there \(camera\.device\)/)]);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(bound);
  expect(existsSync(join(state.path, 'journal.sqlite'))).toBe(false);
});

it('bind of a camera that is not on USB says how that one is known', async () => {
  using state = temporaryFolder();
  const run = await facelatch(['camera', 'bind', '--state', state.path, '--set', 'camera.source=replay']);
  expect([run.code, run.stderr]).toEqual([2, expect.stringContaining('camera.fingerprint')]);
});
