/** Points are followed to a tenth of a pixel, also in other light, and lost where they are gone. */
import { describe, expect, it } from 'vitest';
import { cornersOf } from '../../../src/liveness/motion/corners.ts';
import { distanceTo, fittedPlane, type Moved } from '../../../src/liveness/motion/plane.ts';
import { followPatch, type Grey, patchOf, pyramidOf } from '../../../src/liveness/motion/tracks.ts';
import { randomOf } from '../../fakes/embeddings.ts';

const [width, height] = [160, 120];

/** Waves that repeat nowhere in the picture, moved by `dx`, `dy`. */
function waves(dx: number, dy: number, gain = 1): Grey {
  const pixels = Uint8Array.from({ length: width * height }, (_, i) => {
    const x = (i % width) - dx;
    const y = Math.floor(i / width) - dy;
    return 128 + gain * (34 * Math.sin(x / 4.1 + 0.002 * y * y) + 30 * Math.sin(y / 3.7 + x / 9.3) + 24 * Math.sin((x + y) / 13.7));
  });
  return { width, height, pixels };
}

const whole = { x1: 0, y1: 0, x2: width, y2: height };

describe('points', () => {
  it.each([
    [0.4, -0.3, 1],
    [3.6, 2.2, 1],
    [-2.5, 4.8, 0.8],
  ])('are found where they went: %d, %d pixels, in light of %d', (dx, dy, gain) => {
    const before = pyramidOf(waves(0, 0));
    const after = pyramidOf(waves(dx, dy, gain));
    const corners = cornersOf(before[0]!, whole, 20, 3);
    expect(corners.length).toBeGreaterThan(20);
    const misses = corners.flatMap(({ x, y }) => {
      const patch = patchOf(before, x, y);
      const now = patch && followPatch(patch, after, { x, y });
      return now ? [Math.hypot(now.x - x - dx, now.y - y - dy)] : [];
    });
    expect(misses.length).toBeGreaterThan(0.5 * corners.length);
    expect(misses.toSorted((a, b) => a - b)[Math.floor(misses.length / 2)]).toBeLessThan(0.1);
  });

  it('are lost where something else is there now', () => {
    const random = randomOf(3);
    const noise = { width, height, pixels: Uint8Array.from({ length: width * height }, () => 255 * random()) };
    const before = pyramidOf(waves(0, 0));
    const patches = cornersOf(before[0]!, whole, 20, 3).flatMap(({ x, y }) => patchOf(before, x, y) ?? []);
    const found = patches.filter((patch) => followPatch(patch, pyramidOf(noise), patch));
    expect(patches.length).toBeGreaterThan(15);
    expect(found).toEqual([]);
  });

  it('are not looked for where there is nothing to hold on to, and not at the edge', () => {
    expect(cornersOf({ width, height, pixels: new Uint8Array(width * height) }, whole, 20, 3)).toEqual([]);
    expect(patchOf(pyramidOf(waves(0, 0)), 2, 60)).toBeUndefined();
  });
});

describe('a homography', () => {
  const random = randomOf(4);
  const seen = (x: number, y: number) => {
    const w = 1 + 0.0004 * x - 0.0003 * y;
    return { nowX: (1.02 * x - 0.05 * y + 4) / w, nowY: (0.04 * x + 0.98 * y - 2) / w };
  };
  const points: Moved[] = Array.from({ length: 40 }, () => {
    const [x, y] = [300 * random(), 200 * random()];
    return { x, y, ...seen(x, y), errorPx: 0.05 };
  });

  it('is found, whatever a fifth of the points does', () => {
    const strays = points.map((point, i) => (i % 5 === 0 ? { ...point, nowX: point.nowX + 9, nowY: point.nowY - 6 } : point));
    const found = fittedPlane(strays)!;
    const misses = strays.filter((_, i) => i % 5 !== 0).map((point) => distanceTo(found, point));
    expect(Math.max(...misses)).toBeLessThan(0.1);
  });

  it('is not claimed for too few points, or for points on a line', () => {
    expect(fittedPlane(points.slice(0, 8))).toBeUndefined();
    expect(fittedPlane(points.map((point) => ({ ...point, y: 0, nowY: 0 })))).toBeUndefined();
  });
});
