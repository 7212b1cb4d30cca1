/** The slot under fast producers, slow consumers, failures and aborts. */
import { describe, expect, it } from 'vitest';
import { Fault } from '../../src/base/errors.ts';
import { newest, type Producer } from '../../src/camera/slot.ts';

/** A producer that the test drives by hand. */
function byHand() {
  let push: (item: number) => void = () => {};
  const done = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<AbortSignal>();
  const produce: Producer<number> = async (give, signal) => {
    push = give;
    opened.resolve(signal);
    await Promise.race([done.promise, new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))]);
  };
  return { produce, push: (item: number) => push(item), end: done.resolve, fail: done.reject, opened: opened.promise };
}

const never = new AbortController().signal;

describe('the slot', () => {
  it('gives a slow consumer the newest item and counts what it dropped', async () => {
    const source = byHand();
    const drops: number[] = [];
    const items = newest(source.produce, never, { onDrop: (n) => drops.push(n) });
    const first = items.next();
    await source.opened;
    source.push(1);
    expect(await first).toEqual({ done: false, value: 1 });
    source.push(2);
    source.push(3);
    source.push(4);
    expect(await items.next()).toEqual({ done: false, value: 4 });
    expect(drops).toEqual([1, 2]);
    source.end();
    expect((await items.next()).done).toBe(true);
  });

  it('wakes a consumer that waits', async () => {
    const source = byHand();
    const items = newest(source.produce, never);
    for (const n of [1, 2, 3]) {
      const next = items.next();
      await source.opened;
      source.push(n);
      expect((await next).value).toBe(n);
    }
    source.end();
    expect((await items.next()).done).toBe(true);
  });

  it('delivers the last item before the end', async () => {
    const source = byHand();
    const items = newest(source.produce, never);
    const first = items.next();
    await source.opened;
    source.push(1);
    await first;
    source.push(2);
    source.end();
    expect((await items.next()).value).toBe(2);
    expect((await items.next()).done).toBe(true);
  });

  it("throws the producer's fault, once, and is over then", async () => {
    const source = byHand();
    const items = newest(source.produce, never);
    const first = items.next();
    await source.opened;
    const fault = new Fault('camera-ended', 'gone');
    source.fail(fault);
    await expect(first).rejects.toBe(fault);
    expect((await items.next()).done).toBe(true);
  });

  it('ends without a fault when the signal is aborted, even though its producer then rejects', async () => {
    const stop = new AbortController();
    let ended = false;
    const items = newest<number>(async (push, signal) => {
      push(1);
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    }, stop.signal);
    expect((await items.next()).value).toBe(1);
    const waiting = items.next().then((result) => {
      ended = true;
      return result;
    });
    expect(ended).toBe(false);
    stop.abort();
    expect((await waiting).done).toBe(true);
  });

  it('does not start its producer under an aborted signal', async () => {
    let started = false;
    const items = newest<number>(async () => {
      started = true;
    }, AbortSignal.abort());
    expect((await items.next()).done).toBe(true);
    expect(started).toBe(false);
  });

  it('waits for its producer to close when the loop is left', async () => {
    let closed = false;
    const produce: Producer<number> = async (push, signal) => {
      push(1);
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => setImmediate(resolve)));
      closed = true;
    };
    for await (const item of newest(produce, never)) {
      expect(item).toBe(1);
      break;
    }
    expect(closed).toBe(true);
  });
});
