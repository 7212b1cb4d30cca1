/** Work that cannot wait overtakes the rest between its steps, and the rest gets its turn all the same. */
import { describe, expect, it } from 'vitest';
import { type Overtaken, type OvertakingOptions, overtakingQueue } from '../../../src/base/process/overtaking.ts';
import { fakeClock } from '../../fakes/clock.ts';

const turn = async () => {
  for (let n = 0; n < 10; n++) await Promise.resolve();
};

function open(options: Partial<OvertakingOptions> = {}) {
  const clock = fakeClock();
  const queue = overtakingQueue({ clock, calmMs: 10, patienceMs: 1000, turn, ...options });
  const done: string[] = [];
  const note = (what: string) => async () => {
    done.push(what);
  };
  /** Each step says when it is done, and lasts until it is let go. */
  const inSteps =
    (name: string, steps: readonly Promise<unknown>[]) =>
    async ({ next }: Overtaken) => {
      for (const [n, step] of steps.entries()) {
        if (n > 0) await next();
        await step;
        done.push(`${name}${n + 1}`);
      }
    };
  return { clock, queue, done, note, inSteps };
}

describe('a piece that cannot wait', () => {
  it('goes before those that can, and between two steps of the one under way', async () => {
    const { clock, queue, done, note, inSteps } = open();
    const first = Promise.withResolvers<void>();
    const upload = queue.behind(inSteps('a', [first.promise, Promise.resolve()]));
    const next = queue.behind(inSteps('b', [Promise.resolve()]));
    await clock.advance(0);
    const frame = queue.ahead(note('frame'));
    await clock.advance(0);
    expect(done).toEqual([]);
    first.resolve();
    await frame;
    expect(done).toEqual(['a1', 'frame']);
    await clock.advance(10);
    await Promise.all([upload, next]);
    expect(done).toEqual(['a1', 'frame', 'a2', 'b1']);
  });

  it('does not wait for what shares nothing with it', async () => {
    const { clock, queue, done, note } = open();
    const decoded = Promise.withResolvers<string>();
    const upload = queue.behind(async ({ beside }) => done.push(await beside(decoded.promise)));
    await clock.advance(0);
    await queue.ahead(note('frame'));
    decoded.resolve('upload');
    await clock.advance(10);
    await upload;
    expect(done).toEqual(['frame', 'upload']);
  });

  it('comes one after the other', async () => {
    const { clock, queue, done, note } = open();
    const first = Promise.withResolvers<void>();
    const both = [queue.ahead(() => first.promise.then(note('first'))), queue.ahead(note('second'))];
    await clock.advance(5);
    first.resolve();
    await Promise.all(both);
    expect(done).toEqual(['first', 'second']);
  });

  it('that fails lets the others go on, as does one that can wait', async () => {
    const { clock, queue, done, note } = open();
    const fail = async () => {
      throw new Error('failed');
    };
    const failed = Promise.allSettled([queue.ahead(fail), queue.behind(fail), queue.behind(({ beside }) => beside(fail()))]);
    await clock.advance(10);
    expect((await failed).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    await queue.ahead(note('frame'));
    const upload = queue.behind(note('upload'));
    await clock.advance(10);
    await upload;
    expect(done).toEqual(['frame', 'upload']);
  });
});

describe('a piece that can wait', () => {
  it('starts at once where nothing else was', async () => {
    const { clock, queue, done, note } = open();
    void queue.behind(note('upload'));
    await clock.advance(0);
    expect(done).toEqual(['upload']);
  });

  it('lets a moment pass after one that cannot', async () => {
    const { clock, queue, done, note } = open();
    await queue.ahead(note('frame'));
    const upload = queue.behind(note('upload'));
    await clock.advance(9);
    expect(done).toEqual(['frame']);
    await clock.advance(1);
    await upload;
    expect(done).toEqual(['frame', 'upload']);
  });

  it('waits in all only for its time, then takes a step between two of those that cannot', async () => {
    const { clock, queue, done, inSteps, note } = open({ patienceMs: 100 });
    await queue.ahead(note('frame'));
    const upload = queue.behind(
      inSteps(
        'step',
        [1, 2, 3].map(() => Promise.resolve()),
      ),
    );
    for (let ms = 5; ms <= 100; ms += 5) {
      await clock.advance(5);
      void queue.ahead(note('frame'));
    }
    await clock.advance(0);
    await upload;
    expect(done.filter((what) => what !== 'frame')).toEqual(['step1', 'step2', 'step3']);
    expect(done.indexOf('step1')).toBeGreaterThanOrEqual(20);
  });

  it('is not starved by a thread that never rests', async () => {
    const { clock, queue, done, inSteps } = open({ patienceMs: 100 });
    const frames = { over: false };
    /** Each has the next one waiting when it ends. */
    const busy = async () => {
      let next = queue.ahead(() => clock.sleep(20));
      while (!frames.over) {
        const one = next;
        next = queue.ahead(() => clock.sleep(20));
        await one;
      }
    };
    void busy();
    const upload = queue.behind(
      inSteps(
        'step',
        [1, 2, 3].map(() => Promise.resolve()),
      ),
    );
    for (let ms = 0; ms < 200 && done.length < 3; ms += 5) await clock.advance(5);
    frames.over = true;
    await upload;
    expect([done, clock.now() >= 100]).toEqual([['step1', 'step2', 'step3'], true]);
  });
});
