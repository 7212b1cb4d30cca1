/** A configuration in, the vault of its state folder opened out. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../base/errors.ts';
import { type Clock, systemClock } from '../base/time.ts';
import type { Config } from '../settings/load.ts';
import { keyIn, makeKeyFile } from '../vault/key-file.ts';
import { openKeyring } from '../vault/keyring.ts';
import type { Vault } from '../vault/port.ts';
import { stateFolder } from './basics.ts';

/** Opens the vault, made where there is none. Throws Faults `vault-locked`, and those of the keyring. */
export function vaultOf(config: Config, clock: Pick<Clock, 'wall'> = systemClock): Vault {
  const folder = stateFolder(config);
  const [file, keyFile] = [join(folder, 'vault.sqlite'), join(folder, 'vault.key')];
  const kek = keyIn(keyFile) ?? (existsSync(file) ? undefined : makeKeyFile(keyFile));
  if (!kek) throw new Fault('vault-locked', `The vault ${file} needs its key ${keyFile}: put the file back`);
  return openKeyring({ file, kek, source: 'beside', now: () => new Date(clock.wall()).toISOString() });
}
