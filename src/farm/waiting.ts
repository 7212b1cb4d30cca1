/** How long a door waits for a trainer that can do its job: who is there goes in; a fault that says who is, once it has waited long enough, comes out. */
import { Fault } from '../base/errors.ts';
import type { Post, Run } from './post.ts';
import { presentTrainers } from './roll.ts';

/** Whether anybody is there who can do the job. */
export function waitingWatch({ options, redis, trainers, job }: Post, run: Run) {
  const everyMs = Math.min(5000, options.waitMs / 2);
  let since = performance.now();
  let lookedAt = Number.NEGATIVE_INFINITY;
  return {
    reset: () => {
      since = performance.now();
    },
    /** A Fault where it has waited long enough. */
    look: async (): Promise<Fault | undefined> => {
      const now = performance.now();
      if (now - lookedAt < everyMs) return undefined;
      lookedAt = now;
      const present = await presentTrainers(redis, options.prefix, trainers);
      const able = present.filter(({ recipes, engine }) => recipes.includes(job.recipe) && engine === options.engine);
      run.onProgress({ stage: able.length > 0 ? 'waiting for a trainer' : 'no trainer is there that can do it', done: 0, total: 1 });
      if (able.length > 0) since = now;
      if (now - since < options.waitMs) return undefined;
      const there = present.map(({ name, engine, recipes }) => `${name} (facelatch ${engine}: ${recipes.join(', ')})`).join('; ');
      return new Fault(
        'farm-unreachable',
        `No trainer that this door trusts can do ${job.recipe} in facelatch ${options.engine}; there ${present.length === 0 ? 'is none at all' : `are ${there}`}: start one of the same version (facelatch trainer), or wait longer (farm.waitMs)`,
      );
    },
  };
}
