/** A hall at night as a camera shows it: with the noise of its sensor, or standing still, and with a clock in the corner. */
import sharp from 'sharp';

const hallSize = { width: 320, height: 240 };

export interface HallOptions {
  /** Mean brightness, 0…255. */
  readonly level: number;
  /** Standard deviation of the noise, levels; 0: the picture stands still. */
  readonly sigma: number;
  /** Quality of the JPEG. */
  readonly quality: number;
}

/** Pictures of the hall, one after the other; the same for the same options. */
export function hall({ level, sigma, quality }: HallOptions): (second: number) => Promise<Buffer> {
  const { width, height } = hallSize;
  let seed = 1;
  const next = () => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    return seed / 0x80000000;
  };
  const gauss = () => Math.sqrt(-2 * Math.log(next() + 1e-9)) * Math.cos(2 * Math.PI * next());
  const noise = Float32Array.from({ length: 1 << 16 }, gauss);
  const scene = Float32Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return level * (0.6 + 0.4 * Math.sin(x / 75) + (x > 125 && x < 195 && y > 60 ? 0.35 : 0));
  });
  const pixels = Buffer.alloc(scene.length);
  return (second) => {
    let shift = 0;
    scene.forEach((value, i) => {
      if ((i & 1023) === 0) shift = Math.floor(next() * noise.length);
      pixels[i] = Math.max(0, Math.min(255, Math.round(value + sigma * (noise[(shift + i * 7) & 0xffff] as number))));
    });
    for (let y = 5; y < 20; y++) for (let x = 5; x < 155; x++) pixels[y * width + x] = (x * 7 + y * 3 + second * 97) % 61 > 30 ? 255 : 0;
    return sharp(pixels, { raw: { width, height, channels: 1 } })
      .jpeg({ quality })
      .toBuffer();
  };
}
