/**
 * An aligned face as a worse camera would see it: less light, noise, blur, fewer pixels, JPEG. Pixels and a degradation
 * drawn from a seed go in; new pixels come out.
 */
import sharp from 'sharp';
import type { Random } from '../base/random.ts';

/** Interleaved RGB, 3 bytes a pixel, rows top to bottom. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

export interface Degradation {
  /** Factor on linear light, 0…1. */
  readonly exposure: number;
  /** Colour cast of a lamp: factors on red and blue. */
  readonly cast: readonly [red: number, blue: number];
  /** Share by which light falls off to one side, −0.8…0.8. */
  readonly slope: number;
  /** Standard deviation of the sensor's noise at black, of 255; shot noise adds to it. */
  readonly noise: number;
  /** Standard deviation of the Gaussian blur, pixels. */
  readonly blur: number;
  /** The face is shrunk to this share of its pixels and enlarged again, 0…1. */
  readonly scale: number;
  /** JPEG quality, 1…100. */
  readonly quality: number;
}

const within = (random: Random, low: number, high: number) => low + (high - low) * random();

type Range = readonly [low: number, high: number];
/** The bounds between which a degradation is drawn. */
export type Bounds = Readonly<Record<'exposure' | 'red' | 'blue' | 'noise' | 'blur' | 'scale' | 'quality', Range>> & {
  readonly slope: number;
};

/** From hardly degraded to a night at a cheap camera. */
const night: Bounds = {
  exposure: [0.04, 0.6],
  red: [0.85, 1.25],
  blue: [0.7, 1.1],
  slope: 0.6,
  noise: [1, 9],
  blur: [0, 1.6],
  scale: [0.3, 1],
  quality: [30, 90],
};

/** A good door camera, and what can be wrong with one. */
const mild: Bounds = {
  exposure: [0.5, 1],
  red: [0.75, 1.25],
  blue: [0.75, 1.25],
  slope: 0.6,
  noise: [1, 4],
  blur: [0, 0.8],
  scale: [0.6, 1],
  quality: [25, 90],
};
const faulty: Bounds = { ...mild, exposure: [0.06, 0.5], noise: [4, 12], blur: [0.8, 2.5], scale: [0.22, 0.6] };
/** Chance that light, noise, sharpness or size is faulty, each by itself. */
const faultyShare = 0.4;

/** A door camera of chance: in the dark, out of focus, noisy, far away, or several of these. */
export function drawDoorCamera(random: Random): Degradation {
  const part = <K extends keyof Bounds>(name: K): Bounds[K] => (random() < faultyShare ? faulty : mild)[name];
  const bounds = { ...mild, exposure: part('exposure'), noise: part('noise'), blur: part('blur'), scale: part('scale') };
  return drawDegradation(random, bounds);
}

export function drawDegradation(random: Random, bounds: Bounds = night): Degradation {
  const drawn = ([low, high]: Range) => within(random, low, high);
  const [dark, bright] = bounds.exposure;
  return {
    exposure: Math.exp(within(random, Math.log(dark), Math.log(bright))),
    cast: [drawn(bounds.red), drawn(bounds.blue)],
    slope: within(random, -bounds.slope, bounds.slope),
    noise: drawn(bounds.noise),
    blur: drawn(bounds.blur),
    scale: drawn(bounds.scale),
    quality: Math.round(drawn(bounds.quality)),
  };
}

const gamma = 2.2;

export async function degrade(face: Pixels, how: Degradation, random: Random): Promise<Uint8Array> {
  const { width, height } = face;
  const raw = { width, height, channels: 3 } as const;
  const small = { width: Math.max(8, Math.round(width * how.scale)), height: Math.max(8, Math.round(height * how.scale)) };
  let lens = sharp(darkened(face, how), { raw });
  if (how.blur >= 0.3) lens = lens.blur(how.blur);
  const seen = await lens
    .resize({ ...small, fit: 'fill', kernel: 'linear' })
    .raw()
    .toBuffer();
  const jpeg = await sharp(noisy(seen, how.noise, random), { raw: { ...small, channels: 3 } })
    .jpeg({ quality: how.quality })
    .toBuffer();
  return await sharp(jpeg).resize({ width, height, fit: 'fill', kernel: 'linear' }).raw().toBuffer();
}

/**
 * Less light, of another colour, from one side. The light of a value, times a factor, and back: the powers cancel, so
 * the value is multiplied with a power of the factor, which is the same for a whole column.
 */
function darkened({ width, rgb }: Pixels, { exposure, cast: [red, blue], slope }: Degradation): Uint8Array {
  const out = new Uint8Array(rgb.length);
  const factors = Array.from({ length: width }, (_, x) => {
    const light = exposure * (1 + slope * ((2 * x) / (width - 1) - 1));
    return [light * red, light, light * blue].map((factor) => factor ** (1 / gamma));
  }).flat();
  for (let at = 0, column = 0; at < rgb.length; at++) {
    out[at] = Math.min(255, (rgb[at] as number) * (factors[column] as number)) + 0.5;
    if (++column === factors.length) column = 0;
  }
  return out;
}

/** Sensor noise, and shot noise that grows with the root of the light. */
function noisy(rgb: Uint8Array, sigma: number, random: Random): Uint8Array {
  const out = new Uint8Array(rgb.length);
  for (let at = 0; at < rgb.length; at += 2) {
    // Box-Muller gives two independent numbers.
    const size = Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    for (let i = 0; i < 2 && at + i < rgb.length; i++) {
      const value = rgb[at + i] as number;
      const spread = sigma * Math.sqrt(1 + value / 64);
      out[at + i] = Math.min(255, Math.max(0, value + spread * size * (i === 0 ? Math.cos(angle) : Math.sin(angle)) + 0.5));
    }
  }
  return out;
}
