/**
 * The camera's sensor: exposure and noise go in, a canvas is changed. Noise grows with the light, as that of photons
 * does; each pixel has brightness noise and a little colour noise.
 */
import type { Chance } from './chance.ts';
import type { Canvas } from './drape.ts';

export interface Exposure {
  /** Factor of the light, 1: as drawn. */
  readonly gain: number;
  /** Standard deviation of the noise at mid grey, levels (of 255). */
  readonly noise: number;
}

export type Sensor = (canvas: Canvas, exposure: Exposure, luck: Chance) => void;

const kept = 1 << 18;

/** Draws noise once; each frame reads it from places of its own. */
export function newSensor(luck: Chance): Sensor {
  const normal = Float32Array.from({ length: kept }, () => {
    // Box and Muller.
    return Math.sqrt(-2 * Math.log(1 - luck.next())) * Math.cos(2 * Math.PI * luck.next());
  });
  // Of each level of a pixel: its light, and how far noise spreads it.
  const lit = new Float64Array(256);
  const spread = new Float32Array(256);
  return ({ pixels, width, height }, { gain, noise }, chance) => {
    for (let level = 0; level < 256; level++) {
      lit[level] = level * gain;
      spread[level] = noise * Math.sqrt(0.25 + (0.75 * Math.min(255, Math.floor(level * gain))) / 128);
    }
    for (let y = 0; y < height; y++) {
      let bright = chance.below(kept - width);
      let colour = chance.below(kept - 3 * width);
      for (let at = y * width * 3, end = at + width * 3; at < end; at += 3) {
        const common = 0.87 * (normal[bright++] as number);
        const red = pixels[at] as number;
        const green = pixels[at + 1] as number;
        const blue = pixels[at + 2] as number;
        pixels[at] = (lit[red] as number) + (spread[red] as number) * (common + 0.5 * (normal[colour] as number));
        pixels[at + 1] = (lit[green] as number) + (spread[green] as number) * (common + 0.5 * (normal[colour + 1] as number));
        pixels[at + 2] = (lit[blue] as number) + (spread[blue] as number) * (common + 0.5 * (normal[colour + 2] as number));
        colour += 3;
      }
    }
  };
}
