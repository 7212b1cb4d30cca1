import { describe, expect, test } from 'vitest';
import { chainOf, inventedData, leftovers, openFarmSet, prefix } from './farm-set.ts';

/** Keys that hold anything of a job's data. */
const dataKeys = (keys: readonly string[]) => keys.filter((key) => /:(chunk|streams|fence|checkpoint|standing):/.test(key));

describe('a farm of trainers', () => {
  test('trains a job and leaves nothing of it behind', async () => {
    await using set = await openFarmSet();
    const trainer = await set.trainer();
    const { link, wanted, progress } = await set.train(set.farm(), inventedData());
    expect(link).toBe(wanted);
    expect(progress.some(({ stage }) => stage === 'linking')).toBe(true);
    await trainer.told(({ kind }) => kind === 'done');
    expect(dataKeys(await set.redis.client().keys(`${prefix}*`))).toEqual([]);
    expect(leftovers(trainer.folder)).toEqual([]);
    expect(await trainer.stop()).toBe(0);
  });

  test('goes on from the last checkpoint on another host when a trainer is killed', async () => {
    await using set = await openFarmSet();
    const first = await set.trainer(set.trainers[0]);
    const training = set.train(set.farm(), inventedData());
    await first.told((event) => event.kind === 'checkpoint');
    await first.kill();
    const doneBefore = set.stepsDone().length;
    const second = await set.trainer(set.trainers[1]);
    const { link, wanted } = await training;
    expect(link).toBe(wanted);
    expect(await second.told(({ kind }) => kind === 'taken')).toMatchObject({ token: 2, from: { token: 1 } });
    expect(doneBefore).toBeLessThan(chainOf.steps);
    const repeated = set.stepsDone().length - chainOf.steps;
    // What was done after the last checkpoint, and the one that was on its way.
    expect(repeated).toBeLessThanOrEqual(2 * chainOf.checkpointEvery);
  });
});
