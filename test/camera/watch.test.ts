/** The watch over a camera: freezing and darkness become faults, a busy consumer does not, and the camera is closed first. */
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { Fault } from '../../src/base/errors.ts';
import type { Camera, Frame } from '../../src/camera/port.ts';
import { stillness } from '../../src/camera/stillness.ts';
import { meanLuma, type WatchOptions, watched } from '../../src/camera/watch.ts';
import { fakeCamera } from '../fakes/camera.ts';
import { type FakeClock, fakeClock } from '../fakes/clock.ts';
import { hall } from './hall.ts';
import { greyJpeg } from './media.ts';

const never = new AbortController().signal;
const [black, dim, light] = await Promise.all([greyJpeg(0), greyJpeg(10), greyJpeg(120)]);

function setUp(options: Partial<WatchOptions> = {}) {
  const clock = fakeClock();
  const camera = fakeCamera(clock, 'door camera');
  const watch = watched(camera, { freezeMs: 1000, openMs: 2000, darkLevel: 0, darkMs: 4000, clock, ...options });
  return { clock, camera, watch };
}

/** Reads the camera beside the test: its frames, and how it ended. */
function consume(camera: Camera, signal = never) {
  const state = { frames: [] as Frame[], fault: undefined as Fault | undefined, over: false };
  const run = async () => {
    try {
      for await (const frame of camera.frames(signal)) state.frames.push(frame);
    } catch (error) {
      state.fault = error as Fault;
    }
    state.over = true;
  };
  return { state, done: run() };
}

/** A different picture each time, as a live camera's noise makes them. */
const noisy = (picture: Buffer, i: number) => Buffer.concat([picture, Buffer.from([i & 0xff, i >> 8])]);

/** Shows a picture every `everyMs` for `forMs`. */
async function show(
  clock: FakeClock,
  camera: ReturnType<typeof fakeCamera>,
  pictures: (i: number) => Buffer,
  everyMs: number,
  forMs: number,
) {
  for (let i = 0; i * everyMs < forMs; i++) {
    void camera.push(pictures(i));
    await clock.advance(everyMs);
    // The brightness of a picture is found out beside the clock of the test.
    await new Promise<void>((resolve) => void meanLuma(pictures(i)).then(() => resolve()));
    await turn();
  }
}

describe('a camera that stands still', () => {
  it('is frozen when no frame comes for freezeMs, and is closed before the fault', async () => {
    const { clock, camera, watch } = setUp();
    const { state, done } = consume(watch);
    await show(clock, camera, (i) => noisy(light, i), 100, 500);
    expect(state.frames).toHaveLength(5);
    await clock.advance(800);
    expect(state.over).toBe(false);
    await clock.advance(200);
    await done;
    expect(state.fault).toMatchObject({
      code: 'camera-frozen',
      message: expect.stringMatching(/door camera is frozen: no new picture .*camera\.freezeMs 1000/),
    });
    expect(camera.isOpen).toBe(false);
  });

  it('is frozen when it never gives a first picture, for which it has longer', async () => {
    const { clock, watch } = setUp();
    const { state, done } = consume(watch);
    await clock.advance(1990);
    expect(state.over).toBe(false);
    await clock.advance(20);
    await done;
    expect(state.fault).toMatchObject({ code: 'camera-frozen', message: expect.stringContaining('no picture at all') });
  });

  it('is frozen when it sends the same picture again and again', async () => {
    const { clock, camera, watch } = setUp();
    const { state, done } = consume(watch);
    await show(clock, camera, () => light, 100, 1500);
    await done;
    expect(state.fault).toMatchObject({ code: 'camera-frozen', message: expect.stringContaining('the same picture, byte for byte') });
    expect(camera.isOpen).toBe(false);
  });

  it('is not frozen while its pictures change, however slowly it gives them', async () => {
    const { clock, camera, watch } = setUp({ fps: 0.5 });
    const { state } = consume(watch);
    await show(clock, camera, (i) => noisy(light, i), 2000, 20_000);
    expect(state).toMatchObject({ over: false });
    expect(state.frames).toHaveLength(10);
  });

  it('is not frozen while the consumer is busy', async () => {
    const { clock, camera, watch } = setUp();
    const frames = watch.frames(never)[Symbol.asyncIterator]();
    const first = frames.next();
    await show(clock, camera, (i) => noisy(light, i), 100, 100);
    expect((await first).value?.seq).toBe(1);
    await show(clock, camera, (i) => noisy(light, i + 1), 100, 10_000);
    expect((await frames.next()).value?.seq).toBe(101);
    await frames.return?.();
  });

  it('that does not even close is left behind after a while', async () => {
    const clock = fakeClock();
    const deaf: Camera = {
      label: 'deaf',
      frames: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }) }),
    };
    const { state, done } = consume(watched(deaf, { freezeMs: 1000, openMs: 1000, darkLevel: 0, darkMs: 1000, clock }));
    await clock.advance(1000);
    await vi.waitUntil(() => clock.sleepers > 0);
    await clock.advance(5000);
    await done;
    expect(state.fault).toMatchObject({ code: 'camera-frozen' });
  });
});

describe('a dark camera', () => {
  it('is a fault when it was dark for darkMs', async () => {
    const { clock, camera, watch } = setUp({ darkLevel: 4 });
    const { state, done } = consume(watch);
    await show(clock, camera, (i) => noisy(black, i), 250, 3500);
    expect(state.over).toBe(false);
    await show(clock, camera, (i) => noisy(black, i + 100), 250, 2500);
    await done;
    expect(state.fault).toMatchObject({
      code: 'camera-dark',
      message: expect.stringMatching(/brightness 0\.\d of 255, camera\.darkLevel 4/),
    });
    expect(camera.isOpen).toBe(false);
  });

  it('is no fault when light came in between', async () => {
    const { clock, camera, watch } = setUp({ darkLevel: 4 });
    const { state } = consume(watch);
    for (let i = 0; i < 3; i++) {
      await show(clock, camera, (n) => noisy(black, n), 250, 3000);
      await show(clock, camera, (n) => noisy(light, n), 250, 1500);
    }
    expect(state.over).toBe(false);
  });

  it('is no fault above the level, nor when the check is off', async () => {
    for (const [picture, darkLevel] of [[dim, 4] as const, [black, 0] as const]) {
      const { clock, camera, watch } = setUp({ darkLevel });
      const { state } = consume(watch);
      await show(clock, camera, (i) => noisy(picture, i), 250, 8000);
      expect(state.over).toBe(false);
    }
  });
});

describe('everything else goes through', () => {
  it("the camera's own fault", async () => {
    const { camera, watch } = setUp();
    const { state, done } = consume(watch);
    camera.fail(new Fault('camera-ended', 'pulled out'));
    await done;
    expect(state.fault).toMatchObject({ code: 'camera-ended', message: 'pulled out' });
  });

  it('the last picture of a camera that ends, and its end', async () => {
    const { camera, watch } = setUp();
    const { state, done } = consume(watch);
    void camera.push(light);
    camera.end();
    await done;
    expect(state).toMatchObject({ over: true, fault: undefined });
    expect(state.frames).toHaveLength(1);
  });

  it('the scene of a demo frame', async () => {
    const { camera, watch } = setUp();
    const { state, done } = consume(watch);
    const scene = { visit: 1, people: ['p01'], manner: 'walks up', last: false };
    void camera.push(light, scene);
    camera.end();
    await done;
    expect(state.frames[0]?.scene).toEqual(scene);
  });

  it('an abort, without a fault and with the camera closed', async () => {
    const { camera, watch } = setUp();
    const stop = new AbortController();
    const { state, done } = consume(watch, stop.signal);
    await vi.waitUntil(() => camera.isOpen);
    stop.abort();
    await done;
    expect(state.fault).toBeUndefined();
    expect(camera.isOpen).toBe(false);
  });
});

it('mean luma is that of the picture, and unknown of what is none', async () => {
  expect(await meanLuma(light)).toBeCloseTo(120, 0);
  expect(await meanLuma(Buffer.from('P5\n1 1\n255\n0'))).toBeUndefined();
});

describe('a picture with a clock', () => {
  const shown = async (sigma: number) => {
    const { clock, camera, watch } = setUp({ stillMs: 60_000 });
    const { state, done } = consume(watch);
    const picture = hall({ level: 40, sigma, quality: 75 });
    const pictures = await Promise.all(Array.from({ length: 70 }, (_, second) => picture(second)));
    // As fast as the clock of the test goes, the camera waits until each picture was looked at.
    for (let i = 0; i < 70 && !state.over; i++) {
      void camera.push(pictures[i] as Buffer);
      await clock.advance(900);
      await stillness(1000).look(pictures[i] as Buffer, 0);
      await turn();
      void camera.push(noisy(pictures[i] as Buffer, i));
      await clock.advance(100);
    }
    camera.end();
    await done;
    return state.fault;
  };

  it('that stands still otherwise is a frozen camera', async () => {
    expect(await shown(0)).toMatchObject({
      code: 'camera-frozen',
      message: expect.stringMatching(/such as a clock \(camera\.stillMs 60000\)/),
    });
  });

  it('and the noise of a quiet hall is not', async () => {
    expect(await shown(0.5)).toBeUndefined();
  });
});
