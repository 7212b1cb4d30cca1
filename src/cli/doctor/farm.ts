/**
 * What `facelatch doctor` tries of a farm, where one is configured: Redis as this door uses it, and the trainers it
 * trusts.
 */

import { Fault } from '../../base/errors.ts';
import { version } from '../../base/version.ts';
import type { Config } from '../../settings/load.ts';
import type { Found } from './check.ts';

/** A firewall that drops packets gives no answer at all. Milliseconds. */
const patienceMs = 8000;

/** None where this door has no farm. */
export function farmChecks(config: Config, stop: AbortSignal): readonly { readonly name: string; readonly work: () => Promise<Found> }[] {
  if (config.farm.url === '') return [];
  return [
    { name: 'farm', work: () => checkRedis(config, stop) },
    { name: 'trainers', work: () => checkTrainers(config, stop) },
  ];
}

/** Loaded only where there is a farm. */
const place = () => import('../../learning/farm.ts');

async function within<T>(config: Config, stop: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const late = AbortSignal.timeout(patienceMs);
  try {
    return await work(AbortSignal.any([stop, late]));
  } catch (error) {
    stop.throwIfAborted();
    if (!late.aborted) throw error;
    throw new Fault(
      'farm-unreachable',
      `Redis at ${config.farm.url} does not answer within ${patienceMs / 1000} s: is there a firewall between?`,
      error,
    );
  }
}

async function checkRedis(config: Config, stop: AbortSignal): Promise<Found> {
  const { probeFarm } = await place();
  const { label, answerMs, keeps, fenced } = await within(config, stop, (signal) => probeFarm(config, signal));
  const notes = [
    ...(keeps ? [] : ['it forgets its jobs when it restarts, and they begin again: set "appendonly yes" in its redis.conf']),
    ...(fenced ? [] : ['this user may read what belongs to other doors: give it the access control line of docs/learn/farm.md']),
  ];
  const found = `${label}: lets this door write, read and run scripts, ${answerMs.toFixed(0)} ms each; evicts nothing; the clocks agree`;
  return { health: notes.length === 0 ? 'ok' : 'note', found: [found, ...notes].join('; ') };
}

async function checkTrainers(config: Config, stop: AbortSignal): Promise<Found> {
  const { rollOf } = await place();
  const roll = await within(config, stop, (signal) => rollOf(config, signal));
  const { recipe } = config.retrain;
  const able: string[] = [];
  const others: string[] = [];
  for (const { card, present } of roll) {
    if (!present) others.push(`${card.name} is not running`);
    else if (present.engine !== version)
      others.push(`${card.name} runs facelatch ${present.engine}, this door ${version}: update one of the two`);
    else if (!present.recipes.includes(recipe)) others.push(`${card.name} cannot do ${recipe} (retrain.recipe; there: trainer.recipes)`);
    else able.push(`${card.name} (${present.device}${present.busy === undefined ? '' : `, at ${present.busy}`})`);
  }
  if (able.length > 0)
    return { health: others.length === 0 ? 'ok' : 'note', found: [`${able.join(', ')} can do ${recipe}`, ...others].join('; ') };
  throw new Fault(
    'farm-unreachable',
    `No trainer is running that can do ${recipe} for this door: ${others.join('; ')}. Start one (facelatch trainer, or systemctl start facelatch-trainer on its host), with the key of the card that farm.trainers names`,
  );
}
