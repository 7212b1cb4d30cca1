/** Real vaults: in memory with a key of its own, beside a file that several processes open, and that of a state folder. */
import { randomBytes } from 'node:crypto';
import { vaultOf } from '../../src/adapters/vault.ts';
import { loadConfig } from '../../src/settings/load.ts';
import { openKeyring } from '../../src/vault/keyring.ts';
import type { Vault } from '../../src/vault/port.ts';

const now = () => new Date().toISOString();

export const memoryVault = (): Vault => openKeyring({ file: ':memory:', kek: randomBytes(32), source: 'beside', now });

/** Of `file`, with the same key for everyone who opens it. */
export const vaultBeside = (file: string): Vault =>
  openKeyring({ file: `${file}.vault`, kek: new Uint8Array(32).fill(7), source: 'beside', now });

/** As the daemon and the command line open it. */
export const vaultIn = (state: string): Vault => vaultOf(loadConfig({ flags: new Map([['state.folder', state]]) }).config);
