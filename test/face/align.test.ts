import fc from 'fast-check';
import { expect, it } from 'vitest';
import { alignFace, similarityOf, warpSimilarity } from '../../src/face/align.ts';
import type { Picture } from '../../src/face/picture.ts';
import { shrinkByArea } from '../../src/face/pixels/resize.ts';
import type { Landmarks } from '../../src/face/port.ts';

/** A smooth picture: every channel a plane, so that any exact resampling is known in closed form. */
function ramp(width: number, height: number): Picture {
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++)
      rgb.set([Math.round((255 * x) / (width - 1)), Math.round((255 * y) / (height - 1)), 128], (y * width + x) * 3);
  }
  return { width, height, rgb };
}
const mean = (rgb: Uint8Array, channel: number) => rgb.reduce((sum, v, i) => (i % 3 === channel ? sum + v : sum), 0) / (rgb.length / 3);

it('finds the similarity that made the points', () => {
  const angle = fc.double({ min: -3, max: 3, noNaN: true });
  const size = fc.double({ min: 0.1, max: 5, noNaN: true });
  const shift = fc.double({ min: -100, max: 100, noNaN: true });
  fc.assert(
    fc.property(angle, size, shift, shift, (turn, scale, tx, ty) => {
      const from: [number, number][] = [
        [10, 20],
        [60, 22],
        [35, 50],
        [15, 80],
        [58, 79],
      ];
      const a = scale * Math.cos(turn);
      const b = scale * Math.sin(turn);
      const found = similarityOf(
        from,
        from.map(([x, y]) => [a * x - b * y + tx, b * x + a * y + ty]),
      );
      expect(found.a).toBeCloseTo(a, 6);
      expect(found.b).toBeCloseTo(b, 6);
      expect(found.tx).toBeCloseTo(tx, 4);
      expect(found.ty).toBeCloseTo(ty, 4);
    }),
  );
});

it('gives something finite for landmarks that fall together', () => {
  const point: [number, number] = [5, 5];
  const { a, b, tx, ty } = similarityOf(
    [point, point, point, point, point],
    [
      [0, 0],
      [9, 0],
      [4, 4],
      [0, 9],
      [9, 9],
    ],
  );
  expect([a, b, tx, ty].every(Number.isFinite)).toBe(true);
});

it('leaves a picture as it is under the identity', () => {
  const picture = ramp(40, 30);
  expect(warpSimilarity(picture, { a: 1, b: 0, tx: 0, ty: 0 }, 40, 30)).toEqual(picture.rgb);
});

it('repeats the border outside the picture', () => {
  const out = warpSimilarity(ramp(40, 30), { a: 1, b: 0, tx: 50, ty: 0 }, 10, 10);
  expect(out[0]).toBe(0);
});

it.each([
  [640, 480, 320, 240],
  [640, 480, 213, 160],
  [100, 80, 99, 79],
  [333, 77, 10, 3],
])('shrinking %i×%i to %i×%i by area keeps the mean', (w, h, to, down) => {
  const picture = ramp(w, h);
  const small = shrinkByArea(picture, to, down);
  for (const channel of [0, 1, 2]) expect(Math.abs(mean(small.rgb, channel) - mean(picture.rgb, channel))).toBeLessThan(0.75);
});

it('the quick half is the general way to the rounding', () => {
  const rgb = new Uint8Array(64 * 48 * 3).map((_, i) => (i * 7919) % 256);
  const half = shrinkByArea({ width: 64, height: 48, rgb }, 32, 24);
  // One more pixel of a neutral border column and row would take the general path; compare by hand instead.
  for (let y = 0; y < 24; y++) {
    for (let x = 0; x < 32; x++) {
      const at = (dx: number, dy: number) => rgb[((2 * y + dy) * 64 + 2 * x + dx) * 3] as number;
      const want = (at(0, 0) + at(1, 0) + at(0, 1) + at(1, 1)) / 4;
      expect(Math.abs((half.rgb[(y * 32 + x) * 3] as number) - want)).toBeLessThanOrEqual(0.5);
    }
  }
});

it('a region of a shrunk picture is that part of the whole', () => {
  const picture = ramp(200, 150);
  const whole = shrinkByArea(picture, 61, 47);
  const part = shrinkByArea(picture, 61, 47, { x: 10, y: 20, width: 15, height: 12 });
  for (let y = 0; y < 12; y++)
    expect(part.rgb.subarray(y * 45, y * 45 + 45)).toEqual(whole.rgb.subarray(((y + 20) * 61 + 10) * 3, ((y + 20) * 61 + 25) * 3));
});

it('a face much larger than the template is shrunk by area, so that a fine pattern becomes grey and not noise', () => {
  const size = 800;
  const rgb = new Uint8Array(size * size * 3);
  for (let i = 0; i < size * size; i++) rgb.fill((i + Math.floor(i / size)) % 2 === 0 ? 255 : 0, i * 3, i * 3 + 3);
  const template: [number, number][] = [
    [38, 51],
    [73, 51],
    [56, 71],
    [41, 92],
    [70, 92],
  ];
  const landmarks = template.map(([x, y]) => ({ x: x * 6 + 40, y: y * 6 + 40 })) as unknown as Landmarks;
  const aligned = alignFace({ width: size, height: size, rgb }, landmarks, template, 112, 112);
  expect(Math.max(...aligned) - Math.min(...aligned)).toBeLessThan(40);
});
