import fc from 'fast-check';
import { expect, it } from 'vitest';
import { alignFace, similarityOf, warpSimilarity } from '../../src/face/align.ts';
import type { Landmarks } from '../../src/face/port.ts';
import { ramp } from './ramp.ts';

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
