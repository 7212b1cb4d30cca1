import type { Picture } from '../../src/face/picture.ts';

/** A smooth picture: every channel a plane, so that any exact resampling is known in closed form. */
export function ramp(width: number, height: number): Picture {
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++)
      rgb.set([Math.round((255 * x) / (width - 1)), Math.round((255 * y) / (height - 1)), 128], (y * width + x) * 3);
  }
  return { width, height, rgb };
}
