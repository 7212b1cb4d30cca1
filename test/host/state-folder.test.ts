import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLog } from '../../src/base/log.ts';
import { stateModes } from '../../src/host/state-folder.ts';
import { wire } from '../../src/wire.ts';
import { fakeCamera } from '../fakes/camera.ts';
import { doorConfig } from '../fakes/config.ts';
import { drawingReader } from '../fakes/reader.ts';
import { fakeRelay } from '../fakes/relay.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-modes-'));
  mkdirSync(join(folder, 'networks'));
  writeFileSync(join(folder, 'operators.json'), '{}', { mode: 0o600 });
  symlinkSync('/dev/null', join(folder, 'link'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('the state folder', () => {
  it("that is its owner's alone is as it should be, whatever the modes of what lies in it", () => {
    chmodSync(join(folder, 'operators.json'), 0o666);
    expect(stateModes(folder)).toEqual({});
  });

  it.each([
    [0o750, 'readable'],
    [0o755, 'readable'],
    [0o770, 'writable'],
    [0o777, 'writable'],
    [0o720, 'writable'],
  ] as const)('of mode %o is %s by others, and the remedy is named', (mode, what) => {
    chmodSync(folder, mode);
    expect(stateModes(folder)[what]).toContain(`chmod 700 ${folder}`);
    if (what === 'readable') expect(stateModes(folder).writable).toBeUndefined();
  });

  it('in which others could write a file is named with the file', () => {
    chmodSync(folder, 0o755);
    chmodSync(join(folder, 'operators.json'), 0o620);
    expect(stateModes(folder).writable).toContain(`chmod go-rwx ${folder}/operators.json`);
  });

  it('in which others could write begins no door; one that they can read begins, and the log says so', async () => {
    const config = doorConfig({ 'state.folder': folder, 'identity.policy': 'paper' });
    const lines: string[] = [];
    const open = () =>
      wire(config, openLog('warn', { write: (line) => void lines.push(line) }), {
        camera: fakeCamera(),
        reader: drawingReader(),
        relay: fakeRelay(),
      });
    chmodSync(folder, 0o777);
    await expect(open()).rejects.toMatchObject({ code: 'bad-config', message: expect.stringContaining('may be written by other users') });
    chmodSync(folder, 0o755);
    await (await open())[Symbol.asyncDispose]();
    expect(lines.join('')).toContain('can be entered by other users');
  });
});
