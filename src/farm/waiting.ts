/**
 * How long a door waits for a trainer that can do its job: the roll goes in; once it has waited too long, a Fault that
 * says who is there comes out.
 */
import { Fault } from '../base/errors.ts';
import { presentTrainers } from './roll.ts';
import type { FarmRun, FarmSession } from './session.ts';

export function waitingWatch({ options, redis, trainers, job }: FarmSession, run: FarmRun) {
  const everyMs = Math.min(5000, options.waitMs / 2);
  let since = performance.now();
  let lookedAt = Number.NEGATIVE_INFINITY;
  return {
    reset: () => {
      since = performance.now();
    },
    /** The Fault once it has waited longer than `waitMs`. */
    look: async (): Promise<Fault | undefined> => {
      const now = performance.now();
      if (now - lookedAt < everyMs) return undefined;
      lookedAt = now;
      const present = await presentTrainers(redis, options.prefix, trainers);
      const able = present.filter(({ recipes, engine }) => recipes.includes(job.recipe) && engine === options.engine);
      run.onProgress({ stage: able.length > 0 ? 'waiting for a trainer' : 'no trainer can do it', done: 0, total: 1 });
      if (able.length > 0) since = now;
      if (now - since < options.waitMs) return undefined;
      const there = present.map(({ name, engine, recipes }) => `${name} (facelatch ${engine}: ${recipes.join(', ')})`).join('; ');
      return new Fault(
        'farm-unreachable',
        `No trainer that this door trusts can do ${job.recipe} in facelatch ${options.engine}; ${present.length === 0 ? 'none is there' : `there are ${there}`}: start one of the same version (facelatch trainer), or wait longer (farm.waitMs)`,
      );
    },
  };
}
