/** Real vaults: over a keyring in memory, and over one beside a file that several processes open. */
import { randomBytes } from 'node:crypto';
import { openKeyring } from '../../src/vault/keyring.ts';
import type { Vault } from '../../src/vault/port.ts';

const now = () => new Date().toISOString();

export const memoryVault = (): Vault => openKeyring({ file: ':memory:', kek: randomBytes(32), source: 'beside', now });

/** Of `file`, with the same key for everyone who opens it. */
export const vaultBeside = (file: string): Vault =>
  openKeyring({ file: `${file}.vault`, kek: new Uint8Array(32).fill(7), source: 'beside', now });
