/**
 * A trainer as a process of its own, with the recipe of the tests: its settings as JSON in the first argument; what it
 * tells as JSON lines.
 */
import { importKey, type PrivateKey, thumbprint } from '../../src/command/keys.ts';
import type { Card } from '../../src/farm/seal.ts';
import { runTrainer, type TrainerOptions } from '../../src/farm/trainer.ts';
import { type ChainOptions, chainRecipe } from '../fakes/recipe.ts';

export interface TrainerSettings extends Pick<TrainerOptions, 'redis' | 'prefix' | 'name' | 'folder' | 'engine' | 'maxBytes' | 'pace'> {
  readonly keys: { readonly sign: PrivateKey; readonly encrypt: PrivateKey };
  readonly doors: readonly Card[];
  readonly chain: Omit<ChainOptions, 'fails'>;
}

const { keys, doors, chain, ...settings }: TrainerSettings = JSON.parse(process.argv[2] ?? '{}');
// Ends with the test that started it.
process.stdin.on('end', () => process.exit(1)).resume();
const stop = new AbortController();
process.on('SIGTERM', () => stop.abort(new Error('SIGTERM')));
await runTrainer({
  ...settings,
  device: 'cpu',
  threads: 1,
  party: { id: await thumbprint(keys.sign), sign: await importKey(keys.sign), decrypt: await importKey(keys.encrypt) },
  doors,
  recipes: [chainRecipe(chain)],
  signal: stop.signal,
  tell: (event) => process.stdout.write(`${JSON.stringify(event)}\n`),
});
process.stdin.destroy();
