/** Faces cut out for training: squares inside the picture, and a split that no detector changes. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { splitDataset } from '../../../src/train/data/dataset.ts';
import { type Crop, facesOnly, squareAbout } from '../../../src/train/data/face-crops.ts';

it('a crop is the square about the face, enlarged, and lies in the picture', () => {
  expect(squareAbout({ x1: 40, y1: 30, x2: 60, y2: 70 }, 100, 200)).toEqual({
    left: expect.closeTo(0.26),
    top: expect.closeTo(0.13),
    width: expect.closeTo(0.48),
    height: expect.closeTo(0.24),
  });
  const edge = fc.double({ min: -50, max: 300, noNaN: true });
  fc.assert(
    fc.property(
      edge,
      edge,
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 1, max: 250 }),
      (x1, y1, size, width, height) => {
        const crop = squareAbout({ x1, y1, x2: x1 + size, y2: y1 + size / 2 }, width, height);
        expect(Math.min(crop.left, crop.top)).toBeGreaterThanOrEqual(0);
        expect(Math.max(crop.left + crop.width, crop.top + crop.height)).toBeLessThanOrEqual(1 + 1e-9);
        expect(crop.width * width).toBeCloseTo(crop.height * height, 6);
      },
    ),
  );
});

it('pictures without a face are left out after the split, so that everyone stays in their part', () => {
  const subjects = Array.from({ length: 12 }, (_, person) => {
    const pictures = Array.from({ length: 4 }, (_each, index) => `p${person}/${index}.jpg`);
    return { name: `p${person}`, first: pictures, second: pictures };
  });
  const split = splitDataset({ name: 'invented', subjects }, { by: 'person', validation: 0.25, test: 0.25, seed: 1 });
  const whole: Crop = { left: 0, top: 0, width: 1, height: 1 };
  const all = subjects.flatMap(({ first }) => first);
  const gone = new Set(['p0/1.jpg', ...(subjects[5]?.first ?? [])]);
  const kept = facesOnly(split, new Map(all.filter((path) => !gone.has(path)).map((path) => [path, whole])));
  for (const part of ['train', 'validation', 'test'] as const) {
    expect(kept[part].subjects).toEqual(
      split[part].subjects
        .filter(({ name }) => name !== 'p5')
        .map(({ name, first }) => {
          const rest = first.filter((path) => !gone.has(path));
          return { name, first: rest, second: rest };
        }),
    );
    for (const { first, second } of kept[part].subjects) expect(first).toBe(second);
  }
  expect(() => facesOnly(split, new Map())).toThrow(/the train part, without the pictures that show no face \(--crop\), has 0 people/);
});
