/** Augmentation: each change does what its name says, nothing leaves 0…1, and the same seed draws the same. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newRandom } from '../../../src/base/random.ts';
import { augment, blur, drawAugmentation, limitsOf, recolour, throughJpeg, warpPicture } from '../../../src/train/data/augment.ts';

const side = 9;
const picture = Float32Array.from({ length: side * side * 3 }, newRandom(1));
const still = { a: 1, b: 0, c: 0, d: 1, tx: 0, ty: 0 };
const at = (from: Float32Array, x: number, y: number, channel = 0) => from[(y * side + x) * 3 + channel]!;
const same = { brightness: 0, contrast: 1, saturation: 1 };

describe('augmentation', () => {
  it('of strength 0 changes nothing', async () => {
    const change = drawAugmentation(limitsOf(0), side, newRandom(3));
    const out = await augment(picture, side, change);
    expect(Math.max(...out.map((value, index) => Math.abs(value - picture[index]!)))).toBeLessThan(1e-6);
  });

  it('draws the same from the same seed, another from another', () => {
    const draw = (seed: number) => drawAugmentation(limitsOf(1), side, newRandom(seed));
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it('keeps every number in 0…1, whatever is drawn', () =>
    fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const out = await augment(picture, side, drawAugmentation(limitsOf(1), side, newRandom(seed)));
        expect(out.length).toBe(picture.length);
        expect(out.every((value) => value >= 0 && value <= 1)).toBe(true);
      }),
      { numRuns: 30 },
    ));
});

describe('an affine change', () => {
  it('shifts', () => expect(at(warpPicture(picture, side, { ...still, tx: 2, ty: 1 }), 3, 4)).toBeCloseTo(at(picture, 5, 5), 6));
  it('flips', () => expect(at(warpPicture(picture, side, { ...still, a: -1 }), 1, 4)).toBeCloseTo(at(picture, 7, 4), 6));
  it('turns by 90°', () =>
    expect(at(warpPicture(picture, side, { ...still, a: 0, b: -1, c: 1, d: 0 }), 8, 4)).toBeCloseTo(at(picture, 4, 8), 6));
  it('scales about the middle', () =>
    expect(at(warpPicture(picture, side, { ...still, a: 2, d: 2 }), 5, 5)).toBeCloseTo(at(picture, 6, 6), 6));
  it('goes on with the edge beyond it', () =>
    expect(at(warpPicture(picture, side, { ...still, tx: 100 }), 0, 3)).toBeCloseTo(at(picture, 8, 3), 6));
  it('takes the mean between two pixels', () =>
    expect(at(warpPicture(picture, side, { ...still, tx: 0.5 }), 3, 3)).toBeCloseTo((at(picture, 3, 3) + at(picture, 4, 3)) / 2, 6));
});

describe('a change of colour', () => {
  it('adds brightness and stops at white', () => {
    const out = recolour(picture, { ...same, brightness: 0.3 });
    expect(out[0]).toBeCloseTo(Math.min(1, picture[0]! + 0.3), 6);
  });

  it('of saturation 0 leaves grey of the same luma', () => {
    const [r, g, b] = recolour(picture, { ...same, saturation: 0 });
    expect(r).toBeCloseTo(0.299 * picture[0]! + 0.587 * picture[1]! + 0.114 * picture[2]!, 6);
    expect([g, b]).toEqual([r, r]);
  });

  it('of contrast 0 leaves the mean', () => {
    const mean = picture.reduce((sum, value) => sum + value, 0) / picture.length;
    expect(recolour(picture, { ...same, contrast: 0 })[77]).toBeCloseTo(mean, 5);
  });
});

describe('blur and JPEG', () => {
  it('blur keeps an even picture as it is and spreads a point by its standard deviation', () => {
    const even = new Float32Array(side * side * 3).fill(0.4);
    expect(blur(even, side, 1.5).every((value) => Math.abs(value - 0.4) < 1e-6)).toBe(true);
    const point = new Float32Array(side * side * 3);
    point[(4 * side + 4) * 3] = 1;
    const spread = blur(point, side, 1);
    expect(at(spread, 5, 4) / at(spread, 4, 4)).toBeCloseTo(Math.exp(-0.5), 4);
  });

  it('JPEG of low quality loses more than of high', async () => {
    const loss = async (quality: number) =>
      (await throughJpeg(picture, side, quality)).reduce((sum, v, i) => sum + (v - picture[i]!) ** 2, 0);
    expect(await loss(20)).toBeGreaterThan(1.5 * (await loss(95)));
  });
});
