/** A real vault over a keyring in memory, with a key of its own. */
import { randomBytes } from 'node:crypto';
import { openKeyring } from '../../src/vault/keyring.ts';
import type { Vault } from '../../src/vault/port.ts';

export const memoryVault = (): Vault =>
  openKeyring({ file: ':memory:', kek: randomBytes(32), source: 'beside', now: () => new Date().toISOString() });
