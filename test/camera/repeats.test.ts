/** A recording that is played over and over is noticed; a camera is not taken for one. */
import { describe, expect, it } from 'vitest';
import { below, newRandom } from '../../src/base/random.ts';
import { repeats } from '../../src/camera/repeats.ts';
import { hall } from './hall.ts';

/** `count` pictures as different as those of a sensor. */
function recording(count: number, seed = 1): Uint8Array[] {
  const random = newRandom(seed);
  return Array.from({ length: count }, () => Uint8Array.from({ length: 2000 + below(random, 200) }, () => below(random, 256)));
}
const told = (pictures: Iterable<Uint8Array>): (number | undefined)[] => {
  const watch = repeats();
  return Array.from(pictures, (picture) => watch.saw(picture));
};

describe('a recording that is played again', () => {
  it.each([2, 10, 200, 5000])('is noticed within 30 frames of its second turn: %i frames', (count) => {
    const clip = recording(count);
    const answers = told(Array.from({ length: count + 30 }, (_, i) => clip[i % count]!));
    expect(answers.findIndex((ago) => ago !== undefined)).toBe(count + 29);
    expect(answers.at(-1)).toBe(count);
  });

  it('is noticed when frames of it are dropped', () => {
    const clip = recording(300);
    const dropped = [...clip, ...clip, ...clip].filter((_, i) => i % 37 !== 0);
    expect(told(dropped).some((ago) => ago !== undefined)).toBe(true);
  });
});

describe('a camera', () => {
  it('of a dark and quiet hall is not taken for a recording', async () => {
    const see = hall({ level: 20, sigma: 0.6, quality: 60 });
    const pictures: Buffer[] = [];
    for (let frame = 0; frame < 300; frame++) pictures.push(await see(0));
    expect(told(pictures).filter((ago) => ago !== undefined)).toEqual([]);
  });

  it('that shows one black picture for a while, and now and then again, is not taken for a recording', () => {
    const black = new Uint8Array(1500);
    const pictures = recording(200).flatMap((picture, i) => (i % 20 < 10 ? [black, black, black] : [picture]));
    expect(told(pictures).filter((ago) => ago !== undefined)).toEqual([]);
  });
});
