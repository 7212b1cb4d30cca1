/** A change of the vault's key that is killed at any moment: the vault opens, and everything in it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { vaultOf } from '../../src/adapters/vault.ts';
import { doorConfig } from '../fakes/config.ts';
import { killsOr } from '../fakes/kills.ts';

const kills = killsOr(2);
const place = { schema: 'people 6', column: 'pictures.picture', row: '7' };
const ada = { person: 'p-ada' };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-vault-killed-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it(
  'whenever it is killed, what was sealed before opens',
  async () => {
    const state = join(folder, 'state');
    const config = doorConfig({ 'state.folder': state });
    let sealed: Uint8Array;
    {
      using vault = vaultOf(config);
      sealed = vault.seal(ada, place, Buffer.from('a face'));
    }
    let epoch = 0;
    for (let n = 0; n < kills; n++) {
      const child: ChildProcess = spawn(
        process.execPath,
        ['--disable-warning=ExperimentalWarning', fileURLToPath(new URL('rekeying.ts', import.meta.url)), state],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      await Promise.race([once(child.stdout!, 'data'), once(child, 'exit')]);
      await new Promise((done) => setTimeout(done, Math.random() * 150));
      child.kill('SIGKILL');
      await once(child, 'exit');
      using vault = vaultOf(config);
      expect(Buffer.from(vault.open(ada, place, sealed) ?? []).toString()).toBe('a face');
      expect(vault.epoch).toBeGreaterThan(epoch);
      epoch = vault.epoch;
    }
  },
  60_000 + kills * 10_000,
);
