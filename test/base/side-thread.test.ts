/** A thread beside the deciding one answers in turn, rests, and may fail without harm. */
import { afterEach, expect, it, vi } from 'vitest';
import { type SideThread, type SideThreadOptions, sideThread } from '../../src/base/side-thread.ts';

const threads: SideThread<string, string>[] = [];
const open = (options: Partial<SideThreadOptions> = {}) => {
  const thread = sideThread<string, string>({
    module: new URL('../fakes/echo-thread.ts', import.meta.url),
    ...{ mostWaiting: 3, patienceMs: 20_000, heapMb: 32 },
    ...options,
  });
  threads.push(thread);
  return thread;
};
afterEach(async () => {
  for (const thread of threads.splice(0)) await thread[Symbol.asyncDispose]();
});

it('answers in turn, those that go ahead first, and no more wait than may', async () => {
  const thread = open();
  const order: string[] = [];
  const ask = async (text: string, ahead = false) => {
    const answer = await thread.ask(text, { ahead });
    if (answer !== undefined) order.push(answer);
    return answer;
  };
  // The first is under way, three more wait.
  const plain = ['a', 'b', 'c', 'd', 'e'].map((text) => ask(text));
  const first = ask('z', true);
  expect(await Promise.all(plain)).toEqual(['A', 'B', 'C', 'D', undefined]);
  expect(await first).toBe('Z');
  expect(order).toEqual(['A', 'Z', 'B', 'C', 'D']);
});

it('a thread that fails answers nothing, and the next request starts another', async () => {
  const thread = open();
  expect(await Promise.all([thread.ask('throw'), thread.ask('b')])).toEqual([undefined, 'B']);
});

it('does not wait longer than its patience, nor after the end', async () => {
  const thread = open({ patienceMs: 1 });
  expect(await thread.ask('never')).toBeUndefined();
  await thread[Symbol.asyncDispose]();
  const other = open();
  const asked = other.ask('never');
  await other[Symbol.asyncDispose]();
  expect(await asked).toBeUndefined();
});

it('a thread that nobody asks ends, and the next request starts another', async () => {
  const thread = open({ idleMs: 1 });
  expect(await Promise.all([thread.ask('a'), thread.ask('asked')])).toEqual(['A', '2']);
  await vi.waitFor(async () => expect(await thread.ask('asked')).toBe('1'), { timeout: 10_000 });
});
