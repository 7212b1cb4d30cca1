import { expect, it } from 'vitest';
import type { NetworkInput } from '../../../src/base/model/folder.ts';
import type { Picture } from '../../../src/face/picture.ts';
import { openLetterbox } from '../../../src/face/pixels/letterbox.ts';
import { enlarge, shrinkByArea } from '../../../src/face/pixels/resize.ts';

const rgb: NetworkInput = { name: 'image', layout: 'NCHW', channels: 'RGB', width: 320, height: 256, mean: [0, 0, 0], std: [1, 1, 1] };
const bgr: NetworkInput = { ...rgb, channels: 'BGR', height: 320, mean: [127.5, 120, 100], std: [128, 60, 50] };
const rows: NetworkInput = { ...rgb, layout: 'NHWC' };

function noise(width: number, height: number, seed = 1): Picture {
  const pixels = new Uint8Array(width * height * 3);
  let state = seed;
  for (let i = 0; i < pixels.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    pixels[i] = state >>> 24;
  }
  return { width, height, rgb: pixels };
}

/** The same in the plainest way: one number after the other. */
function expected(picture: Picture, input: NetworkInput): Float32Array {
  const scale = Math.min(input.width / picture.width, input.height / picture.height, 2);
  const [width, height] = [Math.max(1, Math.round(picture.width * scale)), Math.max(1, Math.round(picture.height * scale))];
  const shown = scale < 1 ? shrinkByArea(picture, width, height) : enlarge(picture, width, height);
  const data = new Float32Array(3 * input.width * input.height);
  for (let c = 0; c < 3; c++)
    for (let y = 0; y < input.height; y++)
      for (let x = 0; x < input.width; x++) {
        const value = x < width && y < height ? (shown.rgb[(y * width + x) * 3 + (input.channels === 'RGB' ? c : 2 - c)] as number) : 0;
        const place = input.layout === 'NCHW' ? (c * input.height + y) * input.width + x : (y * input.width + x) * 3 + c;
        data[place] = (value - (input.mean[c] as number)) / (input.std[c] as number);
      }
  return data;
}

/** Largest difference, and the share of numbers that differ at all. */
function difference(a: Float32Array, b: Float32Array): { most: number; share: number } {
  let [most, count] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    const by = Math.abs((a[i] as number) - (b[i] as number));
    if (by > 1e-5) count++;
    most = Math.max(most, by);
  }
  return { most, share: count / a.length };
}

it.each([
  ['half', 640, 480],
  ['a quarter, wide', 1280, 720],
  ['half, tall', 480, 512],
  ['its own size', 320, 240],
  ['2.5 times smaller', 800, 600],
  ['odd sides', 333, 207],
  ['twice as large', 100, 90],
  ['as small as a picture may be', 16, 16],
  ['a strip', 2048, 16],
])('%s: what the plain way makes', (_, width, height) => {
  for (const input of [rgb, bgr, rows]) {
    const picture = noise(width, height);
    const { data, scale } = openLetterbox(input, 2)(picture);
    expect(scale).toBe(Math.min(input.width / width, input.height / height, 2));
    expect(difference(data, expected(picture, input)).most).toBeLessThan(1e-5);
  }
});

it.each([
  ['a sixth', 1920, 1080],
  ['a tenth', 3200, 2400],
])('%s: the same but for half levels, which binary fractions do not hit', (_, width, height) => {
  const picture = noise(width, height);
  const { most, share } = difference(openLetterbox(rgb, 2)(picture).data, expected(picture, rgb));
  expect(most).toBeLessThanOrEqual(1);
  expect(share).toBeLessThan(0.02);
});

it('a camera that changes its resolution leaves nothing of the picture before', () => {
  const letterbox = openLetterbox(bgr, 2);
  const sizes = [
    [640, 480],
    [320, 240],
    [1280, 720],
    [100, 300],
    [640, 480],
    [333, 207],
    [1280, 720],
    [250, 250],
    [800, 600],
    [640, 480],
  ] as const;
  for (const [turn, [width, height]] of sizes.entries()) {
    const picture = noise(width, height, turn + 1);
    expect(difference(letterbox(picture).data, expected(picture, bgr)).most).toBeLessThan(1e-5);
  }
});
