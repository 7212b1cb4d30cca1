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
  return ({ pixels, width, height }, { gain, noise }, chance) => {
    const spread = Float32Array.from({ length: 256 }, (_, level) => noise * Math.sqrt(0.25 + (0.75 * level) / 128));
    for (let y = 0; y < height; y++) {
      let bright = chance.below(kept - width);
      let colour = chance.below(kept - 3 * width);
      for (let x = 0, at = y * width * 3; x < width; x++, at += 3) {
        const common = 0.87 * (normal[bright++] as number);
        const red = (pixels[at] as number) * gain;
        const green = (pixels[at + 1] as number) * gain;
        const blue = (pixels[at + 2] as number) * gain;
        pixels[at] = red + (spread[red > 255 ? 255 : red | 0] as number) * (common + 0.5 * (normal[colour] as number));
        pixels[at + 1] = green + (spread[green > 255 ? 255 : green | 0] as number) * (common + 0.5 * (normal[colour + 1] as number));
        pixels[at + 2] = blue + (spread[blue > 255 ? 255 : blue | 0] as number) * (common + 0.5 * (normal[colour + 2] as number));
        colour += 3;
      }
    }
  };
}
