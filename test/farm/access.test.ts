import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import { chainOf, inventedData, openFarmSet } from './set.ts';

/** The lines of the manual itself. */
const users = readFileSync(new URL('../../docs/learn/farm.md', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => /^user (front-door|back-door|trainers) /.test(line));
const server = { tls: true, password: 'root-word', config: users };
const prefix = 'facelatch-farm';

describe('a Redis with TLS and the access control lines of docs/learn/farm.md', () => {
  test('lets door and trainers work, and another door neither read nor write', async () => {
    expect(users).toHaveLength(3);
    await using set = await openFarmSet(server);
    const redis = { url: set.redis.url, clockSkewS: 5, ca: set.redis.ca! };
    // The job, and its one checkpoint, must still be there when the last key has been tried.
    const trainer = await set.trainer(
      set.trainers[0],
      { heldBy: set.heldBy, checkpointEvery: chainOf.steps / 2 },
      { prefix, redis: { ...redis, user: 'trainers', password: 'PASSWORD-3' } },
    );
    const other = new Redis({
      host: '127.0.0.1',
      port: set.redis.port,
      username: 'back-door',
      password: 'PASSWORD-2',
      tls: { ca: set.redis.ca! },
    });
    const root = set.redis.client();
    const farm = set.farm({ prefix, redis: { ...redis, user: 'front-door', password: 'PASSWORD-1' } });
    const training = set.train(farm, inventedData());
    await trainer.told(({ kind }) => kind === 'checkpoint');
    // Every key that there is, tried by another door.
    const keys = await root.keys('*');
    const mine = keys.filter((key) => key.startsWith(`${prefix}:front-door:`));
    const chunk = mine.find((key) => key.includes(':chunk:'))!;
    for (const kind of [':chunk:', ':checkpoint:', ':fence:', ':standing:', ':adapt@'])
      expect(mine.some((key) => key.includes(kind))).toBe(true);
    for (const key of mine)
      for (const attempt of [
        () => other.get(key),
        () => other.hgetall(key),
        () => other.exists(key),
        () => other.set(key, 'x'),
        () => other.unlink(key),
        () => other.rename(key, `${prefix}:back-door:x`),
        () => other.eval("return redis.call('TYPE', KEYS[1])", 1, key),
        () => other.eval(`return redis.call('TYPE', '${key}')`, 0),
      ])
        await expect(attempt()).rejects.toThrow(/NOPERM|No permissions|can't access/i);
    const presence = keys.find((key) => key.startsWith(`${prefix}-trainers:`))!;
    expect(await other.get(presence)).toBeTruthy();
    for (const attempt of [
      () => other.set(presence, 'x'),
      () => other.scan(0),
      () => other.keys('*'),
      () => other.randomkey(),
      () => other.flushall(),
      () => other.config('SET', 'maxmemory-policy', 'allkeys-lru'),
      () => other.acl('LIST'),
      () => other.call('MONITOR'),
    ])
      await expect(attempt()).rejects.toThrow(/NOPERM|no permissions/i);
    expect(await other.set(`${prefix}:back-door:x`, '1')).toBe('OK');
    expect(await root.exists(chunk)).toBe(1);
    other.disconnect();
    set.goOn();
    const { link, wanted } = await training;
    expect(link).toBe(wanted);
  });

  test('is named where it refuses: the password, the authority, the protocol', async () => {
    await using set = await openFarmSet(server);
    const { url, ca } = set.redis;
    const right = { url, ca: ca!, user: 'front-door', password: 'PASSWORD-1', clockSkewS: 5 };
    const attempt = (redis: object) => set.train(set.farm({ prefix, redis: { ...right, ...redis } }), inventedData());
    const refusal = (code: string, text: string) => expect.objectContaining({ code, message: expect.stringContaining(text) });
    await expect(attempt({ password: 'wrong' })).rejects.toEqual(refusal('not-permitted', 'farm.passwordFile'));
    await expect(attempt({ user: 'back-door', password: 'PASSWORD-2' })).rejects.toEqual(refusal('not-permitted', 'docs/learn/farm.md'));
    await expect(attempt({ ca: undefined })).rejects.toEqual(refusal('farm-unreachable', 'farm.caFile'));
    await expect(attempt({ url: url.replace('rediss', 'redis') })).rejects.toEqual(refusal('farm-unreachable', 'farm.url'));
    await expect(attempt({ url: 'redis://192.0.2.1:6379' })).rejects.toEqual(refusal('bad-config', 'would not be encrypted'));
  });
});
