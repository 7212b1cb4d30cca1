/** Shrinking by area: what it keeps, its quick half, and a part of the whole. */
import { expect, it } from 'vitest';
import { shrinkByArea } from '../../../src/face/pixels/resize.ts';
import { ramp } from '../ramp.ts';

const mean = (rgb: Uint8Array, channel: number) => rgb.reduce((sum, v, i) => (i % 3 === channel ? sum + v : sum), 0) / (rgb.length / 3);

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
