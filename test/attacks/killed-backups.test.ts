/** A process that is killed while it backs up or restores: what was there is whole, and the next one takes over. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { clearCopies } from '../../src/vault/backup/take.ts';
import { unpackBackup } from '../../src/vault/backup/unpack.ts';
import { derivedKey } from '../../src/vault/derived.ts';
import { keyText } from '../../src/vault/key-file.ts';
import { backupKek, keyringOf, stateToBackUp } from '../fakes/backup.ts';
import { killsOr } from '../fakes/kills.ts';

const loop = fileURLToPath(new URL('../fakes/backup-loop.ts', import.meta.url));
const kills = killsOr(2);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-killed-'));
  stateToBackUp(join(folder, 'state')).close();
  writeFileSync(join(folder, 'state', 'vault.key'), keyText(backupKek));
});
afterEach(() => rmSync(folder, { recursive: true }));

it(`after each of ${kills} kills the state folder is whole, and so is the backup`, { timeout: 20_000 * kills }, async () => {
  const [state, file] = [join(folder, 'state'), join(folder, 'door.age')];
  for (let round = 0; round < kills; round++) {
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', loop, state, file, Buffer.from(backupKek).toString('hex')],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    await once(child.stdout, 'data');
    const wait = Promise.race([once(child, 'exit'), new Promise((resolve) => setTimeout(resolve, Math.random() * 400))]);
    await wait;
    expect(child.exitCode, 'it ended by itself').toBe(null);
    child.kill('SIGKILL');
    await once(child, 'close');
    checkState(state);
    if (existsSync(file)) await checkBackup(file);
    for (const name of readdirSync(folder)) if (name.startsWith('state.before-')) rmSync(join(folder, name), { recursive: true });
  }
  clearCopies(state);
  expect(readdirSync(state).filter((name) => name.startsWith('.new'))).toEqual([]);
});

function checkState(state: string): void {
  using vault = keyringOf(state);
  expect(vault.owners()).toEqual(['door', { person: 'p-ada' }, { person: 'p-bob' }]);
  expect(vault.destroyed()).toMatchObject([{ owner: { person: 'p-eve' } }]);
  const notes = new DatabaseSync(join(state, 'notes.sqlite'));
  expect(notes.prepare('SELECT text FROM note').all()).toEqual([{ text: 'in the log' }]);
  notes.close();
  expect(readFileSync(join(state, 'models', 'one', 'network.onnx'))).toHaveLength(700_000);
}

async function checkBackup(file: string): Promise<void> {
  const to = join(folder, 'checked');
  const { isProvenBy } = await unpackBackup({ file, opener: { scalar: derivedKey(backupKek, 'backup identity') }, to });
  expect(isProvenBy(derivedKey(backupKek, 'backup manifest'))).toBe(true);
  rmSync(to, { recursive: true });
}
