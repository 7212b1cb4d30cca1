import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { sceneWatch } from '../../src/house/scene-watch.ts';

interface Shown {
  readonly width?: number;
  /** Levels by which a square of `side` pixels is brighter than the wall. */
  readonly by?: number;
  readonly side?: number;
  readonly left?: number;
  /** Standard deviation of the noise, levels. */
  readonly sigma?: number;
  readonly seed?: number;
}

const made = new Map<string, Promise<Buffer>>();

/** Noise repeats after eight frames, which no comparison sees. */
const wall = ({ seed = 1, ...shown }: Shown = {}): Promise<Buffer> => {
  const key = JSON.stringify([shown, seed % 8]);
  const picture = made.get(key) ?? paint({ ...shown, seed: seed % 8 });
  made.set(key, picture);
  return picture;
};

/** A wall of 320×240 pixels (or wider), perhaps with a square on it, with the noise of a sensor. */
async function paint({ width = 320, by = 0, side = 60, left = 100, sigma = 2, seed = 1 }: Shown = {}): Promise<Buffer> {
  const height = 240;
  const grey = Buffer.alloc(width * height);
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  for (let i = 0; i < grey.length; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    const within = x >= left && x < left + side && y >= 80 && y < 80 + side;
    grey[i] = 120 + (within ? by : 0) + sigma * 2 * (random() + random() + random() - 1.5);
  }
  return sharp(grey, { raw: { width, height, channels: 1 } })
    .toColourspace('srgb')
    .jpeg({ quality: 80 })
    .toBuffer();
}

const fps = 15;

/** Times of the frames that were looked at. */
async function looks(
  frames: number,
  picture: (frame: number) => Promise<Uint8Array> | Uint8Array,
  watch = sceneWatch(4),
): Promise<readonly number[]> {
  const at: number[] = [];
  for (let frame = 0; frame < frames; frame++) {
    const atMs = (frame * 1000) / fps;
    if (watch.isDue(await picture(frame), atMs)) at.push(atMs);
  }
  return at;
}

const between = (times: readonly number[], fromMs: number, toMs: number) => times.filter((ms) => ms >= fromMs && ms < toMs).length;

describe('an idle door', () => {
  it('looks once a second at a scene that does not change but for the noise of the camera', async () => {
    const times = await looks(15 * 15, (seed) => wall({ sigma: 4, seed }));
    expect(between(times, 6000, 15_000)).toBeGreaterThanOrEqual(8);
    expect(between(times, 6000, 15_000)).toBeLessThanOrEqual(10);
  });

  it.each<[string, Shown]>([
    ['a face of the smallest size that counts, a little brighter than the wall', { by: 14, side: 50 }],
    ['one in strong noise', { by: 40, side: 50, sigma: 15 }],
    ['a large one, hardly darker than the wall', { by: -7, side: 120 }],
  ])('looks at once at %s', async (_, shown) => {
    const appears = 150;
    const appearsMs = (appears * 1000) / fps;
    const sigma = shown.sigma ?? 3;
    const times = await looks(appears + 30, (seed) => wall({ ...(seed >= appears ? shown : {}), sigma, seed }));
    const first = times.find((ms) => ms >= appearsMs) ?? Number.POSITIVE_INFINITY;
    expect(first - appearsMs).toBeLessThanOrEqual(140);
    // Then again and again, although nothing changes any more.
    expect(between(times, appearsMs, appearsMs + 2000)).toBeGreaterThanOrEqual(7);
  });

  it('notices what comes so slowly that no frame differs from the one before it', async () => {
    const times = await looks(15 * 20, (frame) => wall({ by: frame >= 150 ? Math.floor((frame - 150) / 15) : 0, side: 120, seed: frame }));
    expect(between(times, 10_000, 20_000)).toBeGreaterThanOrEqual(10);
    const gaps = times.slice(1).map((ms, i) => ms - (times[i] as number));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(1070);
  });

  it('never waits longer than a second, whatever the scene', async () => {
    const picture = await wall();
    const times = await looks(15 * 12, () => picture);
    expect(Math.max(...times.slice(1).map((ms, i) => ms - (times[i] as number)))).toBeLessThanOrEqual(1070);
  });

  it('looks at the idle rate, after some seconds, at a scene that never rests', async () => {
    const times = await looks(15 * 40, (frame) => wall({ by: 80, left: 20 * (frame % 12) }));
    expect(between(times, 0, 5000)).toBeGreaterThanOrEqual(30);
    expect(between(times, 30_000, 40_000) / 10).toBeGreaterThan(3.5);
    expect(between(times, 30_000, 40_000) / 10).toBeLessThan(5);
  });

  it('looks at the idle rate at pictures that it cannot compare: progressive, of another format, cut short', async () => {
    const whole = await wall();
    const odd = [await sharp(whole).jpeg({ progressive: true }).toBuffer(), await sharp(whole).png().toBuffer(), whole.subarray(0, 2000)];
    for (const picture of odd) {
      const times = await looks(15 * 10, () => picture);
      expect(times.length).toBeGreaterThanOrEqual(35);
      expect(times.length).toBeLessThanOrEqual(41);
    }
  });

  it('takes another resolution for a change, and goes on', async () => {
    const [small, large] = [await wall(), await wall({ width: 640 })];
    const times = await looks(300, (frame) => (frame < 150 ? small : large));
    expect(between(times, 10_000, 13_000)).toBeGreaterThanOrEqual(11);
    expect(between(times, 17_000, 20_000)).toBeLessThanOrEqual(4);
  });

  it('compares with nothing that it saw before somebody was there', async () => {
    const watch = sceneWatch(4);
    const picture = await wall();
    await looks(15 * 10, () => picture, watch);
    watch.busy(20_000);
    expect(watch.isDue(picture, 20_070)).toBe(false);
    const again = [20_140, 20_210, 20_280].map((ms) => watch.isDue(picture, ms));
    expect(again.filter(Boolean)).toHaveLength(1);
  });
});
