/** The paper's verification: a share of detections against a threshold. */
import { describe, expect, it } from 'vitest';
import { decideByFolder, verificationFigures, verificationRates, verificationThresholds } from '../../../src/train/figures/verification.ts';

const half = { detection: 0.5, verification: 0.5 };

describe('a probe against a folder of verification images', () => {
  it('is verified when more than the share of images scores above the detection threshold', () => {
    expect(decideByFolder([0.6, 0.7, 0.4], half)).toEqual({ ...half, detections: 2, images: 3, share: 2 / 3, verified: true });
    expect(decideByFolder([0.6, 0.4, 0.4], half).verified).toBe(false);
  });

  it('is not verified at either threshold exactly, nor by an empty folder', () => {
    expect(decideByFolder([0.5, 0.5, 0.5], half)).toMatchObject({ detections: 0, verified: false });
    expect(decideByFolder([0.9, 0.1], half)).toMatchObject({ share: 0.5, verified: false });
    expect(decideByFolder([], half)).toMatchObject({ share: 0, verified: false });
  });

  it('is told at the app’s thresholds first, with the strangers who pass by the same rule', () => {
    const figures = verificationFigures([0.95, 0.95, 0.6], [[0.1, 0.2, 0.3], [0.6, 0.6, 0.6], []]);
    expect(figures.map(({ detection, verification }) => [detection, verification])).toEqual([
      [0.99, 0.8],
      [0.5, 0.5],
      [0.9, 0.7],
    ]);
    expect(figures.map(({ verified, strangersVerified, strangers }) => [verified, strangersVerified, strangers])).toEqual([
      [false, 0, 3],
      [true, 1, 3],
      [false, 0, 3],
    ]);
    expect(verificationThresholds).toHaveLength(3);
  });
});

it('everyone against everyone’s images: who is verified as themselves, and who as another', () => {
  const claims = [
    { probe: 'a', images: ['a1', 'a2'] },
    { probe: 'b', images: ['b1'] },
    { probe: 'stranger', images: [] },
  ];
  // b is never known; the stranger passes for a.
  const score = (probe: string, image: string) =>
    probe === 'a' && image.startsWith('a') ? 0.95 : probe === 'stranger' && image === 'a1' ? 0.6 : 0;
  const rates = verificationRates(claims, score, [half, { detection: 0.5, verification: 0.4 }]);
  const counts = { verified: 1, people: 2, strangers: 4 };
  expect(rates).toEqual([
    { ...half, ...counts, strangersVerified: 0 },
    { detection: 0.5, verification: 0.4, ...counts, strangersVerified: 1 },
  ]);
});
