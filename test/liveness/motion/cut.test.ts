/** Another picture in the same place is told from a head that moves: by points of one frame and the next. */
import { describe, expect, it } from 'vitest';
import { stepOf } from '../../../src/liveness/motion/cut.ts';
import type { Moved } from '../../../src/liveness/motion/plane.ts';
import { randomOf } from '../../fakes/embeddings.ts';

const interEyePx = 40;
const place = (x: number, y: number) => ({ u: x / interEyePx, v: y / interEyePx });

/** Forty points on a face, in distances between the eyes; each goes where `by` says, and as far as the noise. */
function points(seed: number, by: (u: number, v: number) => readonly [number, number], noise = 0.001): Moved[] {
  const random = randomOf(seed);
  const off = () => (random() - 0.5) * 4 * noise;
  return Array.from({ length: 40 }, () => {
    const [u, v] = [random() * 2 - 1, random() * 2.2 - 0.6];
    const [du, dv] = by(u, v);
    const [x, y] = [u * interEyePx, v * interEyePx];
    return { x, y, nowX: x + (du + off()) * interEyePx, nowY: y + (dv + off()) * interEyePx, errorPx: 0.05 };
  });
}
/** How near a place is to the camera: a nose on a ball. */
const depth = (u: number, v: number) =>
  1.3 * Math.sqrt(Math.max(0, 1 - (u / 1.3) ** 2 - ((v - 0.5) / 2) ** 2)) + 0.4 * Math.exp(-((u / 0.25) ** 2) - ((v - 0.65) / 0.35) ** 2);
const stepIn = (moved: readonly Moved[], { ms = 66, usual = 0.001 } = {}) => stepOf(moved, place, { interEyePx, ms, usual });

describe('from one frame to the next', () => {
  it('a head that turns is no cut, however fast', () => {
    for (const way of [0.02, 0.06, 0.15])
      expect(stepIn(points(1, (u, v) => [way * depth(u, v), 0.1 * way])), `${way}`).toMatchObject({ isCut: false });
  });

  it('points that scatter without depth are one', () => {
    const random = randomOf(7);
    const smile = points(2, () => [0.02 + 0.05 * (random() - 0.5), 0.05 * (random() - 0.5)]);
    expect(stepIn(smile)).toMatchObject({ isCut: true });
  });

  it('a picture that moves is none, nor is one that the noise of its camera always scatters as much', () => {
    const tilted = (u: number, v: number) => [0.03 + 0.02 * u, 0.01 * v] as const;
    expect(stepIn(points(3, tilted))).toMatchObject({ isCut: false });
    expect(stepIn(points(3, tilted, 0.008), { usual: 0.008 })).toMatchObject({ isCut: false });
    expect(stepIn(points(3, tilted, 0.008))).toMatchObject({ isCut: true });
  });

  it('a face that leaps is one, unless the frames lie that far apart', () => {
    const leap = points(4, (u, v) => [0.06 * depth(u, v), 0.35]);
    expect(stepIn(leap)).toMatchObject({ isCut: true });
    expect(stepIn(leap, { ms: 400 })).toMatchObject({ isCut: false });
  });

  it('a face that goes far is one where it shows less depth than a head would, also where the noise is as high', () => {
    const far = (deep: number, noise: number) => points(6, (u, v) => [deep * depth(u, v), 0.25], noise);
    expect(stepIn(far(0.02, 0.006), { ms: 133, usual: 0.006 })).toMatchObject({ isCut: true });
    expect(stepIn(far(0.06, 0.003), { ms: 133, usual: 0.006 })).toMatchObject({ isCut: false });
    // A print that is moved.
    expect(stepIn(far(0, 0.001), { ms: 133 })).toMatchObject({ isCut: false });
  });

  it('too few points say nothing', () => {
    expect(stepIn(points(5, () => [0.1, 0]).slice(0, 10))).toBeUndefined();
  });
});
