import sharp from 'sharp';
import { expect, it } from 'vitest';
import { openGlance } from '../../../src/face/pixels/glance.ts';

/** Bright squares on a dark ground, 200×104: its sides are no multiples of 16. */
const scene = () => {
  const [width, height] = [200, 104];
  const rgb = Buffer.alloc(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const level = 30 + 8 * ((Math.floor((i % width) / 8) + 3 * Math.floor(i / width / 8)) % 25);
    rgb.fill(level, i * 3, i * 3 + 3);
  }
  return sharp(rgb, { raw: { width, height, channels: 3 } });
};

it.each([
  ['colour at half the resolution', () => scene().jpeg({ chromaSubsampling: '4:2:0' })],
  ['colour at full resolution', () => scene().jpeg({ chromaSubsampling: '4:4:4' })],
  ['grey', () => scene().greyscale().jpeg()],
  ['a coarse quality', () => scene().jpeg({ quality: 30 })],
  ['Huffman tables of its own', () => scene().jpeg({ optimiseCoding: true })],
])('the mean brightness of each square: %s', async (_, make) => {
  const found = openGlance()(await make().toBuffer());
  if (!found) throw new Error('nothing was found');
  expect(found.across).toBeGreaterThanOrEqual(25);
  for (let y = 0; y < 13; y++)
    for (let x = 0; x < 25; x++) {
      const level = 30 + 8 * ((x + 3 * y) % 25);
      expect(Math.abs((found.levels[y * found.across + x] ?? 0) + 128 - level)).toBeLessThan(5);
    }
});

it('one glance after another, each at a picture with other tables', async () => {
  const glance = openGlance();
  const [own, common] = [await scene().jpeg({ optimiseCoding: true }).toBuffer(), await scene().jpeg({ optimiseCoding: false }).toBuffer()];
  expect(glance(own)).toEqual(openGlance()(own));
  expect(glance(common)).toEqual(openGlance()(common));
  expect(glance(own)).toEqual(openGlance()(own));
});

it('nothing of what is not a whole sequential JPEG of a common size', async () => {
  const glance = openGlance();
  const whole = await scene().jpeg().toBuffer();
  expect(glance(Buffer.alloc(0))).toBeUndefined();
  expect(glance(whole.subarray(0, whole.length / 2))).toBeUndefined();
  expect(glance(await scene().png().toBuffer())).toBeUndefined();
  expect(glance(await scene().jpeg({ progressive: true }).toBuffer())).toBeUndefined();
  expect(glance(Buffer.concat([whole, Buffer.alloc(500_000)]))).toBeUndefined();
  const lying = Buffer.from(whole);
  lying.writeUInt32BE(0xffffffff, lying.indexOf(Buffer.from([0xff, 0xc0])) + 5);
  expect(glance(lying)).toBeUndefined();
});
