/** A called thread frees what pictures leave behind small objects. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { openCalledThread, openCollect } from '../../../src/base/process/called-thread.ts';

it('frees the memory behind objects that are held no more', async () => {
  const collect = openCollect();
  collect('all');
  let held: Uint8Array[] = Array.from({ length: 256 }, () => new Uint8Array(1 << 20));
  const most = process.memoryUsage().arrayBuffers;
  expect(held).toHaveLength(256);
  held = [];
  collect('young');
  collect('all');
  // V8 gives it back on a thread of its own. What earlier test files left may go meanwhile: some 20 MB.
  await expect.poll(() => most - process.memoryUsage().arrayBuffers).toBeGreaterThan(230 << 20);
  expect('gc' in globalThis).toBe(false);
});

it('opens in several threads at the same moment: a reader that did not start would leave the door blind', async () => {
  const workerData = { ready: new SharedArrayBuffer(4), threads: 4, times: 300 };
  const module = new URL('../../fakes/collecting-thread.ts', import.meta.url);
  const threads = Array.from({ length: workerData.threads }, () => new Worker(module, { workerData }));
  const failed = await Promise.all(threads.map(async (thread) => (await once(thread, 'message'))[0]));
  expect(failed).toEqual([0, 0, 0, 0]);
  await Promise.all(threads.map((thread) => thread.terminate()));
});

describe('a called thread', () => {
  const open = (calls: number) =>
    openCalledThread<undefined, string, readonly string[]>({
      module: new URL('../../fakes/begun-thread.ts', import.meta.url),
      data: { calls },
      ended: 'The thread of the test ended',
    });

  it('begins the first call that waits beside the one in hand, and no other', async () => {
    await using thread = await open(3);
    const notes = (await Promise.all(['one', 'two', 'three'].map((request) => thread.call(request)))).at(-1) ?? [];
    expect(notes.filter((note) => note.startsWith('answer'))).toEqual(
      ['one', 'two', 'three'].map((name) => `answer ${name} with begun ${name}`),
    );
    expect(notes.indexOf('begin two')).toBeLessThan(notes.indexOf('answer one with begun one'));
    expect(notes.indexOf('begin three')).toBeGreaterThan(notes.indexOf('answer one with begun one'));
  });

  it('answers a call that cannot wait between the steps of one that can', async () => {
    await using thread = await open(2);
    const [waiting, frame] = await Promise.all([thread.call('wait for it'), thread.call('frame')]);
    expect([frame, waiting].map((notes) => notes.filter((note) => note.startsWith('answer')).length)).toEqual([1, 2]);
  });
});
