/** The demo's camera with the shipped people: what its frames look like, what they say they show, and that they repeat. */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/time.ts';
import { type DemoOptions, demoVisits } from '../../../src/camera/demo/visits.ts';
import type { Frame } from '../../../src/camera/port.ts';
import { fakeClock } from '../../fakes/clock.ts';

const options: DemoOptions = {
  folder: fileURLToPath(new URL('../../../config/demo-people', import.meta.url)),
  enrolled: ['p01', 'p03'],
  strangers: ['p02', 'p04'],
  visits: 3,
  seed: 11,
  fps: 15,
  speed: 0,
  clock: systemClock,
};

async function all(change: Partial<DemoOptions> = {}): Promise<Frame[]> {
  return await Array.fromAsync(demoVisits({ ...options, ...change }).frames(new AbortController().signal));
}
const digest = ({ picture }: Frame) => createHash('sha256').update(picture).digest('hex');

describe('the demo visits', () => {
  let frames: readonly Frame[];
  beforeAll(async () => {
    frames = await all();
  });

  it('are 640×480 JPEGs, no two alike, that say who is there; empty frames say nothing', async () => {
    expect(new Set(frames.map(digest)).size).toBe(frames.length);
    for (const { picture } of frames) {
      const { format, width, height } = await sharp(picture).metadata();
      expect({ format, width, height }).toEqual({ format: 'jpeg', width: 640, height: 480 });
    }
    const visits = Object.groupBy(frames, ({ scene }) => scene?.visit ?? 0);
    expect(visits[0]).toHaveLength(3 * 30);
    for (const visit of [1, 2, 3]) {
      const scenes = visits[visit]!.map(({ scene }) => scene!);
      expect(scenes.map(({ last }) => last)).toEqual(scenes.map((_, i) => i === scenes.length - 1));
      expect(new Set(scenes.map(({ manner, people }) => `${manner} ${people}`)).size).toBe(1);
      for (const person of scenes[0]!.people) expect(person).toMatch(/^(p0[13]|stranger:p0[24]|picture:p0[13])$/);
    }
    expect(frames.map(({ seq }) => seq)).toEqual(frames.map((_, i) => i + 1));
  });

  it('are the same bytes for the same seed, and others for another', async () => {
    const again = await all({ visits: 1 });
    expect(again.length).toBeGreaterThan(30);
    expect(again.map(digest)).toEqual(frames.slice(0, again.length).map(digest));
    const stop = new AbortController();
    for await (const other of demoVisits({ ...options, seed: 12 }).frames(stop.signal)) {
      expect(digest(other)).not.toBe(digest(frames[0]!));
      stop.abort();
    }
  });

  it('show somebody where the scene says so: the middle differs from the empty hallway', async () => {
    const small = ({ picture }: Frame) => sharp(picture).resize(64, 48).raw().toBuffer();
    const empty = await small(frames.find(({ scene }) => !scene)!);
    for (const frame of frames.filter(({ scene }) => scene?.last)) {
      const change = (await small(frame)).reduce((sum, v, i) => sum + Math.abs(v - empty[i]!), 0) / empty.length;
      if (frame.scene!.people.length === 0) expect(change).toBeLessThan(3);
      else expect(change).toBeGreaterThan(8);
    }
  });

  it('come at life by the clock', async () => {
    const clock = fakeClock();
    const stop = new AbortController();
    const frames = demoVisits({ ...options, visits: 0, fps: 10, speed: 1, clock })
      .frames(stop.signal)
      [Symbol.asyncIterator]();
    const times: number[] = [];
    while (times.length < 5) {
      const { value } = await frames.next();
      times.push(value!.capturedAtMs);
      await clock.advance(100);
    }
    expect(times).toEqual([0, 100, 200, 300, 400]);
    stop.abort();
    expect((await frames.next()).done).toBe(true);
  });

  it('name the setting when there is no such person', async () => {
    await expect(all({ enrolled: ['p99'] })).rejects.toMatchObject({
      code: 'camera-missing',
      message: expect.stringMatching(/p99-smiling\.jpg.*camera\.replay\.enrolled/),
    });
  });
});
