import { expect, it } from 'vitest';
import { serialQueue } from '../../src/base/serial.ts';

it('a piece of work begins when the one before it has ended', async () => {
  const inTurn = serialQueue();
  const seen: string[] = [];
  const first = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const one = inTurn(async () => {
    seen.push('one begins');
    begun.resolve();
    await first.promise;
    seen.push('one ends');
  });
  const two = inTurn(() => seen.push('two'));
  await begun.promise;
  expect(seen).toEqual(['one begins']);
  first.resolve();
  await Promise.all([one, two]);
  expect(seen).toEqual(['one begins', 'one ends', 'two']);
});

it('results and errors reach whoever asked, and an error does not stop what waits behind it', async () => {
  const inTurn = serialQueue();
  const outcomes = await Promise.allSettled([
    inTurn(() => 1),
    inTurn(() => {
      throw new Error('thrown');
    }),
    inTurn(() => Promise.reject(new Error('rejected'))),
    inTurn(async () => 'last'),
  ]);
  expect(outcomes).toEqual([
    { status: 'fulfilled', value: 1 },
    { status: 'rejected', reason: new Error('thrown') },
    { status: 'rejected', reason: new Error('rejected') },
    { status: 'fulfilled', value: 'last' },
  ]);
});

it('two queues do not wait for each other', async () => {
  const stuck = serialQueue();
  void stuck(() => new Promise<never>(() => undefined));
  expect(await serialQueue()(() => 'at once')).toBe('at once');
});
