/** The pace of a replay: lock-step at speed 0, its own rate otherwise. */
import { describe, expect, it } from 'vitest';
import { paced, type Shot } from '../../src/camera/pace.ts';
import { fakeClock } from '../fakes/clock.ts';

const never = new AbortController().signal;

/** Shots 0, 1, 2 … as one-byte pictures; `made` counts them, `closed` tells whether it was closed. */
function shots(count: number) {
  const state = { made: 0, closed: false };
  async function* make(): AsyncGenerator<Shot, void, void> {
    try {
      while (state.made < count) yield { picture: Uint8Array.of(state.made++) };
    } finally {
      state.closed = true;
    }
  }
  return { state, shots: make() };
}

describe('a replay in lock-step', () => {
  it('makes a frame only when it is asked for one, and drops none', async () => {
    const clock = fakeClock();
    const { state, shots: source } = shots(3);
    const frames = paced(source, { fps: 10, speed: 0, clock }, never);
    expect(state.made).toBe(0);
    expect(await frames.next()).toEqual({ done: false, value: { seq: 1, capturedAtMs: 0, picture: Uint8Array.of(0) } });
    expect(state.made).toBe(1);
    await clock.advance(5000);
    expect((await frames.next()).value).toMatchObject({ seq: 2, capturedAtMs: 5000 });
    expect((await frames.next()).value).toMatchObject({ seq: 3 });
    expect((await frames.next()).done).toBe(true);
    expect(state.closed).toBe(true);
  });

  it('ends at an abort between two frames and closes its source', async () => {
    const stop = new AbortController();
    const { state, shots: source } = shots(3);
    const frames = paced(source, { fps: 10, speed: 0, clock: fakeClock() }, stop.signal);
    await frames.next();
    stop.abort();
    expect((await frames.next()).done).toBe(true);
    expect(state).toEqual({ made: 1, closed: true });
  });
});

describe.each([
  { fps: 10, speed: 1, periodMs: 100 },
  { fps: 10, speed: 4, periodMs: 25 },
  { fps: 20, speed: 0.5, periodMs: 100 },
])('a replay at $fps frames/s and speed $speed', ({ fps, speed, periodMs }) => {
  it(`gives a frame every ${periodMs} ms of the clock`, async () => {
    const clock = fakeClock();
    const frames = paced(shots(4).shots, { fps, speed, clock }, never);
    const times: number[] = [];
    const reading = (async () => {
      for await (const frame of frames) times.push(frame.capturedAtMs);
    })();
    await clock.advance(5 * periodMs);
    await reading;
    expect(times).toEqual([0, 1, 2, 3].map((n) => n * periodMs));
  });

  it('goes on without a slow consumer, who then gets the newest', async () => {
    const clock = fakeClock();
    const drops: number[] = [];
    const frames = paced(shots(10).shots, { fps, speed, clock, onDrop: (n) => drops.push(n) }, never);
    const first = frames.next();
    await clock.advance(0);
    expect((await first).value).toMatchObject({ seq: 1 });
    await clock.advance(5 * periodMs + 1);
    expect((await frames.next()).value).toMatchObject({ seq: 6, capturedAtMs: 5 * periodMs });
    expect(drops.at(-1)).toBe(4);
    await frames.return();
  });
});

describe('a replay at life', () => {
  it('ends at once when it is aborted while it waits for the next frame', async () => {
    const clock = fakeClock();
    const stop = new AbortController();
    const { state, shots: source } = shots(10);
    const frames = paced(source, { fps: 10, speed: 1, clock }, stop.signal);
    const first = frames.next();
    await clock.advance(0);
    await first;
    const second = frames.next();
    stop.abort();
    expect((await second).done).toBe(true);
    expect(state.closed).toBe(true);
    expect(clock.sleepers).toBe(0);
  });
});
