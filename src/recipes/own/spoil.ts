/**
 * Aligned faces of which less can be told: darker, blurred, smaller, half covered, masked, moved, turned on their side.
 * Pixels go in, new pixels come out. A quality head learns from them what makes an embedding worth less.
 */
import sharp from 'sharp';
import type { Random } from '../../base/random.ts';
import { type Bounds, degrade, drawDegradation, type Pixels } from '../degrade.ts';

export const spoilings = ['worse', 'much-worse', 'covered', 'masked', 'moved', 'turned'] as const;
export type Spoiling = (typeof spoilings)[number];

/** Nobody can be told from it, whatever the embedding says. */
export const isHopeless = (spoiling: Spoiling): boolean => spoiling === 'turned';

/** Hardly a face. */
const ruin: Bounds = {
  exposure: [0.004, 0.08],
  red: [0.85, 1.25],
  blue: [0.7, 1.1],
  slope: 0.6,
  noise: [2, 16],
  blur: [0.6, 4],
  scale: [0.08, 0.4],
  quality: [10, 60],
};

const within = (random: Random, low: number, high: number) => low + (high - low) * random();

export async function spoiled(face: Pixels, how: Spoiling, random: Random): Promise<Uint8Array> {
  switch (how) {
    case 'worse':
      return await degrade(face, drawDegradation(random), random);
    case 'much-worse':
      return await degrade(face, drawDegradation(random, ruin), random);
    case 'covered':
      return covered(face, halfOf(face, random), random);
    case 'masked': {
      const top = Math.round(within(random, 0.5, 0.66) * face.height);
      return covered(face, { left: 0, top, right: face.width, bottom: face.height }, random);
    }
    case 'moved': {
      // As where the detector is wrong: a part of the face, too large or too small.
      const size = Math.round(within(random, 0.45, 0.75) * face.width);
      const [left, top] = [Math.floor(random() * (face.width - size)), Math.floor(random() * (face.height - size))];
      return await opened(face).extract({ left, top, width: size, height: size }).resize(fitted(face)).raw().toBuffer();
    }
    case 'turned': {
      const turned = opened(face).rotate(within(random, 60, 300), { background: { r: 127, g: 127, b: 127 } });
      const { data, info } = await turned.raw().toBuffer({ resolveWithObject: true });
      const [left, top] = [(info.width - face.width) >> 1, (info.height - face.height) >> 1];
      const whole = sharp(data, { raw: { width: info.width, height: info.height, channels: 3 } });
      return await whole.extract({ left, top, width: face.width, height: face.height }).raw().toBuffer();
    }
  }
}

const opened = ({ width, height, rgb }: Pixels) => sharp(rgb, { raw: { width, height, channels: 3 } });
const fitted = ({ width, height }: Pixels) => ({ width, height, fit: 'fill', kernel: 'linear' }) as const;

interface Patch {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** From a third to two thirds of the face, from one of its four sides. */
function halfOf({ width, height }: Pixels, random: Random): Patch {
  const [share, side] = [within(random, 0.34, 0.66), Math.floor(4 * random())];
  const whole = { left: 0, top: 0, right: width, bottom: height };
  if (side === 0) return { ...whole, right: Math.round(share * width) };
  if (side === 1) return { ...whole, left: Math.round((1 - share) * width) };
  if (side === 2) return { ...whole, bottom: Math.round(share * height) };
  return { ...whole, top: Math.round((1 - share) * height) };
}

/** One colour, with a little noise: grey, or that of a mask or a hand. */
function covered({ width, rgb }: Pixels, { left, top, right, bottom }: Patch, random: Random): Uint8Array {
  const out = rgb.slice();
  const colour = [within(random, 0, 255), within(random, 0, 255), within(random, 0, 255)] as const;
  const grey = random() < 0.5;
  for (let y = top; y < bottom; y++)
    for (let x = left; x < right; x++)
      for (let channel = 0; channel < 3; channel++) {
        const value = (grey ? colour[0] : (colour[channel] as number)) + within(random, -4, 4);
        out[3 * (y * width + x) + channel] = Math.min(255, Math.max(0, value));
      }
  return out;
}
