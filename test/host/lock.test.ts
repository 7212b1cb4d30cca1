/** One daemon for each state folder, with real processes and real kills. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lockChanges, lockState } from '../../src/host/lock.ts';

const holder = fileURLToPath(new URL('holder.ts', import.meta.url));
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A second process that holds the folder. */
async function held() {
  const other = spawn(process.execPath, [holder, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(other.stdout!, 'data');
  return other;
}

describe('a state folder', () => {
  test('that another process holds is refused with its process id and the setting, and is free once that process is killed', async () => {
    const other = await held();
    for (let tries = 0; tries < 2; tries++) {
      expect(() => lockState(folder)).toThrow(
        expect.objectContaining({ code: 'state-locked', message: expect.stringMatching(`process ${other.pid}.*--state.*state\\.folder`) }),
      );
    }
    other.kill('SIGKILL');
    await once(other, 'exit');
    using _lock = lockState(folder);
    expect(readFileSync(join(folder, 'daemon.pid'), 'utf8')).toBe(`${process.pid}\n`);
  });

  test('held by this process is refused to another, and free after it was given back', async () => {
    const lock = lockState(folder);
    const refused = spawn(process.execPath, [holder, folder], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    refused.stderr!.on('data', (chunk) => {
      said += chunk;
    });
    const [code] = await once(refused, 'close');
    expect([code, said]).toEqual([1, expect.stringContaining(`process ${process.pid}`)]);
    lock[Symbol.dispose]();
    lock[Symbol.dispose](); // a second time does no harm
    expect(existsSync(join(folder, 'daemon.pid'))).toBe(false);
    const other = await held();
    other.kill('SIGKILL');
    await once(other, 'exit');
  });

  test('is refused twice within one process', () => {
    using _lock = lockState(folder);
    expect(() => lockState(folder)).toThrow(expect.objectContaining({ code: 'state-locked' }));
  });

  test('that is not there is made, for this user only', () => {
    const deep = join(folder, 'a', 'b');
    using _lock = lockState(deep);
    expect(statSync(deep).mode & 0o777).toBe(0o700);
  });

  test('that cannot be made is named with the setting', () => {
    writeFileSync(join(folder, 'file'), '');
    const fault = expect.objectContaining({ code: 'bad-config', message: expect.stringMatching(/file.*state\.folder/) });
    expect(() => lockState(join(folder, 'file'))).toThrow(fault);
    expect(() => lockState(join(folder, 'file', 'below'))).toThrow(fault);
  });

  test('below a folder that takes none is refused at once', () => {
    // With a time limit: recursive mkdir of Node.js loops for ever there.
    const code = `import { lockChanges, lockState } from ${JSON.stringify(new URL('../../src/host/lock.ts', import.meta.url).href)}; lockState('/proc/facelatch/state')`;
    const { signal, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
      timeout: 10_000,
      killSignal: 'SIGKILL',
      encoding: 'utf8',
    });
    expect(signal).toBeNull();
    expect(stderr).toMatch(/\/proc\/facelatch.*state\.folder/);
  });

  test('that cannot be written to is named with the setting', () => {
    chmodSync(folder, 0o555);
    const root = process.geteuid?.() === 0;
    try {
      if (root) process.seteuid?.(65_534); // root may write anywhere
      expect(() => lockState(folder)).toThrow(
        expect.objectContaining({ code: 'bad-config', message: expect.stringMatching(`${folder}.*state\\.folder`) }),
      );
    } finally {
      if (root) process.seteuid?.(0);
      chmodSync(folder, 0o700);
    }
  });

  test('that is writable with a lock file that is not says so', () => {
    lockState(folder)[Symbol.dispose]();
    writeFileSync(join(folder, 'daemon.lock'), 'no database, and longer than the header of one '.repeat(30));
    expect(() => lockState(folder)).toThrow(expect.objectContaining({ code: 'bad-config', message: expect.stringContaining(folder) }));
  });
});

describe('changes of a state folder', () => {
  const refused = expect.objectContaining({ code: 'state-locked' });

  test('go side by side; a restore waits for none of them, and none begins while it has the folder', () => {
    const [one, two] = [lockChanges(folder), lockChanges(folder)];
    one[Symbol.dispose]();
    expect(() => lockChanges(folder, 'alone')).toThrow(refused);
    two[Symbol.dispose]();
    {
      using _restore = lockChanges(folder, 'alone');
      expect(() => lockChanges(folder)).toThrow(expect.objectContaining({ message: expect.stringContaining('is being restored') }));
      expect(() => lockChanges(folder, 'alone')).toThrow(refused);
    }
    lockChanges(folder)[Symbol.dispose]();
  });

  test('beside a daemon', () => {
    using _daemon = lockState(folder);
    expect(() => lockChanges(folder)[Symbol.dispose]()).not.toThrow();
  });

  test('are those of the folder that is there, also where another was in its place', () => {
    const [state, aside] = [join(folder, 'state'), join(folder, 'aside')];
    using restore = lockChanges(state, 'alone');
    renameSync(state, aside);
    using change = lockChanges(state);
    restore[Symbol.dispose]();
    expect(() => lockChanges(state, 'alone')).toThrow(refused);
    change[Symbol.dispose]();
  });
});
