/** A process of its own that gives the vault of a state folder one new key after the other: made to be killed at any moment. */
import { rekeyVault } from '../../src/adapters/vault-key.ts';
import { doorConfig } from '../fakes/config.ts';

const config = doorConfig({ 'state.folder': process.argv[2] });
for (let n = 0; ; n++) {
  await rekeyVault(config, { source: 'beside', by: 'test' });
  if (n === 0) process.stdout.write('begun\n');
}
