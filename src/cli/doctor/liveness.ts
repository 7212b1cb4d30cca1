/**
 * What `facelatch doctor` says about liveness: whether it is checked, with what, and what follows where it cannot be.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { galleryOf, stateFolder } from '../../adapters/basics.ts';
import { checksLiveness, livenessOf } from '../../adapters/liveness.ts';
import { vaultOf } from '../../adapters/vault.ts';
import type { EmbedderInfo } from '../../face/port.ts';
import type { Config } from '../../settings/load.ts';
import { people } from '../words.ts';
import type { Found } from './check.ts';

const pictureOpens = 'a picture of somebody enrolled opens this door';

/** Throws Faults of networks that cannot be loaded. `embedder`: absent where the people cannot be read. */
export async function checkLiveness(config: Config, embedder: EmbedderInfo | undefined): Promise<Found> {
  const { policy, whenNotChecked, challenges } = config.liveness;
  if (!checksLiveness(config))
    return { health: 'note', found: 'not checked (liveness.policy is "off"); see docs/use/liveness.md', lacks: [pictureOpens] };
  const startedMs = performance.now();
  await using checker = await livenessOf(config);
  const { name, version } = checker.info;
  const loaded = `${name} ${version}, loaded in ${Math.round(performance.now() - startedMs)} ms; policy ${policy}`;
  if (policy === 'off') return { health: 'note', found: `${loaded} for everyone outside of liveness.schedules and groups with their own` };
  if (whenNotChecked === 'allow')
    return {
      health: 'note',
      found: `${loaded}; liveness.whenNotChecked is "allow": where the checks fail, a picture opens. Set it to "second-factor"`,
    };
  const asks = policy.startsWith('challenge') && challenges.length === 0 ? '; liveness.challenges is empty, so the PIN is asked for' : '';
  return { health: 'ok', found: `${loaded}${asks}${withoutPin(config, embedder)}` };
}

/** Who would stay outside where liveness cannot be told. */
function withoutPin(config: Config, embedder: EmbedderInfo | undefined): string {
  if (!embedder || !existsSync(join(stateFolder(config), 'people.sqlite'))) return '';
  using vault = vaultOf(config);
  using gallery = galleryOf(config, embedder, vault);
  const without = gallery.list().filter(({ id }) => gallery.rules(id).pin === undefined).length;
  return without === 0 ? '' : `; ${people(without)} without a PIN cannot come in where liveness cannot be checked (facelatch people pin)`;
}
