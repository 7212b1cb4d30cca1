import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import { Fault } from '../../src/base/errors.ts';
import { farmNames } from '../../src/farm/names.ts';
import { knownOf, seal } from '../../src/farm/seal.ts';
import type { TrainerEvent } from '../../src/farm/trainer.ts';
import { brief, chainOf, engine, type FarmSet, inventedData, leftovers, openFarmSet, pace, prefix, type Someone, someone } from './set.ts';

const kind =
  (...kinds: readonly TrainerEvent['kind'][]) =>
  (event: TrainerEvent) =>
    kinds.includes(event.kind);
/** Keys that hold anything of a job's data. */
const dataKeys = async (redis: Redis) =>
  (await redis.keys(`${prefix}*`)).filter((key) => /:(chunk|streams|fence|checkpoint|standing):/.test(key));
const refusal = (code: string, text: string) => expect.objectContaining({ code, message: expect.stringContaining(text) });
const taken = ({ events }: { readonly events: readonly TrainerEvent[] }) => events.filter(kind('taken')).length;
const names = farmNames(prefix, 'front-door');

/** Looks again until there is something. */
async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await delay(5); // between two looks at the condition
  }
}

/** Changes or deletes a chunk of a stream, whichever comes first. */
async function spoil(redis: Redis, how: 'change' | 'delete', except: readonly string[] = []): Promise<string[]> {
  const chunks = (await redis.keys(`${prefix}:front-door:chunk:*`)).filter((key) => !except.includes(key));
  for (const key of chunks) {
    if (how === 'delete') await redis.unlink(key);
    else if ((await redis.exists(key)) === 1) await redis.setrange(key, 10, randomBytes(8));
  }
  return chunks;
}

describe('a farm of trainers', () => {
  test('trains a job and leaves nothing of it behind', async () => {
    await using set = await openFarmSet();
    const trainer = set.near();
    const { link, wanted, progress } = await set.train(set.farm(), inventedData());
    expect(link).toBe(wanted);
    expect(progress.some(({ stage }) => stage === 'linking')).toBe(true);
    await trainer.told(kind('done'));
    expect(await dataKeys(set.redis.client())).toEqual([]);
    expect(leftovers(trainer.folder)).toEqual([]);
    await trainer.stop();
    expect(trainer.events.some(kind('redis-lost', 'trouble'))).toBe(false);
  });

  test('a trainer that says it is ready is on the roll', async () => {
    await using set = await openFarmSet();
    const redis = set.redis.client();
    await redis.ping();
    await set.near().told(kind('ready'));
    expect(await redis.keys(`${prefix}-trainers:*`)).toHaveLength(1);
  });

  test('never writes a picture to Redis or to the disk of a trainer in the clear', async () => {
    await using set = await openFarmSet();
    const data = inventedData(2, 2);
    const mark = Buffer.from('a face that nobody may see');
    for (const { samples } of data.people)
      for (const { picture } of samples) Buffer.from(picture.buffer, picture.byteOffset).set(mark, 100);
    const trainer = set.near(undefined, { heldBy: set.heldBy });
    const redis = set.redis.client();
    const training = set.train(set.farm(), data);
    await trainer.told(kind('checkpoint'));
    for (const key of await redis.keys('*'))
      if ((await redis.type(key)) === 'string') expect((await redis.getBuffer(key))?.includes(mark) ?? false).toBe(false);
      else if ((await redis.type(key)) === 'hash') expect(JSON.stringify(await redis.hgetall(key))).not.toContain('person-');
    set.goOn();
    const { link, wanted } = await training;
    expect(link).toBe(wanted);
  });

  test('goes on from the last checkpoint on another host when a trainer is killed', async () => {
    await using set = await openFarmSet();
    const first = await set.trainer(set.trainers[0], { heldBy: set.heldBy }, brief);
    const training = set.train(set.farm(), inventedData());
    await first.told(kind('checkpoint'));
    await first.kill();
    const doneBefore = set.stepsDone().length;
    expect(leftovers(first.folder)).toHaveLength(1);
    const second = set.near(set.trainers[1], {}, { ...brief, folder: first.folder });
    const { link, wanted } = await training;
    expect(link).toBe(wanted);
    expect(await second.told(kind('taken'))).toMatchObject({ token: 2, from: { token: 1 } });
    expect(doneBefore).toBeLessThan(chainOf.steps);
    // What was done after the last checkpoint, and the one that may have been on its way.
    expect(set.stepsDone().length - chainOf.steps).toBeLessThanOrEqual(2 * chainOf.checkpointEvery);
    expect(leftovers(first.folder)).toEqual([]);
  });

  test('takes one result where a trainer that was thought dead comes back', async () => {
    await using set = await openFarmSet();
    const first = await set.trainer(set.trainers[0], { heldBy: set.heldBy }, brief);
    const training = set.train(set.farm(), inventedData());
    await first.told(kind('checkpoint'));
    first.child.kill('SIGSTOP');
    const second = set.near(set.trainers[1], {}, brief);
    const { link, wanted } = await training;
    first.child.kill('SIGCONT');
    expect(link).toBe(wanted);
    expect(second.events.find(kind('taken'))).toMatchObject({ token: 2 });
    expect((await first.told(kind('lost', 'done', 'failed'))).kind).toBe('lost');
    expect(await dataKeys(set.redis.client())).toEqual([]);
  });

  test('stopped, a trainer gives its job back with all that it has saved', async () => {
    await using set = await openFarmSet();
    const first = set.near(set.trainers[0], { heldBy: set.heldBy, checkpointEvery: 1 }, { pace: { ...pace, checkpointMs: 10_000 } });
    const training = set.train(set.farm(), inventedData());
    await first.told((event) => event.kind === 'progress' && event.progress.done >= 7);
    await first.stop();
    expect(first.events.some(kind('gave-back'))).toBe(true);
    expect(leftovers(first.folder)).toEqual([]);
    set.near(set.trainers[1], { checkpointEvery: 1 });
    const { link, wanted } = await training;
    expect(link).toBe(wanted);
    expect(set.stepsDone()).toEqual(Array.from({ length: chainOf.steps }, (_, i) => i + 1));
  });

  test('a door that was restarted goes on with its job', async () => {
    await using set = await openFarmSet();
    const trainer = set.near(undefined, { heldBy: set.heldBy });
    const data = inventedData();
    const stop = new AbortController();
    const training = set.train(set.farm(), data, { signal: stop.signal });
    await trainer.told(kind('checkpoint'));
    stop.abort(new Error('the door is restarted'));
    await expect(training).rejects.toThrow('the door is restarted');
    set.goOn();
    const { link, wanted } = await set.train(set.farm(), data);
    expect(link).toBe(wanted);
    expect(trainer.events.filter(kind('taken'))).toHaveLength(1);
  });

  test('a door that was restarted with other pictures submits its job again', async () => {
    await using set = await openFarmSet();
    const trainer = set.near(undefined, { heldBy: set.heldBy });
    const stop = new AbortController();
    const training = set.train(set.farm(), inventedData(), { signal: stop.signal });
    await trainer.told(kind('checkpoint'));
    stop.abort(new Error('the door is restarted'));
    await expect(training).rejects.toThrow();
    const again = set.train(set.farm(), inventedData());
    await trainer.told(() => taken(trainer) === 2);
    set.goOn();
    const { link, wanted } = await again;
    expect(link).toBe(wanted);
    expect(taken(trainer)).toBe(2);
  });

  test('a job that is cancelled ends at its trainer, and nothing of it is left', async () => {
    await using set = await openFarmSet();
    const trainer = set.near(undefined, { stepMs: 200 });
    const stop = new AbortController();
    const training = set.train(set.farm(), inventedData(), { signal: stop.signal });
    await trainer.told(kind('progress'));
    stop.abort(new Error('cancelled'));
    await expect(training).rejects.toThrow('cancelled');
    await set.farm().cancel({ id: 'job-1', recipe: 'adapt' });
    await trainer.told(kind('failed', 'lost'));
    expect(await dataKeys(set.redis.client())).toEqual([]);
    expect(leftovers(trainer.folder)).toEqual([]);
  });

  test('nothing of a face is left when its time is over, whoever died', async () => {
    await using set = await openFarmSet();
    const stop = new AbortController();
    const training = set.train(set.farm({ ttlMs: 1000 }), inventedData(), { signal: stop.signal });
    const redis = set.redis.client();
    await eventually(async () => ((await dataKeys(redis)).some((key) => key.includes(':chunk:')) ? true : undefined));
    stop.abort(new Error('the door is gone for good'));
    await expect(training).rejects.toThrow();
    await eventually(async () => ((await dataKeys(redis)).length === 0 ? true : undefined));
  });
});

describe('a result', () => {
  test('of an older fencing token is refused, and the job run again', async () => {
    await using set = await openFarmSet();
    const trainer = set.near();
    const data = inventedData();
    const stop = new AbortController();
    const training = set.train(set.farm({ pace: { pollMs: 60_000 } }), data, { signal: stop.signal });
    await trainer.told(kind('done'));
    stop.abort(new Error('the door was away'));
    await expect(training).rejects.toThrow();
    // Another turn at the job has begun meanwhile.
    const redis = set.redis.client();
    const [fence = ''] = await redis.keys(`${prefix}:front-door:fence:*`);
    await redis.hset(fence, { token: '2', lease: 'of-somebody-else' });
    const { link, wanted } = await set.train(set.farm(), data);
    expect(link).toBe(wanted);
    expect(trainer.events.filter(kind('taken'))).toMatchObject([{ token: 1 }, { token: 3 }]);
  });

  test('that a stranger signed is refused, named, and the job given to others', async () => {
    await using set = await openFarmSet();
    const stranger = await someone('stranger');
    const training = set.train(set.farm(), inventedData());
    await forge(set, stranger);
    const honest = set.near();
    const { link, wanted } = await training;
    expect(link).toBe(wanted);
    expect(honest.events.some(kind('done'))).toBe(true);
  });

  test('that only strangers sign ends the job', async () => {
    await using set = await openFarmSet();
    const stranger = await someone('stranger');
    const training = set.train(set.farm(), inventedData());
    training.catch(() => undefined);
    for (let i = 0; i < 5; i++) await forge(set, stranger);
    await expect(training).rejects.toEqual(refusal('not-permitted', stranger.party.id));
    expect(await dataKeys(set.redis.client())).toEqual([]);
  });

  test('that was changed in transit is made again', async () => {
    await using set = await openFarmSet();
    const trainer = set.near();
    const data = inventedData();
    const stop = new AbortController();
    const training = set.train(set.farm({ pace: { pollMs: 60_000 } }), data, { signal: stop.signal });
    const redis = set.redis.client();
    await trainer.told(kind('taken'));
    await trainer.told(kind('done'));
    stop.abort(new Error('the door was away'));
    await expect(training).rejects.toThrow();
    const [submission = ''] = (await redis.keys(names.standing('*'))).map((key) => key);
    const standing = await redis.get(submission);
    // The last stream that was begun is the result's.
    const streams = Object.keys(await redis.hgetall(names.streams(standing ?? '')));
    await redis.setrange(names.chunk(standing ?? '', streams.at(-1) ?? '', 0), 30, 'changed');
    const { link, wanted } = await set.train(set.farm(), data);
    expect(link).toBe(wanted);
    expect(trainer.events.filter(kind('taken'))).toHaveLength(2);
    expect(trainer.events.filter(kind('taken'))[1]).toMatchObject({ from: { token: 1 } });
  });
});

/** Takes the job as somebody who may speak to Redis and is not a trainer of the door, and hands in a result. */
async function forge(set: FarmSet, who: Someone): Promise<void> {
  const connection = set.redis.client();
  const worker = new Worker(names.queue('adapt', engine), null, { connection, prefix: names.queuePrefix, autorun: false });
  worker.on('error', () => undefined);
  const job = await eventually(() => worker.getNextJob('stranger', { block: false }));
  const claims = {
    submission: job.data.submission,
    job: 'job-1',
    recipe: 'adapt',
    engine,
    token: 0,
    lease: 'none',
    iat: Date.now() / 1000,
    data: { id: 'x', key: randomBytes(32).toString('base64url'), chunks: 1, bytes: 0 },
    calibration: { population: '', impostorPairs: 0, genuinePairs: 0, table: [] },
    seconds: 0,
    figures: {},
  };
  const sealed = await seal(claims, 'facelatch-farm-result+jwt', who.party, [await knownOf(set.door.card)]);
  await job.moveToCompleted({ token: 0, sealed } as never, 'stranger', false);
  await worker.close(true);
}

describe('on the way', () => {
  test('pictures that were changed or lost are sent again', async () => {
    for (const how of ['change', 'delete'] as const) {
      await using set = await openFarmSet();
      const training = set.train(set.farm(), inventedData());
      const redis = set.redis.client();
      await eventually(async () => ((await redis.keys(`${names.queuePrefix}:adapt*:job-*`)).length > 0 ? true : undefined));
      const [chunk = ''] = await spoil(redis, how);
      expect(chunk).not.toBe('');
      const trainer = set.near();
      const { link, wanted } = await training;
      expect(link).toBe(wanted);
      expect(trainer.events.filter(kind('failed'))).toHaveLength(1);
    }
  });

  test('after a checkpoint that was changed, the job starts from the beginning', async () => {
    await using set = await openFarmSet();
    const first = await set.trainer(set.trainers[0], { heldBy: set.heldBy }, brief);
    const redis = set.redis.client();
    const training = set.train(set.farm(), inventedData());
    await first.told(kind('taken'));
    const data = await redis.keys(`${prefix}:front-door:chunk:*`);
    await first.told(kind('checkpoint'));
    await first.kill();
    await spoil(redis, 'change', data);
    const second = set.near(set.trainers[1], {}, brief);
    const { link, wanted } = await training;
    expect(link).toBe(wanted);
    expect(second.events.find(kind('trouble'))).toMatchObject({ why: expect.stringContaining('starts from the beginning') });
  });

  test('what is longer than allowed is neither sent nor received, and both sides say so', async () => {
    await using set = await openFarmSet();
    const data = inventedData(3, 4, 500_000);
    await expect(set.train(set.farm({ maxBytes: 2_000_000 }), data)).rejects.toEqual(refusal('bad-argument', 'farm.maxBundleBytes'));
    expect((await dataKeys(set.redis.client())).filter((key) => key.includes(':chunk:'))).toEqual([]);
    set.near(undefined, {}, { maxBytes: 2_000_000 });
    await expect(set.train(set.farm(), data)).rejects.toEqual(refusal('training-failed', 'farm.maxBundleBytes'));
  });

  test('a trainer whose disk is full leaves the job to another', async () => {
    await using set = await openFarmSet();
    const full = set.near(set.trainers[0], {
      fails: () => Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' }),
    });
    const training = set.train(set.farm(), inventedData());
    expect(await full.told(kind('failed'))).toMatchObject({ final: false, why: expect.stringContaining('trainer.folder') });
    set.near(set.trainers[1]);
    const { link, wanted } = await training;
    expect(link).toBe(wanted);
  });

  test('what the recipe finds wrong with the data ends the job with its words', async () => {
    await using set = await openFarmSet();
    set.near(undefined, { fails: () => new Fault('training-failed', 'The loss is not a number: lower the rate') });
    await expect(set.train(set.farm(), inventedData())).rejects.toEqual(
      refusal('training-failed', 'The loss is not a number: lower the rate'),
    );
  });
});

describe('Redis', () => {
  test('that evicts is refused on both sides, with the remedy', async () => {
    await using set = await openFarmSet({ config: ['maxmemory-policy allkeys-lru'] });
    const fault = refusal('farm-unreachable', 'maxmemory-policy noeviction');
    await expect(set.train(set.farm(), inventedData())).rejects.toEqual(fault);
    await expect(set.near().ended).rejects.toEqual(fault);
  });

  test('that is down is named, and one that is full too', async () => {
    await using set = await openFarmSet({ config: ['maxmemory 4mb'] });
    await expect(set.train(set.farm(), inventedData(3, 4, 500_000))).rejects.toEqual(refusal('farm-unreachable', 'is full'));
    await set.redis.kill();
    await expect(set.train(set.farm(), inventedData())).rejects.toEqual(refusal('farm-unreachable', 'farm.url'));
    await expect(set.near().ended).rejects.toEqual(refusal('farm-unreachable', 'farm.url'));
  });

  test('that is killed and comes back loses no step', async () => {
    await using set = await openFarmSet();
    const trainer = set.near(undefined, { heldBy: set.heldBy });
    const training = set.train(set.farm(), inventedData());
    await trainer.told(kind('checkpoint'));
    await set.redis.kill();
    await trainer.told(kind('redis-lost'));
    await set.redis.start();
    set.goOn();
    const { link, wanted } = await training;
    expect(link).toBe(wanted);
    expect(new Set(set.stepsDone()).size).toBe(chainOf.steps);
  });

  test('that lost everything is given the job again', async () => {
    await using set = await openFarmSet({ keeps: false });
    const trainer = set.near(undefined, { heldBy: set.heldBy });
    const training = set.train(set.farm(), inventedData());
    await trainer.told(kind('checkpoint'));
    await set.redis.kill();
    await set.redis.start();
    await trainer.told(() => taken(trainer) === 2);
    set.goOn();
    const { link, wanted } = await training;
    expect(link).toBe(wanted);
    expect(trainer.events.filter(kind('done'))).toHaveLength(1);
  });

  test('that stays away longer than the patience ends the wait', async () => {
    await using set = await openFarmSet();
    const farm = set.farm({ redis: { url: set.redis.url, clockSkewS: 5, patienceMs: 300 } });
    const trainer = set.near(undefined, { stepMs: 100 });
    const training = set.train(farm, inventedData());
    training.catch(() => undefined);
    await trainer.told(kind('progress'));
    await set.redis.kill();
    await expect(training).rejects.toEqual(refusal('farm-unreachable', 'farm.patienceMs'));
    await set.redis.start();
  });
});

describe('who does not fit together', () => {
  test('a trainer of another version takes nothing, and the door says so', async () => {
    await using set = await openFarmSet();
    const other = set.near(undefined, {}, { engine: '9.9.8' });
    await other.told(kind('ready'));
    const farm = set.farm({ waitMs: 1000 });
    await expect(set.train(farm, inventedData())).rejects.toEqual(refusal('farm-unreachable', 'trainer-0 (facelatch 9.9.8: adapt)'));
    expect(other.events.some(kind('taken'))).toBe(false);
  });

  test('a trainer that cannot do the recipe is not given it', async () => {
    await using set = await openFarmSet();
    const other = set.near(undefined, { name: 'paper' });
    await other.told(kind('ready'));
    await expect(set.train(set.farm({ waitMs: 1000 }), inventedData())).rejects.toEqual(
      refusal('farm-unreachable', '(facelatch 9.9.9: paper)'),
    );
  });

  test('a trainer that the door does not trust leaves the job to those it does', async () => {
    await using set = await openFarmSet();
    const stranger = set.near(await someone('stranger'));
    const training = set.train(set.farm(), inventedData());
    expect(await stranger.told(kind('not-ours'))).toMatchObject({ door: 'front-door' });
    set.near();
    const { link, wanted } = await training;
    expect(link).toBe(wanted);
    expect(stranger.events.filter(kind('taken'))).toEqual([]);
  });

  test('a door that the trainer does not know gets no work of it', async () => {
    await using set = await openFarmSet();
    const impostor = await someone('front-door');
    set.near();
    const farm = set.farm({ party: impostor.party, own: impostor.card });
    await expect(set.train(farm, inventedData())).rejects.toEqual(refusal('not-permitted', impostor.party.id));
  });

  test('clocks that are off are refused and named', async () => {
    await using set = await openFarmSet();
    const off = { wall: () => Date.now() + 3_600_000 };
    const place = { url: set.redis.url, clockSkewS: 30, clock: off };
    const fault = refusal('farm-unreachable', 'differ by 3600 s');
    await expect(set.train(set.farm({ redis: place }), inventedData())).rejects.toEqual(fault);
    await expect(set.near(undefined, {}, { redis: place }).ended).rejects.toEqual(fault);
    // A door that allows what its trainers do not.
    set.near();
    const lax = set.farm({ redis: { ...place, clockSkewS: 3600 * 2 } });
    await expect(set.train(lax, inventedData())).rejects.toEqual(refusal('not-permitted', 'in the future'));
  });

  test('a door without trainers says what is missing', async () => {
    await using set = await openFarmSet();
    await expect(set.train(set.farm({ trainers: [] }), inventedData())).rejects.toEqual(refusal('bad-config', 'farm.trainers'));
  });
});
